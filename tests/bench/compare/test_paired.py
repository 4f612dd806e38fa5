"""Verdicts of two sides that were measured in the same rounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import wilcoxon

from armbench.bench import compare as comparing
from armbench.bench.compare import Comparison, exit_code, verdict_line
from armbench.bench.compare.verdicts import Row
from armbench.bench.errors import UserError
from armbench.bench.estimates import process
from armbench.bench.model import Failure, Result, Verified
from armbench.bench.stats import signed_rank_p
from tests.bench.sessions import GRAVITON4, result, session

SIDES = {"a": "as it is", "b": "env:X=1"}


def scaled(base: Result, factors: Sequence[float], **changes: Any) -> Result:
    """The same trial on side b, each round `factors` times as long."""
    processes = [
        process(p.round, p.pid, np.rint(np.array([*p.warmup, *p.samples]) * f).astype(np.int64), 3)
        for p, f in zip(base.processes, factors, strict=False)
    ]
    return replace(base, side="b", processes=tuple(processes), **changes)


def both(
    factor: float = 1.0, noise: float = 0.004, seed: int = 1, rounds: int = 20, **changes: Any
) -> list[Result]:
    """A trial of both sides; the second's rounds differ by `factor` and noise of their own."""
    base = replace(result(10e-3, rounds=rounds, seed=seed, noise=0.05, **changes), side="a")
    random = np.random.default_rng(seed)
    return [base, scaled(base, factor * np.exp(noise * random.standard_normal(rounds)))]


def compared(*results: Result, **changes: Any) -> Comparison:
    return comparing.compare_sides(session(results, facts={"sides": SIDES}, **changes))


def row_of(*results: Result, **changes: Any) -> Row:
    (row,) = compared(*results, **changes).rows
    return row


def test_what_both_sides_of_a_round_share_does_not_hide_a_difference() -> None:
    """Rounds that differ by 5 % among themselves, sides by 2 %: only pairs can tell."""
    row = row_of(*both(1.02))
    assert row.verdict == "slower"
    assert row.ratio is not None
    assert row.ratio.low < 1.02 < row.ratio.high
    assert row.ratio.high - row.ratio.low < 0.01
    assert row_of(*both(1 / 1.02)).verdict == "faster"


def test_the_same_within_a_bound() -> None:
    row = row_of(*both(noise=0.002))
    assert row.verdict == "same"
    assert row.within is not None
    assert 0 < row.within < 0.01


def test_undecided_says_how_many_rounds_it_takes() -> None:
    row = row_of(*both(1.005, noise=0.04, seed=5))
    assert row.verdict == "undecided"
    assert row.rounds_needed is not None
    assert row.rounds_needed > 20


def test_p_is_that_of_an_independent_implementation() -> None:
    a, b = both(1.005, noise=0.01)
    visits = [
        [[min(p.samples[i : i + 2])[0] for i in range(0, 10, 2)] for p in side.processes] for side in (a, b)
    ]
    each = [
        sorted(math.log(y / x) for x, y in zip(ours, theirs, strict=True))
        for ours, theirs in zip(*visits, strict=True)
    ]
    differences = [of_a_round[2] for of_a_round in each]
    row = row_of(a, b)
    assert row.p == pytest.approx(wilcoxon(differences, method="exact").pvalue, rel=1e-9)


def test_p_values_are_adjusted_over_all_trials() -> None:
    trials = [r for i in range(8) for r in both(seed=i, noise=0.01, case=f"f32-n{i}")]
    rows = compared(*trials).rows
    assert all(row.adjusted_p >= row.p for row in rows if row.p is not None and row.adjusted_p is not None)
    assert {row.verdict for row in rows} <= {"same", "undecided"}


def test_only_rounds_that_both_sides_have_count() -> None:
    a, b = both(1.02)
    half = replace(b, processes=b.processes[::2])
    row = row_of(a, half)
    assert row.verdict == "slower"
    few = row_of(a, replace(b, processes=b.processes[:5]))
    assert (few.verdict, few.ratio) == ("undecided", None)
    assert few.reason == "5 rounds say nothing at 95 %; measure 6 or more"


