"""Stands where the runner's launcher stands, and gives what worker processes would have measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import numpy as np

from armbench.bench.model import Array, Json, Work
from armbench.bench.run.plan import Group
from armbench.bench.run.processes import Done, Event
from armbench.bench.run.sampling import schedule_for
from armbench.bench.run.worker import Job, TrialJob
from tests.simulator.physics import Behaviour, Chip, Noise, rates, seconds

TICK_HZ = 1_000_000_000
PROCESS_BYTES = 200 << 20  # of a worker with its libraries


@dataclass
class SimulatedLauncher:
    """Runs jobs on a simulated chip.

    behaviours   {glob of KERNEL/VARIANT/CASE: how it runs}; the first that matches counts
    elapsed      simulated seconds so far, on which the drift depends
    """

    chip: Chip
    behaviours: Mapping[str, Behaviour]
    noise: Noise = field(default_factory=Noise)
    elapsed: float = 0.0
    call_rates: dict[int, Array] = field(default_factory=dict)  # by trial, once computed

    def behaviour(self, trial: TrialJob) -> Behaviour:
        name = f"{trial.kernel}/{trial.variant}/{trial.case}"
        return next(found for glob, found in self.behaviours.items() if fnmatchcase(name, glob))

    def run(self, group: Group, job: Job, started: Callable[[int], None], seed: int) -> Iterator[Event]:
        """As Launcher.run: one event per trial."""
        chance = np.random.default_rng(seed)
        of_round = self.noise.round * chance.standard_normal()
        for trial in job.trials:
            started(trial.index)
            pid = int(chance.integers(2, 1 << 22))
            if job.probe:
                yield Done(trial.index, pid, ({"private_bytes": PROCESS_BYTES},))
            else:
                yield Done(trial.index, pid, self._events(trial, job, group.processes, of_round, chance))

    def run_in_turns(
        self, sides: Sequence[tuple[Group, Job]], started: Callable[[int], None], seed: int
    ) -> Iterator[Event]:
        """As Launcher.run_in_turns."""
        for group, job in sides:
            yield from self.run(group, job, started, seed)

    def _events(
        self, trial: TrialJob, job: Job, ranks: int, of_round: float, chance: np.random.Generator
    ) -> tuple[Json, ...]:
        """A "done" event of every process, each with its own columns."""
        if trial.index not in self.call_rates:
            self.call_rates[trial.index] = self._call_rates(trial, job)
        call_rates = self.call_rates[trial.index]
        schedule = trial.schedule or schedule_for(float((1 / call_rates).min()), job.sample_seconds)
        phase = 2 * math.pi * self.elapsed / self.noise.period
        offset = of_round + self.noise.drift * math.sin(phase)
        rows = schedule.warmup + schedule.samples
        taken = seconds(call_rates, schedule.calls, rows, self.noise, offset, chance)
        self.elapsed += float(taken.max(axis=1).sum())
        ticks = np.maximum(1, np.rint(taken * TICK_HZ)).astype(np.int64)
        flags = ["oversubscribed"] if trial.place.oversubscribed else []
        facts = {
            "schedule": {"calls": schedule.calls, "warmup": schedule.warmup, "samples": schedule.samples},
            "overhead_ticks": 0.0,
            "page_bytes": 4096,
            "detail": None,
            "max_error": 0.0,
        }
        return tuple(
            {**facts, "ticks": part.tolist(), "flags": flags, "seconds": float(taken.sum())}
            for part in np.hsplit(ticks, ranks)
        )

    def _call_rates(self, trial: TrialJob, job: Job) -> Array:
        """Calls a second of each that runs at a time: the sum over its threads, float64 [calls at once]."""
        work = Work(**job.table[trial.problem]["work"])
        team = len(trial.place.teams[0]) if trial.mode == "split" else None
        each = rates(self.chip, self.behaviour(trial), work, trial.cpus, trial.memory, team)
        summed: Array = each.reshape(trial.place.at_once, -1).sum(axis=1)
        return summed
