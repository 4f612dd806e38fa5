from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armbench.bench import stats

scipy_stats = pytest.importorskip("scipy.stats")
scipy_special = pytest.importorskip("scipy.special")

# Depression scores before and after a tranquilizer, Hollander, Wolfe & Chicken, example 3.1: the
# signed-rank statistic, Hodges-Lehmann estimate and 96 % interval are printed there.
HAMILTON = [-0.952, 0.147, -1.022, -0.430, -0.620, -0.590, -0.490, 0.080, -0.010]

values = st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=1, max_size=12)


# --- one sample ----------------------------------------------------------------------------


def test_hodges_lehmann_and_interval_are_the_published_ones() -> None:
    found = stats.interval(HAMILTON, 0.96)
    assert found.value == pytest.approx(-0.46)
    assert (found.low, found.high) == pytest.approx((-0.786, -0.010))
    assert found.confidence == pytest.approx(0.961, abs=5e-4)


def test_signed_rank_p_is_the_published_one() -> None:
    assert stats.signed_rank_p(HAMILTON) / 2 == pytest.approx(0.0195, abs=5e-5)


@given(values)
def test_walsh_averages_are_those_of_all_pairs(sample: list[float]) -> None:
    pairs = [(a + b) / 2 for a, b in itertools.combinations_with_replacement(sample, 2)]
    assert stats.walsh(sample).tolist() == pytest.approx(sorted(pairs))


def test_too_few_rounds_give_all_there_is_with_the_confidence_it_has() -> None:
    assert stats.interval([3.0]) == stats.Interval(3.0, 3.0, 3.0, 0.0)
    for count in range(2, 6):
        sample = [float(i * i) for i in range(count)]
        found = stats.interval(sample)
        assert (found.low, found.high) == (min(sample), max(sample))
        assert found.confidence == 1 - 2 / 2**count


def test_six_rounds_are_the_fewest_that_reach_95_percent() -> None:
    assert stats.interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).confidence >= 0.95


@pytest.mark.parametrize("count", [6, 13, 20, 30])
def test_the_interval_is_the_narrowest_that_has_its_confidence(count: int) -> None:
    """Against the distribution of the statistic by brute force or scipy's own."""
    found = stats.interval([math.sin(i) for i in range(count)])
    assert found.confidence >= 0.95
    tail = stats.signed_rank_tail(count)
    dropped = int(np.searchsorted(stats.walsh([math.sin(i) for i in range(count)]), found.low))
    assert found.confidence == pytest.approx(1 - 2 * tail[dropped])
    assert 1 - 2 * tail[dropped + 1] < 0.95


def test_the_distribution_is_that_of_all_sign_patterns() -> None:
    counts = np.zeros(22)
    for signs in itertools.product((0, 1), repeat=6):
        counts[sum(rank * sign for rank, sign in zip(range(1, 7), signs, strict=True))] += 1
    assert stats.signed_rank_tail(6).tolist() == pytest.approx(np.cumsum(counts / 64).tolist())


@given(st.lists(st.integers(-6, 6), min_size=1, max_size=9))
def test_p_is_the_share_of_sign_patterns_at_least_as_extreme(sample: list[int]) -> None:
    """Ties and zeros included: brute force over every assignment of signs to the ranks."""
    present = [x for x in sample if x]
    ranks = scipy_stats.rankdata([abs(x) for x in present]) if present else np.zeros(0)
    total = ranks.sum()
    observed = min(w := sum(r for r, x in zip(ranks, present, strict=True) if x > 0), total - w)
    patterns = [
        sum(r for r, s in zip(ranks, signs, strict=True) if s)
        for signs in itertools.product((0, 1), repeat=len(ranks))
    ]
    expected = min(1.0, 2 * sum(p <= observed + 1e-9 for p in patterns) / len(patterns))
    assert stats.signed_rank_p([float(x) for x in sample]) == pytest.approx(expected)


def test_p_without_ties_is_scipys() -> None:
    sample = np.random.default_rng(5).normal(0.3, 1, 25).tolist()
    assert stats.signed_rank_p(sample) == pytest.approx(scipy_stats.wilcoxon(sample, method="exact").pvalue)


@given(values, st.floats(-10, 10), st.floats(0.1, 10))
def test_the_interval_moves_and_stretches_with_the_values(
    sample: list[float], shift: float, scale: float
) -> None:
    before = stats.interval(sample)
    after = stats.interval([scale * x + shift for x in sample])
    expected = [scale * x + shift for x in (before.value, before.low, before.high)]
    assert [after.value, after.low, after.high] == pytest.approx(expected, abs=1e-9)
    assert before.low <= before.value <= before.high


def test_the_interval_covers_as_often_as_it_says() -> None:
    random = np.random.default_rng(11)
    covered = 0
    for _ in range(1000):
        found = stats.interval(random.standard_t(3, 13).tolist())
        covered += found.low <= 0 <= found.high
    assert scipy_stats.binomtest(covered, 1000, found.confidence).pvalue > 0.001


