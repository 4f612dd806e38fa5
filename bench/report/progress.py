"""What a run shows while it runs: one line on a terminal, a line per round elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from types import TracebackType

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.text import Text

from armbench.bench.run.noise import Noise
from armbench.bench.run.plan import Plan, Profile


def duration(seconds: float) -> str:
    """ "45 s", "3 min 20 s" or "1 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < 90:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(whole, 3600)
    return f"{hours} h {rest // 60} min"


BESIDE = {  # what a flag of a trial or a round says of the machine, in the order in which it matters
    "steal": "the hypervisor gives time to others",
    "clock": "the clock changes",
    "preempted": "other work on these CPUs",
    "off_cpu": "other work on these CPUs",
    "moved": "threads leave their CPUs",
    "remote_memory": "memory of another node",
    "oversubscribed": "more threads than CPUs",
    "fewer_threads": "a library uses fewer threads",
}


def noise_lines(noise: Noise) -> list[str]:
    """How precise the numbers are, and what disturbs them; as far as there is something to say."""
    lines = []
    if found := noise.precision:
        of = found.worst_result
        lines.append(
            f"precise to {100 * found.typical:.1f} % (half of the results), "
            f"{100 * found.worst:.1f} % ({of.kernel} {of.variant} {of.case})"
        )
    causes = dict.fromkeys(words for flag, words in BESIDE.items() if noise.disturbed.get(flag))
    if causes:
        lines.append(f"disturbed: {', '.join(causes)}")
    return lines


class Bar(Progress):
    """A bar, and below it lines of text."""

    below: Sequence[str] = ()

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        for line in self.below:
            yield Text(line, style="dim", overflow="ellipsis", no_wrap=True)


class TerminalProgress:
    """A bar with what runs now and the time left, and how precise the numbers are; context manager."""

    def __init__(self, console: Console):
        self.console = console
        self.live = console.is_terminal
        self.ends_at: float | None = None
        self.last_round = -1
        self.bar = Bar(
            TextColumn("{task.description}", table_column=None),
            BarColumn(bar_width=16),
            TaskProgressColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            transient=True,
            auto_refresh=False,  # no thread beside the measured ones
            disable=not self.live,
        )
        self.task = self.bar.add_task("starting", total=1.0, left="")

    def __enter__(self) -> TerminalProgress:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def preparing(self, what: str, index: int, count: int) -> None:
        self._show(f"preparing {what}", index / max(1, count))

    def trial(self, round_index: int, rounds: int, key: str, share_done: float) -> None:
        if round_index != self.last_round:
            self.last_round = round_index
            if not self.live:
                self._plain(f"round {round_index + 1} of {rounds}{self._left(', ')}")
                for line in self.bar.below:
                    self._plain(f"  {line}")
        kernel, variant, case, *_ = key.split("/")
        self._show(f"round {round_index + 1}/{rounds}  {kernel} {variant} {case}", share_done)

    def forecast(self, remaining: float) -> None:
        self.ends_at = time.monotonic() + remaining

    def noise(self, noise: Noise) -> None:
        self.bar.below = noise_lines(noise)
        self.bar.refresh()

    def note(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False)

    def _plain(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False)

    def _left(self, before: str = "") -> str:
        if self.ends_at is None:
            return ""
        return f"{before}{duration(self.ends_at - time.monotonic())} left"

    def _show(self, what: str, share: float) -> None:
        width = max(20, self.console.width - 42)
        text = what if len(what) <= width else what[: width - 1] + "…"
        self.bar.update(
            self.task, description=f"{text:<{width}}", completed=share, left=self._left(), refresh=True
        )


class StepProgress:
    """A bar for work in steps of about equal length, with the time left; context manager."""

    def __init__(self, console: Console):
        self.progress = TerminalProgress(console)
        self.begun = time.monotonic()
        self.done_before: int | None = None

    def __enter__(self) -> StepProgress:
        self.progress.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.__exit__(kind, error, trace)

    def step(self, what: str, index: int, count: int) -> None:
        """Step `index` of `count` begins; the first that is told may not be 0."""
        if self.done_before is None:
            self.done_before = index
        done = index - self.done_before
        if done:
            self.progress.forecast((time.monotonic() - self.begun) / done * (count - index))
        if not self.progress.live:
            self.progress.note(f"{index + 1} of {count}: {what}{self.progress._left(', ')}")
        self.progress.preparing(what, index, count)


def announcement(plan: Plan, profile: Profile) -> str:
    """What will run and how long that takes at most, before anything is measured."""
    cases = len({(trial.kernel.name, trial.case.name) for trial in plan.trials})
    text = f"{len(plan.trials)} trials of {cases} cases, up to {profile.rounds} rounds"
    if profile.budget_seconds is None:
        return f"{text}; the first will tell how long"
    return f"{text}, at most about {duration(profile.budget_seconds)}"
