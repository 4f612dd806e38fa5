"""What a rule found in many comparisons: false alarms, finds, wrong directions, coverage; with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, stdev

from armbench.bench import stats
from armbench.bench.compare.comparison import DISPLAY_Q, GATE_Q
from armbench.bench.compare.verdicts import MARGIN
from armbench.bench.selftest.disturb import Regime
from armbench.bench.selftest.experiment import ALIKE, Comparison
from armbench.bench.selftest.rivals import RULES
from armbench.bench.stats import Interval


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many, and the exact 95 % interval of the rate (Clopper & Pearson 1934)."""

    hits: int
    trials: int

    @property
    def rate(self) -> float:
        return self.hits / self.trials if self.trials else math.nan

    @property
    def bounds(self) -> tuple[float, float]:
        return stats.clopper_pearson(self.hits, self.trials)


def share(outcomes: Iterable[bool]) -> Share:
    found = list(outcomes)
    return Share(sum(found), len(found))


@dataclass(frozen=True, slots=True)
class Judged:
    """One trial of one comparison as the suite judges it."""

    case: str
    truth: float  # log of B over A
    estimate: Interval
    p: float
    adjusted_p: float

    def differs(self, q: float) -> int:
        """+1 slower, -1 faster, 0 neither, at this q."""
        found = self.adjusted_p <= q and abs(self.estimate.value) >= MARGIN
        return int(math.copysign(1, self.estimate.value)) if found else 0

    @property
    def covered(self) -> bool:
        return self.estimate.low <= self.truth <= self.estimate.high

    def same(self, differences: Sequence[float]) -> bool:
        inner = stats.interval(differences, 0.90)
        return not self.differs(DISPLAY_Q) and max(abs(inner.low), abs(inner.high)) <= 2 * MARGIN


def judge(comparison: Comparison, cases: Sequence[str]) -> list[Judged]:
    """The suite's own rule on some of a comparison's cases, adjusted among them."""
    differences = {case: comparison.differences(case) for case in cases}
    p = [stats.signed_rank_p(d) for d in differences.values()]
    adjusted = stats.benjamini_hochberg(p)
    return [
        Judged(case, math.log(comparison.truth[case]), stats.interval(differences[case]), raw, adj)
        for case, raw, adj in zip(cases, p, adjusted, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Alarms:
    """A/A: comparisons with any alarm at the gate, and trials with p <= 0.05 before correction.

    covered: intervals that have the ratio 1.
    """

    suites: Share
    trials: Share
    covered: Share
    slower: int
    faster: int


def alarms(comparisons: Sequence[Comparison]) -> Alarms:
    judged = [judge(comparison, _present(comparison, ALIKE)) for comparison in comparisons]
    flat = [trial for suite in judged for trial in suite]
    found = [trial for trial in flat if trial.p <= 0.05]
    return Alarms(
        share(any(trial.differs(GATE_Q) for trial in suite) for suite in judged),
        share(trial.p <= 0.05 for trial in flat),
        share(trial.covered for trial in flat),
        sum(trial.estimate.value > 0 for trial in found),
        sum(trial.estimate.value < 0 for trial in found),
    )


def rival_alarms(comparisons: Sequence[Comparison]) -> dict[str, tuple[Share, Share]]:
    """{tool: (comparisons with any alarm, trials with one)} on the same samples of A/A trials."""
    found = {}
    for name, rule in RULES.items():
        suites = [
            [bool(rule(c.side(case, "a"), c.side(case, "b"))) for case in _present(c, ALIKE)]
            for c in comparisons
        ]
        found[name] = (share(map(any, suites)), share(alarm for suite in suites for alarm in suite))
    return found


@dataclass(frozen=True, slots=True)
class Finds:
    """A/B of one size: found as what it is, called the opposite, called the same, covered."""

    found: Share
    wrong: Share
    same: Share
    covered: Share


def finds(comparisons: Sequence[Comparison], percent: int) -> Finds:
    trials: list[tuple[Judged, list[float]]] = []
    for comparison in comparisons:
        longer = [case for case in comparison.truth if case not in ALIKE]
        for trial in judge(comparison, longer):
            if round(100 * math.expm1(abs(trial.truth))) == percent:
                trials.append((trial, comparison.differences(trial.case)))
    signs = [(trial.differs(DISPLAY_Q), math.copysign(1, trial.truth)) for trial, _ in trials]
    return Finds(
        share(sign == truth for sign, truth in signs),
        share(sign == -truth for sign, truth in signs),
        share(trial.same(differences) for trial, differences in trials),
        share(trial.covered for trial, _ in trials),
    )


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain over many comparisons.

    percent  it is longer on a side by so many, 0 for one alike on both
    spread   standard deviation of a round's difference, the median over the comparisons
    found    verdicts at the display's q; of one alike, p <= 0.05 before correction
    """

    case: str
    percent: int
    spread: float
    found: Share
    covered: Share


def chains(comparisons: Sequence[Comparison]) -> list[Chain]:
    """Each chain's, in the order of the comparisons: what noise does to which kind of work."""
    trials: dict[str, list[Judged]] = {}
    spreads: dict[str, list[float]] = {}
    for comparison in comparisons:
        alike = _present(comparison, ALIKE)
        longer = [case for case in comparison.truth if case not in ALIKE]
        for trial in (*judge(comparison, alike), *judge(comparison, longer)):
            trials.setdefault(trial.case, []).append(trial)
            spreads.setdefault(trial.case, []).append(stdev(comparison.differences(trial.case)))
    return [_chain(case, found, median(spreads[case])) for case, found in trials.items()]


def _chain(case: str, trials: Sequence[Judged], spread: float) -> Chain:
    percent = round(100 * math.expm1(abs(trials[0].truth)))
    if percent:
        found = share(trial.differs(DISPLAY_Q) == math.copysign(1, trial.truth) for trial in trials)
    else:
        found = share(trial.p <= 0.05 for trial in trials)
    return Chain(case, percent, spread, found, share(trial.covered for trial in trials))


def spread(comparisons: Sequence[Comparison]) -> float:
    """Standard deviation of a round's difference: the median over all trials."""
    return median(stdev(c.differences(case)) for c in comparisons for case in c.truth)


def uniformity(comparisons: Sequence[Comparison]) -> float:
    """The p of a Kolmogorov-Smirnov test of the A/A trials' p values against a uniform distribution.

    They are discrete, and those of one comparison share its rounds, so a small p is a hint alone.
    """
    p = sorted(t.p for c in comparisons for t in judge(c, _present(c, ALIKE)))
    n = len(p)
    if not n:
        return math.nan
    distance = max(max((i + 1) / n - value, value - i / n) for i, value in enumerate(p))
    scaled = (math.sqrt(n) + 0.12 + 0.11 / math.sqrt(n)) * distance
    terms = ((-1) ** (k - 1) * math.exp(-2 * k * k * scaled * scaled) for k in range(1, 101))
    return min(1.0, max(0.0, 2 * math.fsum(terms)))


def by_regime(comparisons: Iterable[Comparison]) -> dict[Regime, list[Comparison]]:
    found: dict[Regime, list[Comparison]] = {}
    for comparison in comparisons:
        found.setdefault(comparison.regime, []).append(comparison)
    return found


def _present(comparison: Comparison, cases: Sequence[str]) -> list[str]:
    return [case for case in cases if case in comparison.truth]
