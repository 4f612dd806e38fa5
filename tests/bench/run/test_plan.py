"""Selection, placements and trials."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from armbench.bench.model import Case, Placement, Settings
from armbench.bench.run import plan
from armbench.bench.run.placement import SelectionError
from armbench.bench.run.plan import PROFILES, Selector


def names(select: list[str], profile: str = "quick") -> set[str]:
    selectors = [Selector.parse(text) for text in select]
    made = plan.make_plan(selectors, Settings(), PROFILES[profile], [Placement((0,))])
    return {f"{t.kernel.name}/{t.variant.name}/{t.case.name}" for t in made.trials}


def test_selection_by_globs() -> None:
    assert names(["matmul/numpy/f32-n128"]) == {"matmul/numpy/f32-n128"}
    square = names(["matmul/numpy/f32-n*"])
    assert square > {"matmul/numpy/f32-n128", "matmul/numpy/f32-n1024"}
    assert {name.split("/")[1] for name in names(["matmul"])} >= {"scalar", "numpy"}


def test_full_cases_need_a_thorough_profile_or_their_name() -> None:
    assert "matmul/numpy/f32-n256" not in names(["matmul/numpy"])
    assert "matmul/numpy/f32-n256" in names(["matmul/numpy"], "rigorous")
    assert names(["matmul/numpy/f32-n256"]) == {"matmul/numpy/f32-n256"}


@pytest.mark.parametrize(
    ("select", "message"),
    [
        ("matmull", "no kernel matmull; did you mean matmul?"),
        ("zzz", "there are: "),
        ("matmul/nunpy", "no variant nunpy of matmul; did you mean numpy?"),
        ("matmul/numpy/f32-n12", "did you mean f32-n"),
        ("a/b/c/d", "write KERNEL"),
        ("matmul//x", "write KERNEL"),
    ],
)
def test_unknown_names_come_with_the_nearest(select: str, message: str) -> None:
    with pytest.raises(SelectionError) as caught:
        names([select])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_scalar_leaves_large_cases_out_with_a_reason() -> None:
    made = plan.make_plan([Selector.parse("matmul/scalar")], Settings(), PROFILES["quick"], [Placement((0,))])
    assert all(trial.case.flops <= plan.SCALAR_FLOPS for trial in made.trials)
    skipped = {skip.case: skip.reason for skip in made.skips}
    assert "Gflop" in skipped["f32-n1024"]


def test_cold_cases_rotate_over_more_than_the_cache(machine_with_cache: object) -> None:
    case = Case("c", {}, "op", (), cold=True)
    one, two = Placement((0,)), Placement((0, 1))
    mb = 1 << 20
    assert plan.copies_of(case, 8 * mb, one, machine_with_cache) == 16  # type: ignore[arg-type]
    assert plan.copies_of(case, 8 * mb, two, machine_with_cache) == 8  # type: ignore[arg-type]
    parallel = dataclasses.replace(two, mode="parallel")
    assert plan.copies_of(case, 8 * mb, parallel, machine_with_cache) == 16  # type: ignore[arg-type]
    assert plan.copies_of(dataclasses.replace(case, cold=False), 8 * mb, one, machine_with_cache) == 1  # type: ignore[arg-type]


@pytest.fixture
def machine_with_cache() -> object:
    return SimpleNamespace(last_level_bytes=32 << 20, caches=[SimpleNamespace(level=3, bytes=32 << 20)])


def test_a_hidden_last_level_is_taken_for_a_large_one() -> None:
    hidden = SimpleNamespace(last_level_bytes=2 << 20, caches=[SimpleNamespace(level=2, bytes=2 << 20)])
    case = Case("c", {}, "op", (), cold=True)
    assert plan.copies_of(case, 8 << 20, Placement((0,)), hidden) == 32  # type: ignore[arg-type]


def test_groups_separate_what_cannot_share_a_process() -> None:
    made = plan.make_plan(
        [Selector.parse("matmul/*/f32-n128")],
        Settings(),
        PROFILES["quick"],
        [Placement((1,)), Placement((0, 1)), Placement((0, 1), "parallel")],
    )
    groups = made.groups()
    shapes = {(g.processes, g.threads) for g in groups}
    assert shapes == {(1, 1), (2, 1), (1, 2)}
    for group, trials in groups.items():
        if group.processes == 2:
            assert all(not t.variant.native and t.placement.mode == "throughput" for t in trials)


def test_cases_between_two_cpus_run_on_pairs_alone() -> None:
    selectors = [Selector.parse("roofs/scalar/handover")]
    two = Placement((0, 1), "parallel", "pair:cache")
    made = plan.make_plan(
        selectors, Settings(), PROFILES["quick"], [Placement((0,)), Placement((0, 1))], lambda which: [two]
    )
    assert [trial.placement for trial in made.trials] == [two]
    alone = plan.make_plan(selectors, Settings(), PROFILES["quick"], [Placement((0,))])
    assert not alone.trials
    assert [(skip.case, skip.reason) for skip in alone.skips] == [("handover", "needs two CPUs")]
