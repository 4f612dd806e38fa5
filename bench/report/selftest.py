"""What a self-test found, as lines for a terminal and as a Markdown report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from armbench.bench import stats
from armbench.bench.selftest import score
from armbench.bench.selftest.disturb import REGIMES, Regime
from armbench.bench.selftest.experiment import Comparison
from armbench.bench.selftest.score import Share

PERCENTS = (1, 2, 5)


def _rate(found: Share) -> str:
    """Such as "3 of 400, 0.8 % (0.2-2.2)"."""
    if not found.trials:
        return "none"
    low, high = found.bounds
    return f"{found.hits} of {found.trials}, {100 * found.rate:.1f} % ({100 * low:.1f}-{100 * high:.1f})"


def lines(found: Sequence[Comparison]) -> Iterator[str]:
    """A paragraph a regime; no line is longer than 80 characters."""
    for regime, comparisons in score.by_regime(found).items():
        yield f"{regime}: {REGIMES[regime]}; {len(comparisons)} comparisons"
        alarms = score.alarms(comparisons)
        yield f"  comparisons of alike: any alarm (gate) {_rate(alarms.suites)}"
        yield f"  alike, p <= 0.05 before correction    {_rate(alarms.trials)}"
        yield f"    of these slower / faster            {alarms.slower} / {alarms.faster}"
        for percent in PERCENTS:
            finds = score.finds(comparisons, percent)
            if finds.found.trials:
                yield f"  {percent} % longer: found                     {_rate(finds.found)}"
                yield f"    called the opposite                 {_rate(finds.wrong)}"
                yield f"    interval has the true ratio         {_rate(finds.covered)}"
    yield "Rates with exact 95 % intervals (Clopper-Pearson)."


def markdown(found: Sequence[Comparison]) -> str:
    """Tables: false alarms beside those of other tools' rules on the same samples, finds, coverage."""
    regimes = score.by_regime(found)
    text = ["# Self-test", ""]
    text += ["| regime | comparisons | what disturbs |", "|---|--:|---|"]
    text += [f"| {regime} | {len(c)} | {REGIMES[regime]} |" for regime, c in regimes.items()]
    pooled: dict[str, Sequence[Comparison]] = dict(regimes.items())
    if len(regimes) > 1:
        pooled["all"] = found
    text += ["", "## Both sides alike", ""]
    text += ["| regime | rule | comparisons with an alarm | trials with an alarm | slower / faster |"]
    text += ["|---|---|--:|--:|--:|"]
    for regime, comparisons in pooled.items():
        alarms = score.alarms(comparisons)
        signs = f"{alarms.slower} / {alarms.faster}"
        text.append(
            f"| {regime} | armbench: comparisons at the gate (q = 0.01), trials at p <= 0.05 uncorrected "
            f"| {_rate(alarms.suites)} | {_rate(alarms.trials)} | {signs} |"
        )
        for name, (suites, trials) in score.rival_alarms(comparisons).items():
            text.append(f"| {regime} | {name} | {_rate(suites)} | {_rate(trials)} | |")
    uniform = ", ".join(f"{regime} {score.uniformity(c):.2g}" for regime, c in pooled.items())
    covered = "; ".join(f"{regime} {_rate(score.alarms(c).covered)}" for regime, c in pooled.items())
    text += ["", f"95 % intervals that have the true ratio, 1: {covered}.", ""]
    text += [f"p of a balance of slower and faster (binomial): {_balance(found):.2g}.", ""]
    text += [f"Kolmogorov-Smirnov p of the p values against a uniform distribution: {uniform}."]
    text += ["", "## One side longer, by construction", ""]
    text += ["| regime | true change | found (q = 0.05) | called the opposite | called the same | covered |"]
    text += ["|---|--:|--:|--:|--:|--:|"]
    for regime, comparisons in pooled.items():
        for percent in PERCENTS:
            finds = score.finds(comparisons, percent)
            cells = (finds.found, finds.wrong, finds.same, finds.covered)
            if finds.found.trials:
                text.append(f"| {regime} | {percent} % | {' | '.join(map(_rate, cells))} |")
    spreads = ", ".join(f"{regime} {100 * score.spread(c):.2f} %" for regime, c in regimes.items())
    text += ["", f"Spread of a round's difference (median over trials): {spreads}."]
    text += ["", "## By chain", "", *_by_chain(regimes), ""]
    return "\n".join(text)


def _balance(found: Sequence[Comparison]) -> float:
    """Two-sided p of so unequal numbers of slower and faster alarms, were both equally likely."""
    alarms = score.alarms(found)
    more = max(alarms.slower, alarms.faster)
    return min(1.0, 2 * stats.binomial_tail(more, alarms.slower + alarms.faster, 0.5))


def _by_chain(regimes: Mapping[Regime, Sequence[Comparison]]) -> Iterator[str]:
    yield "| regime | chain | longer by | spread of a round | found (alike: p <= 0.05) | covered |"
    yield "|---|---|--:|--:|--:|--:|"
    for regime, comparisons in regimes.items():
        for chain in score.chains(comparisons):
            longer = f"{chain.percent} %" if chain.percent else ""
            cells = f"{100 * chain.spread:.2f} % | {_rate(chain.found)} | {_rate(chain.covered)}"
            yield f"| {regime} | {chain.case} | {longer} | {cells} |"
