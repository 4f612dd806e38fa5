"""`compare --by KEY`: keys of trials by rounds, keys of sessions by sessions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from armbench.bench import results
from armbench.bench.compare import Comparison, crosstab, exit_code, verdict_line
from armbench.bench.compare.verdicts import Row
from armbench.bench.errors import UserError
from armbench.bench.estimates import process
from armbench.bench.model import Result, Session
from tests.bench.sessions import DECODE, GRAVITON3, GRAVITON4, GRAVITON4_LARGE, XEON, result, session
from tests.conftest import Armbench


def drifting(factor: float, drift: Sequence[float], seed: int, **changes: Any) -> Result:
    """A trial whose every round is slowed by what slows all trials of that round, and noise of its own."""
    random = np.random.default_rng(seed)
    level = 10e-3 * factor * np.exp(np.asarray(drift) + 0.002 * random.standard_normal(len(drift)))
    ticks = np.rint(level * 1e9).astype(np.int64)
    made = result(**changes)
    processes = [process(r, r, np.full((13, made.at_once), t), 3) for r, t in enumerate(ticks)]
    return replace(made, processes=tuple(processes))


DRIFT = np.cumsum(np.random.default_rng(1).normal(0, 0.03, 20)).tolist()


def rows(comparison: Comparison) -> dict[str, Row]:
    return {row.key.name: row for row in comparison.rows}


# --- keys of trials ------------------------------------------------------------------------


def variants(drift: Sequence[float] = DRIFT, seed: int = 2) -> list[Result]:
    return [
        drifting(1.0, drift, seed, variant="neon"),
        drifting(1.02, drift, seed + 1, variant="i8mm"),
        drifting(0.5, drift, seed + 2, variant="numpy"),
    ]


def test_variants_of_one_session_are_compared_round_by_round() -> None:
    """Rounds drift by tens of percent, variants differ by two: only pairs can tell."""
    slower, faster = crosstab([session(variants())], "variant")
    assert [c.names for c in (slower, faster)] == [("neon", "i8mm"), ("neon", "numpy")]
    (row,) = slower.rows
    assert (row.key.name, row.verdict) == ("matmul/*/f32-n1024/1", "slower")
    assert row.ratio is not None
    assert row.ratio.low < 1.02 < row.ratio.high < 1.025
    assert faster.rows[0].verdict == "faster"
    assert slower.geomean is not None
    assert slower.geomean.value == pytest.approx(1.02, abs=0.003)


def test_the_base_can_be_chosen() -> None:
    found = crosstab([session(variants())], "variant", "numpy")
    assert [c.names for c in found] == [("numpy", "neon"), ("numpy", "i8mm")]
    ratio = found[0].rows[0].ratio
    assert ratio is not None
    assert ratio.value == pytest.approx(2.0, rel=0.01)


def test_p_is_adjusted_over_all_columns() -> None:
    found = crosstab([session(variants())], "variant")
    ps = sorted((row.p, row.adjusted_p) for c in found for row in c.rows if row.p and row.adjusted_p)
    assert ps[0][1] == pytest.approx(min(2 * ps[0][0], ps[1][0]))


def test_three_sessions_and_more_are_the_unit_of_trials_too() -> None:
    """Rounds of a session agree on 1 %, sessions on nothing: pooled rounds would be sure of it."""
    shifts = (0.05, -0.04, 0.03, -0.06)
    sessions = [
        session(
            [
                drifting(1, DRIFT, 3 * i, variant="neon"),
                drifting(1.01 * math.exp(s), DRIFT, 3 * i + 1, variant="sve"),
            ],
            name=f"s{i}",
        )
        for i, s in enumerate(shifts)
    ]
    (found,) = crosstab(sessions, "variant")
    assert found.rows[0].verdict == "undecided"
    assert found.rows[0].sessions_needed is not None
    (alone,) = crosstab(sessions[:1], "variant")
    assert alone.rows[0].verdict == "slower"


def test_two_sessions_give_twice_the_rounds() -> None:
    sessions = [session(variants(DRIFT[:5], seed), name=f"s{seed}") for seed in (10, 20)]
    assert crosstab(sessions[:1], "variant")[0].rows[0].reason == (
        "5 rounds say nothing at 95 %; measure 6 or more"
    )
    assert crosstab(sessions, "variant")[1].rows[0].verdict == "faster"


def test_threads_are_compared_by_what_they_do_together() -> None:
    """Four copies that each take 1.25 times as long are 3.2 times as fast."""
    trials = [
        drifting(1.0, DRIFT, 1, threads=1),
        drifting(1.25, DRIFT, 2, threads=4),
        drifting(1 / 3, DRIFT, 3, threads=1, mode="parallel", case="f32-n64"),
        drifting(1 / 9, DRIFT, 4, threads=4, mode="parallel", case="f32-n64"),
    ]
    (found,) = crosstab([session(list(reversed(trials)))], "threads")
    assert found.names == ("1", "4"), "numbers in order"
    copies, one = (rows(found)[f"matmul/neon/{name}"] for name in ("f32-n1024/all", "f32-n64/all/parallel"))
    assert copies.ratio is not None
    assert one.ratio is not None
    assert copies.ratio.value == pytest.approx(1.25 / 4, rel=0.01)
    assert one.ratio.value == pytest.approx(1 / 3, rel=0.01)
    assert copies.per_vcpu is not None
    assert copies.per_vcpu.value == pytest.approx(1.25, rel=0.01)


def test_a_parameter_of_unlike_work_is_compared_per_work() -> None:
    """bf16 does twice the multiplications in the same time: half the time each."""
    double = replace(DECODE, flops=2 * DECODE.flops)
    trials = [
        drifting(1.0, DRIFT, 1, case="f32-n8", work=DECODE, params={"dtype": "f32", "n": 8}),
        drifting(1.0, DRIFT, 2, case="bf16-n8", work=double, params={"dtype": "bf16", "n": 8}),
        drifting(1.0, DRIFT, 3, case="f32-n9", work=DECODE, params={"dtype": "f32", "n": 9}),
    ]
    (found,) = crosstab([session(trials)], "dtype")
    row = rows(found)["matmul/neon/n=8/1"]
    assert row.ratio is not None
    assert row.ratio.value == pytest.approx(0.5, rel=0.01)
    assert [(r.key.case, r.excused) for r in found.rows if not r.matched] == [("n=9", True)]


def test_what_a_value_lacks_is_excused_and_named() -> None:
    trials = [*variants(), drifting(1, DRIFT, 9, variant="neon", case="f32-n64")]
    found = crosstab([session(trials)], "variant")
    assert [row.reason for row in found[0].rows if not row.matched] == ["not with variant i8mm"]
    assert exit_code(found, gate=True) == 1, "i8mm is slower"


def test_trials_of_different_machines_are_not_mixed() -> None:
    ours = session([result(variant="neon")])
    theirs = session([result(variant="avx512")], XEON, name="x")
    (found,) = crosstab([ours, theirs], "variant")
    assert found.refusal == "its trials are of another machine; give files of one, or --by instance"
    assert exit_code([found]) == 4


def test_trials_of_unlike_sessions_are_compared_by_sessions() -> None:
    old, new = session([result()], name="a"), session([result(12e-3, variant="sve")], name="b")
    (found,) = crosstab([old, new], "variant")
    (row,) = found.rows
    assert (row.verdict, row.noise) == ("slower", "cache")


def test_trials_that_are_not_the_same_are_invalid() -> None:
    other = replace(drifting(1, DRIFT, 2, variant="sve"), kernel_version=2)
    (found,) = crosstab([session([drifting(1, DRIFT, 1), other])], "variant")
    assert found.rows[0].reason == "kernel versions differ: 1 and 2"
    twice = [
        drifting(1, DRIFT, seed, variant=name) for seed, name in enumerate(("neon", "numpy", "tiktoken"))
    ]
    (found,) = crosstab([session(twice)], "isa")
    assert found.rows[0].reason == "twice in one file"


# --- keys of sessions ----------------------------------------------------------------------


def on(machine: Any, seconds: float, name: str, seed: int = 0) -> Session:
    return session([result(seconds, variant="numpy", seed=seed)], machine, name=name)


def test_instances_are_columns_each_of_its_sessions() -> None:
    sessions = [on(GRAVITON4, 10e-3, f"g4-{i}", i) for i in range(3)]
    sessions += [on(GRAVITON3, 12e-3, f"g3-{i}", 10 + i) for i in range(3)] + [on(XEON, 9e-3, "x", 20)]
    graviton3, xeon = crosstab(sessions, "instance")
    assert graviton3.names == ("c8g.xlarge", "c7g.xlarge")
    assert (len(graviton3.base.sessions), len(graviton3.new.sessions)) == (3, 3)
    assert graviton3.grade == "same ISA"
    assert (graviton3.rows[0].verdict, graviton3.rows[0].noise) == ("slower", None)
    assert (xeon.rows[0].verdict, xeon.rows[0].noise) == ("faster", "cache")
    assert verdict_line([graviton3, xeon]).startswith("verdict=slower compared=2/2 slower=1 faster=1 ")
    assert "worst=matmul/numpy/f32-n1024/1@c7g.xlarge:1.2" in verdict_line([graviton3, xeon])
    assert exit_code([graviton3, xeon], gate=True) == 1


def test_any_setting_is_a_key() -> None:
    old, new = (on(replace(GRAVITON4, kernel=kernel), 10e-3, kernel) for kernel in ("6.8.0", "6.12.0"))
    (found,) = crosstab([old, new], "kernel")
    assert found.names == ("6.8.0", "6.12.0")
    assert [change.name for change in found.residue] == ["kernel"]
    assert crosstab([old, new], "session")[0].names == ("6.8.0", "6.12.0")


def test_a_column_of_different_machines_is_refused() -> None:
    sessions = [on(GRAVITON4, 1e-2, "a"), on(GRAVITON4_LARGE, 1e-2, "b"), on(GRAVITON3, 1e-2, "c")]
    (found,) = crosstab(sessions, "core")
    assert found.refusal == "the sessions of Neoverse V2 are of different machines"


@pytest.mark.parametrize(
    ("key", "base", "said"),
    [
        ("colour", None, "--by colour: no such key; there are variant, isa, case, "),
        ("variant", "sve9", "--by variant=sve9: no such value; there are neon, i8mm, numpy"),
        ("mode", None, "--by mode: it is throughput everywhere"),
        ("instance", None, "--by instance: it is c8g.xlarge everywhere"),
    ],
)
def test_keys_that_tell_nothing_apart(key: str, base: str | None, said: str) -> None:
    with pytest.raises(UserError) as caught:
        crosstab([session(variants())], key, base)
    assert str(caught.value).startswith(said)


def test_the_command(armbench: Armbench, tmp_path: Path) -> None:
    results.write(session(variants()), tmp_path / "a.json")
    done = armbench("compare", "a.json", "--by", "variant=numpy", "--gate")
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("verdict=slower compared=2/2 slower=2 ")
    assert armbench("compare", "a.json", "--by", "variant=numpy", "--strict").returncode == 0
