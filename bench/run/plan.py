"""From what was asked to the trials that will run, and the skips with their reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

from armbench.bench import native, registry
from armbench.bench.model import (
    Case,
    Kernel,
    Machine,
    Pairs,
    Placement,
    Settings,
    SideName,
    Skip,
    Trial,
    Variant,
)
from armbench.bench.run.placement import SelectionError

SCALAR_FLOPS = 300_000_000  # a scalar call above this lasts so long that it tells nothing more
CACHE_MULTIPLE = 4  # cold operands exceed the last-level cache by so much
UNKNOWN_CACHE_BYTES = 64 << 20  # at least, where no third level is reported: Graviton-sized


@dataclass(frozen=True, slots=True)
class Profile:
    """How thorough a run is.

    precision: stop a trial when the half-width of its interval is at most this fraction
    (checked from `least_rounds` on); None: never.  budget_seconds None: no limit.
    sample_seconds: aimed at; the longer, the smaller the share of everything else.
    """

    name: str
    full: bool
    rounds: int
    budget_seconds: float | None
    precision: float | None
    sample_seconds: float = 11e-3
    sessions: int = 1
    least_rounds: int = 12


PROFILES = {
    p.name: p
    for p in (
        Profile("quick", full=False, rounds=3, budget_seconds=60, precision=None, sample_seconds=5e-3),
        Profile("standard", full=False, rounds=20, budget_seconds=570, precision=0.005),
        Profile("rigorous", full=True, rounds=30, budget_seconds=None, precision=None),
        Profile("noise", full=False, rounds=20, budget_seconds=570, precision=None, sessions=5),
    )
}


@dataclass(frozen=True, slots=True)
class Group:
    """The software environment that trials share: one set of processes a round, of one side of `ab`.

    `processes` run in step, each on the next `threads` CPUs of `cpus`; libraries in them use so
    many threads.  Without CPUs there is one, whose native threads pin themselves.
    """

    processes: int
    threads: int
    cpus: tuple[int, ...] = ()
    memory: str = "local"
    side: SideName | None = None

    @property
    def idles(self) -> bool:
        """Whether it sleeps between its trials; the thread pools of libraries may spin for long."""
        return self.processes == self.threads == 1

    def cpus_of(self, rank: int) -> tuple[int, ...]:
        return self.cpus[rank * self.threads : (rank + 1) * self.threads]


@dataclass(frozen=True, slots=True)
class Plan:
    trials: tuple[Trial, ...]
    skips: tuple[Skip, ...]

    def groups(self) -> dict[Group, tuple[Trial, ...]]:
        found: dict[Group, tuple[Trial, ...]] = {}
        for trial in self.trials:
            group = group_of(trial)
            found[group] = (*found.get(group, ()), trial)
        return found


def group_of(trial: Trial) -> Group:
    """Native trials bring their own threads; a library needs a process per CPU, or its own threads."""
    place = trial.placement
    if trial.variant.native or place.threads == 1:
        return Group(processes=1, threads=1, memory=place.memory, side=trial.side)
    return Group(place.at_once, place.threads // place.at_once, place.cpus, place.memory, trial.side)


# --- selection -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Selector:
    """KERNEL[/VARIANT[/CASE]] with shell globs."""

    kernel: str
    variant: str = "*"
    case: str = "*"

    @classmethod
    def parse(cls, text: str) -> Selector:
        parts = text.split("/")
        if len(parts) > 3 or not all(parts):
            raise SelectionError(f"{text}: write KERNEL[/VARIANT[/CASE]], for instance matmul/*/f32-*")
        return cls(*parts)

    def matches(self, kernel: str, variant: str, case: str) -> bool:
        pairs = ((kernel, self.kernel), (variant, self.variant), (case, self.case))
        return all(fnmatchcase(name, pattern) for name, pattern in pairs)


def nearest(name: str, known: Iterable[str]) -> str:
    """The words "did you mean a, b?" or, with nothing near, all that is known."""
    names = sorted(set(known))
    close = get_close_matches(name, names, n=3, cutoff=0.5)
    return f"did you mean {', '.join(close)}?" if close else f"there are: {', '.join(names)}"


def check_selectors(selectors: Sequence[Selector], settings: Settings) -> None:
    """Raise SelectionError when a part of a selector matches nothing."""
    known = registry.kernels()
    for selector in selectors:
        kernels = [k for name, k in known.items() if fnmatchcase(name, selector.kernel)]
        if not kernels:
            raise SelectionError(f"no kernel {selector.kernel}; {nearest(selector.kernel, known)}")
        variants = {v.name for k in kernels for v in registry.variants(k.name)}
        if not any(fnmatchcase(name, selector.variant) for name in variants):
            where = "/".join(k.name for k in kernels)
            raise SelectionError(
                f"no variant {selector.variant} of {where}; {nearest(selector.variant, variants)}"
            )
        cases = {c.name for k in kernels for c in k.cases(settings)}
        if not any(fnmatchcase(name, selector.case) for name in cases):
            where = "/".join(k.name for k in kernels)
            raise SelectionError(f"no case {selector.case} of {where}; {nearest(selector.case, cases)}")


# --- trials --------------------------------------------------------------------------------


def no_pairs(which: Pairs) -> Sequence[Placement]:
    """Of one CPU."""
    del which
    return ()


def make_plan(
    selectors: Sequence[Selector],
    settings: Settings,
    profile: Profile,
    places: Sequence[Placement],
    pairs: Callable[[Pairs], Sequence[Placement]] = no_pairs,
) -> Plan:
    """Every trial that was selected and can run here, in a fixed order, and what is skipped.

    Cases between two CPUs run on `pairs` instead of `places`.
    Full-tier cases come in with profile.full, and all when a selector names a case.
    Raises SelectionError when a selector matches nothing.
    """
    check_selectors(selectors, settings)
    trials: list[Trial] = []
    skips: list[Skip] = []
    for kernel in registry.kernels().values():
        wanted = [
            (variant, case)
            for case in kernel.cases(settings)
            for variant in registry.variants(kernel.name)
            if _selected(kernel, variant, case, selectors, profile)
        ]
        for variant in dict.fromkeys(variant for variant, _ in wanted if variant.why_not):
            skips.append(Skip(kernel.name, variant.name, _with_remedy(variant)))
        skips.extend(_nowhere(kernel, wanted))
        for variant, case in wanted:
            if variant.why_not or not has_operation(variant, case):
                continue
            if reason := why_not_case(variant, case):
                skips.append(Skip(kernel.name, variant.name, reason, case.name))
            elif case.pairs:
                two = pairs(case.pairs)
                trials.extend(Trial(kernel, case, variant, place) for place in two)
                if not two:
                    skips.append(Skip(kernel.name, variant.name, "needs two CPUs", case.name))
            else:
                whole = why_not_shared(variant, case)
                fitting = [place for place in places if not whole or place.mode == "throughput"]
                trials.extend(Trial(kernel, case, variant, place) for place in fitting)
                for mode in dict.fromkeys(place.mode for place in places if place not in fitting):
                    reason = f"not in mode {mode}: {whole}"
                    skips.append(Skip(kernel.name, variant.name, reason, case.name, mode))
    return Plan(tuple(trials), tuple(skips))


def _selected(
    kernel: Kernel, variant: Variant, case: Case, selectors: Sequence[Selector], profile: Profile
) -> bool:
    matching = [s for s in selectors if s.matches(kernel.name, variant.name, case.name)]
    named = any(s.case != "*" for s in matching)
    included = case.tier == "core" or (case.tier == "full" and profile.full)
    return bool(matching or not selectors) and (included or named)


def _with_remedy(variant: Variant) -> str:
    if variant.extra:
        return f"{variant.why_not}; EXTRAS={variant.extra} installs what is missing"
    return variant.why_not or ""


def has_operation(variant: Variant, case: Case) -> bool:
    """Whether a variant that runs here has a case's operation at all; a library says why not itself."""
    return bool(variant.library or native.find(variant.kernel, variant.name, case.operation))


