"""What is to be measured: from the options, or from the journal of an interrupted run."""

from __future__ import annotations

import secrets
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from armbench.bench import codec
from armbench.bench import machine as host
from armbench.bench.machine import layout
from armbench.bench.model import SIDES, Json, Machine, Mode, Settings, SideName, Site, Skip
from armbench.bench.run import memory
from armbench.bench.run.placement import SelectionError, Wish, pairs, placements
from armbench.bench.run.plan import PROFILES, Plan, Profile, Selector, make_plan
from armbench.bench.run.sides import Setting, SettingError

MODES: dict[str, tuple[Mode, ...]] = {
    "throughput": ("throughput",),
    "parallel": ("parallel",),
    "both": ("throughput", "parallel"),
    "split": ("split",),
}
AB = Profile("ab", full=False, rounds=20, budget_seconds=None, precision=None)


@dataclass(frozen=True, slots=True)
class Request:
    """The words of `armbench run`, or of `armbench ab`, which has sides."""

    select: tuple[str, ...]
    settings: Settings
    profile: Profile
    cpus: str
    mode: str
    trial_seconds: float
    seed: int
    metadata: bool = True  # whether EC2's service is asked
    placement: str = "compact"
    memory: str = "local"
    oversubscribe: float | None = None
    sides: tuple[Setting, Setting] | None = None

    @classmethod
    def of(cls, options: Namespace) -> Request:
        profile = PROFILES[options.profile]
        given = {
            "rounds": options.rounds,
            "budget_seconds": options.budget,
            "precision": options.precision and options.precision / 100,
        }
        return cls(
            select=tuple(options.select),
            settings=Settings(corpus=options.corpus, vocabulary=options.vocabulary),
            profile=replace(profile, **{name: value for name, value in given.items() if value}),
            cpus=options.cpus,
            mode=options.mode,
            trial_seconds=options.limit,
            seed=secrets.randbits(32) if options.seed is None else options.seed,
            metadata=not options.no_imds,
            placement=options.placement,
            memory=options.memory,
            oversubscribe=options.oversubscribe,
        )

    @classmethod
    def of_sides(cls, options: Namespace) -> Request:
        """Raises SettingError for what is no setting, or when both sides are the same by mistake."""
        a, b = Setting.parse(options.a or ()), Setting.parse(options.b or ())
        if a == b and not options.same:
            raise SettingError("both sides are the same; to measure the noise so, add --same")
        given = {"rounds": options.rounds, "budget_seconds": options.budget}
        return cls(
            select=tuple(options.select),
            settings=Settings(corpus=options.corpus, vocabulary=options.vocabulary),
            profile=replace(AB, **{name: value for name, value in given.items() if value}),
            cpus=options.cpus,
            mode=options.mode,
            trial_seconds=options.limit,
            seed=secrets.randbits(32) if options.seed is None else options.seed,
            metadata=not options.no_imds,
            placement=options.placement,
            memory=options.memory,
            sides=(a, b),
        )

    def plan(self, machine: Machine) -> Plan:
        """Raises SelectionError when nothing of what was selected can run here."""
        memory.check(self.memory, machine)
        sites = layout.sites(host.allowed_cpus())
        if self.sides is None:
            return self._plan(sites, machine)
        plans = [self._plan(sites, machine, name, side) for name, side in zip(SIDES, self.sides, strict=True)]
        skips: tuple[Skip, ...] = tuple(dict.fromkeys(skip for plan in plans for skip in plan.skips))
        return Plan(tuple(trial for plan in plans for trial in plan.trials), skips)

    def _plan(
        self,
        sites: Sequence[Site],
        machine: Machine,
        name: SideName | None = None,
        setting: Setting | None = None,
    ) -> Plan:
        """Of one side, or of all there is."""
        setting = setting or Setting()
        wish = Wish(setting.cpus or self.cpus, self.placement, self.memory, self.oversubscribe)
        places = placements(wish, sites, machine.budget.cpus, MODES[self.mode])
        selectors = [Selector.parse(text) for text in self.select]
        plan = make_plan(
            selectors, self.settings, self.profile, places, partial(pairs, places=places, sites=sites)
        )
        trials = [t for t in plan.trials if setting.variant in (None, t.variant.name)]
        if not trials:
            reasons = "; ".join(f"{skip.kernel}/{skip.variant}: {skip.reason}" for skip in plan.skips[:3])
            if setting.variant and plan.trials:
                known = ", ".join(dict.fromkeys(trial.variant.name for trial in plan.trials))
                reasons = f"variant {setting.variant} is none of those selected that run here: {known}"
            reasons = (
                reasons or "every case of what was selected runs only when it is named; see armbench list"
            )
            raise SelectionError(f"nothing to run{f' on side {name}' if name else ''}: {reasons}")
        return Plan(tuple(replace(trial, side=name) for trial in trials), plan.skips)


def request_json(request: Request) -> Json:
    """For the journal of a run."""
    document = codec.encode(request)
    document["settings"] = {name: value and str(value) for name, value in document["settings"].items()}
    return document


def request_of(document: Json) -> Request:
    paths = {name: value and Path(value) for name, value in document["settings"].items()}
    sides = document.get("sides")
    return Request(
        **{
            **document,
            "select": tuple(document["select"]),
            "settings": Settings(**paths),
            "profile": Profile(**document["profile"]),
            "sides": sides and tuple(Setting.parse(side["words"]) for side in sides),
        }
    )
