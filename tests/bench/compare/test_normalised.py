"""Per GHz, per core and per vCPU, beside the raw ratio."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from armbench.bench.compare import compare
from armbench.bench.compare.verdicts import Row
from armbench.bench.model import Core, Machine, Round
from armbench.bench.stats import Interval
from tests.bench.sessions import (
    CHAIN,
    DECODE,
    GRAVITON3,
    GRAVITON4,
    GRAVITON4_LARGE,
    TEXT,
    XEON,
    result,
    session,
)

STARTED = "2026-11-01T12:00:00Z"


def row_of(new: Machine, seconds: float = 10e-3, threads: int = 1, **changes: Any) -> Row:
    trials = [result(s, variant="numpy", threads=threads, **changes) for s in (10e-3, seconds)]
    found = compare([session(trials[:1])], [session(trials[1:], new, name="new")])
    return found.rows[0]


def times(beside: Interval | None, raw: Interval | None) -> float | None:
    assert raw is not None
    return beside and round(beside.value / raw.value, 4)


def test_time_per_clock_cycle() -> None:
    row = row_of(GRAVITON3, 10e-3 * 2.8 / 2.6, work=CHAIN)
    assert row.verdict == "slower", "the raw ratio stays what the verdict is about"
    assert row.ratio is not None
    assert row.per_ghz is not None
    assert row.ratio.value == pytest.approx(2.8 / 2.6, rel=1e-3)
    assert row.per_ghz.value == pytest.approx(1.0, rel=1e-3)
    assert row.per_ghz.high / row.per_ghz.low == pytest.approx(row.ratio.high / row.ratio.low)


@pytest.mark.parametrize("changes", [{"work": DECODE}, {"work": TEXT}, {"work": CHAIN, "cold": True}])
def test_what_memory_holds_up_has_no_time_per_cycle(changes: dict[str, Any]) -> None:
    assert row_of(GRAVITON3, **changes).per_ghz is None


def test_the_clock_is_the_rounds_median_or_the_machines() -> None:
    rounds = tuple(Round(i, i, STARTED, 0, hz, hz) for i, hz in enumerate((2.8e9, 1.4e9, 1.4e9)))
    for machine, measured, factor in (
        (GRAVITON4, rounds, 0.5),
        (replace(GRAVITON4, clock_hz=2.1e9), (), 0.75),
        (replace(GRAVITON4, clock_hz=None), (), None),
    ):
        new = session([result(work=CHAIN)], machine, name="new", rounds=measured)
        (row,) = compare([session([result(work=CHAIN)])], [new]).rows
        assert times(row.per_ghz, row.ratio) == factor


def test_of_several_types_of_core_the_clock_is_that_of_the_cpus_in_use() -> None:
    cores = (
        Core("Cortex-A55", "0x41", "0xd05", 2, 0, "0-1", clock_hz=1.4e9),
        Core("Cortex-A76", "0x41", "0xd0b", 4, 0, "2-3", clock_hz=2.1e9),
    )
    mixed = replace(GRAVITON4, cores=cores, comparability_key="mixed")
    for cpu, factor in ((0, 0.5), (3, 0.75)):
        assert times(*_of(row_of(mixed, work=CHAIN, cpus=(cpu,)))) == factor


def _of(row: Row) -> tuple[Interval | None, Interval | None]:
    return row.per_ghz, row.ratio


@pytest.mark.parametrize(
    ("threads", "placement", "core"),
    [(1, "list", 1.0), (2, "compact", 1.0), (4, "compact", 0.5), (3, "list", None)],
)
def test_hardware_threads_share_cores(threads: int, placement: str, core: float | None) -> None:
    """Four CPUs of the Xeon are two cores: as fast on as many CPUs is twice as fast per core."""
    row = row_of(XEON, threads=threads, placement=placement)
    assert times(row.per_core, row.ratio) == core
    assert times(row.per_vcpu, row.ratio) == 1.0


def test_all_cpus_of_unlike_machines_are_compared_whole() -> None:
    """Four CPUs against eight, each as fast: half the time in all, the same per CPU."""
    base = session([result(threads=1), result(threads=4), result(2e-3, threads=4, mode="parallel")])
    new = session(
        [result(threads=1), result(threads=8), result(1.5e-3, threads=8, mode="parallel")],
        GRAVITON4_LARGE,
        name="new",
    )
    found = compare([base], [new])
    assert all(row.matched for row in found.rows), "what is whole lacks nothing"
    single, copies, one = found.rows
    assert (single.threads, copies.threads, copies.key.name) == (None, (4, 8), "matmul/neon/f32-n1024/all")
    assert copies.ratio is not None
    assert copies.per_vcpu is not None
    assert copies.ratio.value == pytest.approx(0.5, rel=0.01)
    assert copies.per_vcpu.value == pytest.approx(1.0, rel=0.01)
    assert (copies.verdict, one.verdict) == ("faster", "faster")
    assert one.ratio is not None
    assert one.per_core is not None
    assert one.ratio.value == pytest.approx(0.75, rel=0.01)
    assert one.per_core.value == pytest.approx(1.5, rel=0.01)
    assert found.geomean is not None
    assert found.geomean.value == pytest.approx(1.0, abs=0.01), "of the trials on as many CPUs"


def test_whole_machines_of_other_architectures_by_their_best_variants() -> None:
    base = session([result(threads=4), result(9e-3, threads=4, variant="sve")])
    large = replace(XEON, cpus=8, budget=GRAVITON4_LARGE.budget, comparability_key="large")
    new = session([result(8e-3, threads=8, variant="avx512")], large, name="new")
    (best,) = (row for row in compare([base], [new]).rows if row.matched)
    assert (best.variants, best.threads) == (("sve", "avx512"), (4, 8))
    assert best.ratio is not None
    assert best.ratio.value == pytest.approx(8 / 9 / 2, rel=0.01)