def _nowhere(kernel: Kernel, wanted: Sequence[tuple[Variant, Case]]) -> Iterator[Skip]:
    """Cases that no native variant here has: one of them lacking it is no news, all of them are."""
    for case in dict.fromkeys(case.name for _, case in wanted):
        natives = [(v, c) for v, c in wanted if c.name == case and v.native and not v.why_not]
        if natives and not any(has_operation(v, c) for v, c in natives):
            operation = natives[0][1].operation
            yield Skip(kernel.name, "native code", f"none that runs here has {operation}", case)


def why_not_case(variant: Variant, case: Case) -> str | None:
    """Why a variant that runs here does not run this case; None when it does."""
    if variant.library:
        return variant.library.accepts(case)
    if variant.isa == "scalar" and case.flops > SCALAR_FLOPS:
        return f"over {SCALAR_FLOPS / 1e9:g} Gflop a call, too slow to tell anything more"
    return None


def why_not_shared(variant: Variant, case: Case) -> str | None:
    """Why several threads cannot work on one call; None when they can."""
    if variant.library:
        return None if variant.library.threads_used else "calls of it use one thread"
    found = native.find(variant.kernel, variant.name, case.operation)
    if found and native.most_grains(found, case.native_params, 2) == 1:
        return "a call is one piece of work"
    return None


def copies_of(case: Case, operand_bytes: int, placement: Placement, machine: Machine) -> int:
    """How many operand sets each call at a time rotates over.

    A cold case takes so many that all sets together exceed CACHE_MULTIPLE times the
    last-level cache, hence no call finds its operands there.
    """
    if not case.cold:
        return 1
    known = machine.last_level_bytes or 0
    if not any(cache.level >= 3 and cache.bytes for cache in machine.caches):
        known = max(known, UNKNOWN_CACHE_BYTES)  # a virtual machine may hide the cache of its chip
    wanted = CACHE_MULTIPLE * known
    return max(1, -(-wanted // (operand_bytes * placement.at_once)))