def test_constant_samples_are_the_same() -> None:
    a, b = both(noise=0.0)
    assert row_of(a, b).verdict == "same"


def test_sides_of_one_variant_each_are_compared_across_their_names() -> None:
    a, b = both(0.5)
    row = row_of(a, replace(b, variant="sve", isa="sve"))
    assert (row.verdict, row.variants) == ("faster", ("neon", "sve"))


def test_what_a_side_lacks_is_invalid_and_fails_the_gate() -> None:
    a, b = both()
    other, _ = both(case="f32-n512")
    found = compared(a, b, other)
    lacking = found.rows[-1]
    assert (lacking.verdict, lacking.reason) == ("invalid", "not on side B")
    assert exit_code([found], gate=True) == 4
    failure = Failure("matmul", "neon", "f32-n512", "killed by SIGSEGV", "throughput", "0", side="b")
    found = compared(a, b, other, failed=(failure,))
    assert found.rows[-1].reason == "failed on side B: killed by SIGSEGV"
    assert exit_code([found], gate=True) == 6


def test_a_wrong_result_is_no_time() -> None:
    a, b = both()
    row = row_of(a, replace(b, verified=Verified(1.0, 1e-5)))
    assert row.verdict == "invalid"


def test_the_geometric_mean_takes_rounds_jointly() -> None:
    """Noise that all trials of a round share does not average out over the trials."""
    random = np.random.default_rng(3)
    shared = np.exp(0.01 * random.standard_normal(20))
    trials: list[Result] = []
    for i in range(10):
        base = replace(result(1e-3, case=f"f32-n{i}", seed=i), side="a")
        trials += [base, scaled(base, shared)]
    mean, single = compared(*trials).geomean, row_of(*trials[:2]).ratio
    assert mean is not None
    assert single is not None
    assert mean.high - mean.low == pytest.approx(single.high - single.low, rel=0.05)


def test_gate_and_line() -> None:
    found = compared(*both(1.05))
    assert exit_code([found], gate=True) == 1
    assert verdict_line([found]).startswith("verdict=slower compared=1/1 slower=1")


def test_an_emulated_machine_gives_no_verdict() -> None:
    found = compared(*both(2.0), machine=replace(GRAVITON4, emulated=True))
    assert found.refusal == "it ran under an emulator, whose times say nothing about a CPU"
    assert exit_code([found]) == 4


def test_a_session_of_one_side_cannot_be_compared_with_itself() -> None:
    with pytest.raises(UserError, match="has one side"):
        comparing.compare_sides(session([result()]))


@pytest.mark.parametrize("noise", ["steady", "drift", "bursts", "bimodal"])
def test_false_alarms_are_as_rare_as_said_under_any_noise(noise: str) -> None:
    """400 A/A trials in a coin's order: raw p <= 0.05 in 5 % of them, within three standard errors."""
    random = np.random.default_rng(4)
    alarms = []
    for _ in range(400):
        first, second = _times(noise, random)
        swap = random.integers(0, 2, len(first)).astype(bool)
        a, b = np.where(swap, second, first), np.where(swap, first, second)
        alarms.append(signed_rank_p(list(np.log(b / a))) <= 0.05)
    assert 0.05 - 3.3 * 0.011 <= np.mean(alarms) <= 0.05 + 3.3 * 0.011


def _times(noise: str, random: np.random.Generator, rounds: int = 20) -> tuple[Any, Any]:
    """Times of what runs first and second in each round."""
    n = 2 * rounds
    log = 0.005 * random.standard_normal(n)
    if noise == "drift":
        log += np.linspace(0, 0.1, n)
    elif noise == "bursts":
        log += np.where(random.random(n) < 0.15, 0.3 * random.random(n), 0)
    elif noise == "bimodal":
        log += np.where(random.random(n) < 0.2, 0.04, 0)
    return np.exp(log[::2]), np.exp(log[1::2])
