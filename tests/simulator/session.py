"""A whole session on a simulated machine: the real plan, runner, rounds, journal and result file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path

import numpy as np

from armbench.bench import cpulist, journal, registry, results
from armbench.bench import machine as host
from armbench.bench.journal import Journal
from armbench.bench.machine import layout
from armbench.bench.model import Case, Mode, Operand, Problem, Session, Settings, Trial, Work, empty
from armbench.bench.run import noise
from armbench.bench.run.instruments import Instruments
from armbench.bench.run.placement import Wish, placements
from armbench.bench.run.plan import PROFILES, Plan, Profile, Selector, make_plan
from armbench.bench.run.runner import Limits, Runner
from armbench.bench.run.session import JournalRecorder
from tests.bench.sessions import session as made_up_session
from tests.machines.fake_root import build, specs
from tests.simulator.launcher import TICK_HZ, SimulatedLauncher
from tests.simulator.physics import Behaviour, Chip, Noise

BEGAN = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
FREE_BYTES = 1 << 50
ROUNDS = 20
USUAL = Noise()
LADDER = Wish("ladder")


class Quiet:
    """A watcher that says nothing."""

    def preparing(self, what: str, index: int, count: int) -> None: ...
    def trial(self, round_index: int, rounds: int, key: str, share_done: float) -> None: ...
    def forecast(self, remaining: float) -> None: ...
    def noise(self, noise: noise.Noise) -> None: ...
    def note(self, text: str) -> None: ...


def chip_of(name: str, folder: Path, node_bytes_per_second: float = math.inf) -> Chip:
    """The machine of tests/machines/NAME.json, as detection finds it below `folder`."""
    root = folder / name
    if not root.exists():
        build(specs()[name], root)
    machine = host.detect(root)
    sites = layout.sites(cpulist.parse(machine.online), root)
    return Chip(machine, sites, node_bytes_per_second)


@cache
def work_of(kernel: str, case: str) -> Work:
    """That the problem states; making one takes long for the large ones, so once."""
    found = registry.kernels()[kernel]
    named = next(each for each in found.cases(Settings()) if each.name == case)
    return found.problem(named, Settings(), 1).work


def light(trial: Trial) -> Trial:
    """The trial with the work of its problem but hardly any data: nothing computes them."""
    work = work_of(trial.kernel.name, trial.case.name)
    operands = (Operand("x", np.zeros(8)), Operand("y", empty(8, float), output=True))

    def problem(case: Case, settings: Settings, seed: int) -> Problem:
        del case, settings, seed
        return Problem(operands, {"y": np.zeros(8)}, 0.0, work)

    return replace(trial, kernel=replace(trial.kernel, problem=problem))


def instruments(launcher: SimulatedLauncher) -> Instruments:
    """Clocks that show the simulated time."""
    return Instruments(
        monotonic=lambda: launcher.elapsed,
        utc_now=lambda: _utc(launcher.elapsed),
        watch=lambda: host.Watch(0, round(100 * launcher.elapsed), 0, 0, 0.0),
        clock_hz=lambda cpus: launcher.chip.machine.clock_hz,
        free_memory_bytes=lambda: FREE_BYTES,
        tick_hz=lambda: TICK_HZ,
    )


def _utc(elapsed: float) -> str:
    now = BEGAN + timedelta(seconds=elapsed)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Simulation:
    """What is simulated: a chip, how kernels behave on it, and what is measured there."""

    chip: Chip
    behaviours: Mapping[str, Behaviour]
    select: tuple[str, ...]
    wish: Wish = LADDER
    modes: tuple[Mode, ...] = ("throughput",)
    noise: Noise = USUAL
    rounds: int = ROUNDS

    def plan(self) -> Plan:
        selectors = [Selector.parse(text) for text in self.select]
        places = placements(self.wish, self.chip.sites, self.chip.machine.cpus, self.modes)
        made = make_plan(selectors, Settings(), self.profile, places)
        return replace(made, trials=tuple(map(light, made.trials)))

    @property
    def profile(self) -> Profile:
        return replace(PROFILES["standard"], rounds=self.rounds, precision=None, budget_seconds=None)

    def run(self, target: Path, seed: int) -> Session:
        """Measure, write the result file, and read it back."""
        launcher = SimulatedLauncher(self.chip, self.behaviours, self.noise, elapsed=seed % 1000)
        plan, tools = self.plan(), instruments(launcher)
        template = made_up_session(machine=self.chip.machine)
        header = {
            "session": {
                **template.session,
                "started": tools.utc_now(),
                "seed": seed,
                "ended": None,
                "argv": ["run", "--cpus", self.wish.cpus],
            },
            "machine": template.machine,
            "software": template.software,
            "trials": [trial.key for trial in plan.trials],
        }
        kept = Journal.create(target.with_suffix(results.PARTIAL_SUFFIX), header)
        limits = Limits.of(self.profile, trial_seconds=60)
        runner = Runner(
            plan, self.chip.machine, Settings(), limits, Quiet(), JournalRecorder(kept), seed,
            launcher=launcher, instruments=tools,
        )  # fmt: skip
        runner.prepare()
        runner.run()
        runner.file.close()
        for result in runner.results():
            kept.append("result", {"key": result.key, "result": replace(result, processes=())})
        kept.append("session", {"ended": tools.utc_now(), "partial": False})
        kept.close()
        results.write(journal.assemble(journal.read_journal(kept.path)), target)
        kept.path.unlink()
        return results.read(target)
