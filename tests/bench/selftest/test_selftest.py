"""The self-test's own arithmetic on samples whose answer is known, and the short one for real."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as scipy_stats

from armbench.bench import stats
from armbench.bench.model import Array
from armbench.bench.report import selftest as report
from armbench.bench.selftest import course, rivals, score
from armbench.bench.selftest.disturb import Regime, disturbed
from armbench.bench.selftest.experiment import (
    ALIKE,
    LONGER,
    Comparison,
    SelftestError,
    read_lines,
    truth_of,
    write_line,
)
from tests.conftest import Armbench


def made_up(index: int, spread: float = 0.004, rounds: int = 20, regime: Regime = "quiet") -> Comparison:
    """A comparison whose rounds differ by 5 % among themselves and whose sides by `spread`."""
    random = np.random.default_rng(index)
    truth = truth_of(index)
    samples = {}
    for case, ratio in truth.items():
        shared = 1e-3 * np.exp(0.05 * random.standard_normal((rounds, 1)))
        sides = {"a": 1.0, "b": ratio}
        samples[case] = {
            side: (
                shared
                * factor
                * np.exp(
                    spread * random.standard_normal((rounds, 1))
                    + 0.001 * random.standard_normal((rounds, 10))
                )
            ).tolist()
            for side, factor in sides.items()
        }
    return Comparison(regime, index, truth, samples)


@pytest.fixture(scope="module")
def many() -> list[Comparison]:
    return [made_up(index) for index in range(60)]


def test_alarms_are_as_rare_as_said_and_balanced(many: list[Comparison]) -> None:
    alarms = score.alarms(many)
    low, high = alarms.trials.bounds
    assert low <= 0.05 <= high
    assert alarms.suites.rate <= 0.05
    assert alarms.slower + alarms.faster == alarms.trials.hits
    assert stats.binomial_tail(max(alarms.slower, alarms.faster), alarms.trials.hits, 0.5) > 0.01
    assert score.uniformity(many) > 0.001


def test_what_is_longer_is_found_and_never_called_the_opposite(many: list[Comparison]) -> None:
    two = score.finds(many, 2)
    assert two.found.trials == 60 * sum(steps == 1020 for steps in LONGER.values())
    assert two.found.rate > 0.99
    assert two.wrong.hits == 0
    low, high = two.covered.bounds
    assert low <= 0.95 <= high
    assert score.finds(many, 1).found.rate > 0.6


def test_each_chain_has_its_own_spread_and_finds(many: list[Comparison]) -> None:
    found = {chain.case: chain for chain in score.chains(many)}
    assert set(found) == set(many[0].truth)
    assert {c: chain.percent for c, chain in found.items() if chain.percent} == {
        case: round(steps / 10 - 100) for case, steps in LONGER.items()
    }
    assert sum(found[case].found.hits for case in ALIKE) == score.alarms(many).trials.hits
    two = [chain for chain in found.values() if chain.percent == 2]
    assert sum(chain.found.hits for chain in two) == score.finds(many, 2).found.hits
    spreads = sorted(chain.spread for chain in found.values())
    assert spreads[0] <= score.spread(many) <= spreads[-1]


def test_a_rule_that_cannot_find_is_seen_not_to() -> None:
    blunt = [made_up(index, spread=0.3) for index in range(20)]
    assert score.finds(blunt, 2).found.rate < 0.2
    assert score.rival_alarms(blunt)["pytest-benchmark mean:5%"][1].rate > 0.1


def test_a_suite_with_false_alarms_fails() -> None:
    sound = [made_up(index) for index in range(12)]
    assert not course.failed(sound)
    lying = [Comparison(c.regime, c.index, c.truth, {**c.samples, **_shifted(c)}) for c in sound]
    assert course.failed(lying)


def _shifted(comparison: Comparison) -> dict[str, dict[str, list[list[float]]]]:
    """Side B of what is alike, 3 % longer."""
    return {
        case: {"a": comparison.side(case, "a").tolist(), "b": (1.03 * comparison.side(case, "b")).tolist()}
        for case in ALIKE
    }


def test_truth_is_on_either_side_by_chance() -> None:
    signs = [math.copysign(1, math.log(truth_of(seed)["add-5"])) for seed in range(200)]
    assert 70 < signs.count(1.0) < 130
    assert set(map(round, (1000 * truth_of(1)[c] for c in ALIKE))) == {1000}


# --- the rules of other tools --------------------------------------------------------------


def samples(shift: float, seed: int, processes: int = 20, count: int = 10) -> Array:
    random = np.random.default_rng(seed)
    return np.asarray(shift * np.exp(0.01 * random.standard_normal((processes, count))))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("shift", [1.0, 1.003, 0.99])
def test_rules_agree_with_scipy(seed: int, shift: float) -> None:
    a, b = samples(1.0, seed), samples(shift, 100 + seed)
    t = scipy_stats.ttest_ind(a.ravel(), b.ravel())
    assert bool(rivals.pyperf(a, b)) == bool(t.pvalue <= 0.05)
    u = scipy_stats.mannwhitneyu(a[0], b[0], method="asymptotic")
    assert bool(rivals.benchstat(a, b)) == bool(u.pvalue <= 0.05)


def test_thresholds() -> None:
    a = samples(1.0, 1)
    assert [rivals.pytest_mean(a, a * factor) for factor in (1.04, 1.06, 0.9)] == [0, 1, 0]
    assert [rivals.asv(a, a * factor) for factor in (1.05, 1.2, 0.8)] == [0, 1, -1]
    assert [rivals.criterion(a, a * factor) for factor in (1.0, 1.05, 0.95)] == [0, 1, -1]


# --- intervals -----------------------------------------------------------------------------


@pytest.mark.parametrize(("hits", "trials"), [(0, 300), (3, 300), (150, 300), (299, 300), (300, 300), (1, 1)])
def test_clopper_pearson_is_scipys(hits: int, trials: int) -> None:
    wanted = scipy_stats.binomtest(hits, trials).proportion_ci(0.95, method="exact")
    assert stats.clopper_pearson(hits, trials) == pytest.approx((wanted.low, wanted.high), abs=1e-9)


def test_binomial_tail_is_scipys() -> None:
    for hits in (0, 1, 4, 10):
        assert stats.binomial_tail(hits, 80, 0.01) == pytest.approx(
            float(scipy_stats.binom.sf(hits - 1, 80, 0.01)), rel=1e-9
        )


# --- files and disturbances ----------------------------------------------------------------


def test_a_torn_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "raw.jsonl"
    for index in range(2):
        write_line(path, made_up(index, rounds=6))
    path.write_text(path.read_text() + '{"regime": "qui')
    found = list(read_lines(path))
    assert [comparison.index for comparison in found] == [0, 1]
    assert found[1].truth == made_up(1).truth
    assert found[1].differences("add-1") == pytest.approx(made_up(1, rounds=6).differences("add-1"), abs=1e-5)


@pytest.mark.parametrize("regime", ["neighbour", "same-cpu", "drift"])
def test_a_competitor_is_there_and_goes(regime: Regime) -> None:
    import psutil

    with disturbed(regime, 0, [0], seed=1, period=1.0):
        (child,) = psutil.Process().children()
        assert child.is_running()
    assert not child.is_running()


def test_the_report_has_every_rate(many: list[Comparison]) -> None:
    text = report.markdown(many)
    for rule in rivals.RULES:
        assert text.count(f"| quiet | {rule} |") == 1
    assert "| all |" not in text, "of one regime"
    both = report.markdown([*many[:4], made_up(1, regime="drift")])
    assert both.count("| all |") == 1 + len(rivals.RULES) + len(report.PERCENTS)
    assert "| quiet | 2 % |" in text
    assert all(f"| quiet | {case} |" in text for case in many[0].truth)
    assert all(len(line) <= 80 for line in report.lines(many))


def test_unknown_regimes_are_named() -> None:
    with pytest.raises(SelftestError, match="there are quiet, neighbour, same-cpu, drift, and all"):
        course.Wanted.of("loud", 1, None, 1)


# --- for real ------------------------------------------------------------------------------


def test_the_short_self_test(armbench: Armbench, tmp_path: Path) -> None:
    """Twenty seconds of comparisons; what is kept is not measured again."""
    words = ("selftest", "--raw", "raw.jsonl", "--report", "report.md")
    done = armbench(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "quiet: nothing beside the measurement; 2 comparisons" in done.stdout
    assert "alike, p <= 0.05 before correction" in done.stdout
    kept = (tmp_path / "raw.jsonl").read_bytes()
    again = armbench(*words)
    assert (again.stdout, (tmp_path / "raw.jsonl").read_bytes()) == (done.stdout, kept)
    assert (tmp_path / "report.md").read_text().startswith("# Self-test")