# --- many tests, equivalence, planning -----------------------------------------------------


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_benjamini_hochberg_is_scipys(p_values: list[float]) -> None:
    expected = scipy_stats.false_discovery_control(p_values).tolist()
    assert stats.benjamini_hochberg(p_values) == pytest.approx(expected)


def test_benjamini_hochberg_of_nothing() -> None:
    assert stats.benjamini_hochberg([]) == []


def test_benjamini_hochberg_of_the_published_example() -> None:
    """Benjamini & Hochberg 1995, section 4: four of the fifteen are rejected at 0.05."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    p += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000]
    assert sum(adjusted <= 0.05 for adjusted in stats.benjamini_hochberg(p)) == 4


@given(st.floats(-0.02, 0.02), st.floats(1e-4, 0.01), st.floats(1, 200))
def test_the_bound_of_equivalence_is_where_two_one_sided_tests_say_5_percent(
    value: float, error: float, dof: float
) -> None:
    bound = stats.equivalence_bound(stats.Difference(value, error, dof).interval(stats.EQUIVALENCE))
    upper, lower = (scipy_stats.t.sf((bound + sign * value) / error, dof) for sign in (-1, 1))
    assert max(upper, lower) == pytest.approx(0.05)


def test_equivalence_of_too_few_values_and_without_any_error() -> None:
    assert stats.equivalence_bound(stats.interval([0.001] * 3, stats.EQUIVALENCE)) == math.inf
    assert stats.equivalence_bound(stats.interval([0.001] * 9, stats.EQUIVALENCE)) == 0.001
    assert stats.equivalence_bound(stats.Difference(-0.02, 0.0, math.inf).interval(0.90)) == 0.02


def test_rounds_needed_agree_with_the_simulated_table() -> None:
    """An offset of 1.5 % a process: 80 % power for 1.43 % in 20 rounds, for 1.15 % in 30."""
    deviation = math.sqrt(2) * 0.015
    assert stats.repeats_needed(deviation, 0.0143) == pytest.approx(20, rel=0.15)
    assert stats.repeats_needed(deviation, 0.0115) == pytest.approx(30, rel=0.15)


# --- two samples and Student's t -----------------------------------------------------------


@pytest.mark.parametrize("sizes", [(3, 3), (3, 8), (12, 5)])
def test_welch_is_scipys(sizes: tuple[int, int]) -> None:
    random = np.random.default_rng(sum(sizes))
    base, new = random.normal(0, 1, sizes[0]), random.normal(0.8, 3, sizes[1])
    found = stats.welch(base.tolist(), new.tolist())
    expected = scipy_stats.ttest_ind(new, base, equal_var=False)
    limits = expected.confidence_interval(0.95)
    assert (found.dof, found.p) == pytest.approx((expected.df, expected.pvalue))
    assert (found.interval().low, found.interval().high) == pytest.approx((limits.low, limits.high))


def test_welch_of_constant_samples() -> None:
    assert stats.welch([1.0, 1.0, 1.0], [1.0, 1.0]).p == 1.0
    different = stats.welch([1.0, 1.0, 1.0], [1.5, 1.5])
    assert different.p == 0.0
    assert different.interval() == stats.Interval(0.5, 0.5, 0.5, 0.95)


def test_a_known_error_has_no_degrees_of_freedom_to_lose() -> None:
    found = stats.combined(1.0, [(3.0, math.inf), (4.0, 5.0)])
    assert found.error == 5.0
    assert found.dof == pytest.approx(625 / (256 / 5))
    assert math.isinf(stats.combined(1.0, [(3.0, math.inf)]).dof)


@given(st.floats(-50, 50), st.floats(1, 1e5))
def test_t_tail_is_scipys(t: float, dof: float) -> None:
    assert stats.t_tail(t, dof) == pytest.approx(scipy_stats.t.sf(t, dof), rel=1e-7, abs=1e-14)


@given(st.floats(0.5, 0.9999), st.floats(1, 1e5))
def test_t_quantile_is_scipys(probability: float, dof: float) -> None:
    assert stats.t_quantile(probability, dof) == pytest.approx(
        scipy_stats.t.ppf(probability, dof), rel=1e-7, abs=1e-9
    )


def test_t_becomes_the_normal() -> None:
    assert stats.t_quantile(0.975, math.inf) == pytest.approx(1.959963985)
    assert stats.t_tail(2.0, math.inf) == pytest.approx(scipy_stats.norm.sf(2.0))
    assert stats.t_tail(2.0, 0.99e6) == pytest.approx(stats.t_tail(2.0, 1.01e6), rel=1e-5)


@given(st.floats(0.5, 500), st.floats(0.5, 500), st.floats(0, 1))
def test_incomplete_beta_is_scipys(a: float, b: float, x: float) -> None:
    assert stats.incomplete_beta(a, b, x) == pytest.approx(
        scipy_special.betainc(a, b, x), rel=1e-8, abs=1e-12
    )
