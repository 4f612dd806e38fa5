"""How precise the numbers are and what disturbs them, told while a session runs."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from armbench.bench.report.progress import TerminalProgress, noise_lines
from armbench.bench.run import noise
from armbench.bench.run.noise import Noise
from tests.bench.run.test_runner import Silent, session_of
from tests.bench.sessions import result


class Listening(Silent):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Noise] = []

    def noise(self, noise: Noise) -> None:
        self.heard.append(noise)


def test_precision_is_of_those_with_rounds_enough() -> None:
    exact, loose, few = (
        result(case=name, noise=spread, rounds=rounds)
        for name, spread, rounds in (("exact", 0.002, 8), ("loose", 0.1, 8), ("few", 0.5, 3))
    )
    assert noise.precision([few]) is None
    found = noise.precision([exact, loose, few])
    assert found is not None
    assert found.worst_result.case == "loose"
    assert 0 < noise.half_width(exact) < found.typical < found.worst == noise.half_width(loose)


def test_a_round_tells_how_noisy_it_was() -> None:
    listening = Listening()
    session = session_of("matmul/scalar/f32-n128", [[0]], listening)
    session.prepare()
    session.run()
    assert listening.heard[-1].trials == 1
    assert listening.heard[-1].precision is None, "a quick session has few rounds"


@pytest.mark.parametrize(
    ("disturbed", "words"),
    [
        ({}, None),
        ({"preempted": 2, "off_cpu": 3}, "disturbed: other work on these CPUs"),
        (
            {"off_cpu": 1, "steal": 1},
            "disturbed: the hypervisor gives time to others, other work on these CPUs",
        ),
    ],
)
def test_disturbances_in_words(disturbed: dict[str, int], words: str | None) -> None:
    assert noise_lines(Noise(None, disturbed, 5)) == ([words] if words else [])


def test_lines_are_below_the_bar_and_within_the_screen() -> None:
    loose = result(case="a-case-of-a-long-name", noise=0.1)
    said = Noise(noise.precision([loose]), {"steal": 1, "preempted": 1, "moved": 1})
    screen = io.StringIO()
    with TerminalProgress(Console(file=screen, width=80, force_terminal=True)) as progress:
        progress.noise(said)
        progress.trial(0, 20, "matmul/numpy/f32-n512", 0.1)
    assert "precise to" in screen.getvalue()
    assert "disturbed: the hypervisor" in screen.getvalue()
    log = io.StringIO()
    with TerminalProgress(Console(file=log, width=80)) as progress:
        progress.noise(said)
        progress.trial(0, 20, "matmul/numpy/f32-n512", 0.1)
    assert log.getvalue().splitlines()[0] == "round 1 of 20"
    assert log.getvalue().splitlines()[1].startswith("  precise to ")
