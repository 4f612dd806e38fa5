"""Every native variant that runs here, on every shape of its kernel, between guard pages."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from armbench.bench import native, registry
from armbench.bench.model import Array, Case, Problem, Variant
from tests.kernels import guarded, shapes
from tests.kernels.isolated import Note, isolated

RUNNABLE = [
    variant
    for kernel in registry.kernels()
    for variant in registry.variants(kernel)
    if variant.native and variant.why_not is None
]
variants = pytest.mark.parametrize("variant", RUNNABLE, ids=lambda v: f"{v.kernel}-{v.name}")


def accepted(variant: Variant) -> list[tuple[native.NativeVariant, Case, Problem]]:
    """The problems that the variant implements; there must be some."""
    problems = [
        (found, case, problem)
        for case, problem in shapes.problems(variant.kernel)
        if (found := native.find(variant.kernel, variant.name, case.operation))
        and guarded.accepts(found, case.native_params)
    ]
    assert problems, f"{variant.kernel}/{variant.name} implements none of its kernel's test shapes"
    return problems


def outputs_of(problem: Problem, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {o.name: arrays[o.name] for o in problem.operands if o.output}


@variants
@pytest.mark.parametrize("place", guarded.PLACES)
def test_right_on_every_shape_and_stays_within_its_buffers(variant: Variant, place: guarded.Place) -> None:
    error = registry.kernels()[variant.kernel].error
    problems = accepted(variant)

    def every_shape(note: Note) -> None:
        for found, case, problem in problems:
            note(case.name)
            arrays = guarded.operands(problem.operands, place)
            guarded.call(found, case.native_params, list(arrays.values()), place)
            assert error(problem, outputs_of(problem, arrays)) <= problem.tolerance

    isolated(every_shape)


@variants
def test_shared_by_threads_it_is_right_in_any_order_of_grains(variant: Variant) -> None:
    error = registry.kernels()[variant.kernel].error
    problems = accepted(variant)

    def both_orders(note: Note) -> None:
        for found, case, problem in problems:
            note(case.name)
            alone, forward, backward = (guarded.operands(problem.operands, "end") for _ in range(3))
            params, shared = case.native_params, guarded.SHARED
            guarded.call(found, params, list(alone.values()), "end")
            guarded.call(found, params, list(forward.values()), "end", "forward", shared)
            guarded.call(found, params, list(backward.values()), "end", "backward", shared)
            outputs = outputs_of(problem, forward)
            assert error(problem, outputs) <= problem.tolerance
            chunked = variant.kernel == "attention" and case.operation.startswith("decode")
            for name, array in outputs.items():
                assert np.array_equal(array, backward[name]), name
                assert chunked or np.array_equal(array, alone[name]), name

    isolated(both_orders)


@variants
def test_library_call_gives_the_same(variant: Variant) -> None:
    """ab_bind and ab_invoke, with workspace of their own, against the call made by hand."""
    problems = accepted(variant)

    def both_ways(note: Note) -> None:
        for found, case, problem in problems[:: len(problems) // 50 + 1]:
            note(case.name)
            by_hand, bound = (guarded.operands(problem.operands, "start") for _ in range(2))
            guarded.call(found, case.native_params, list(by_hand.values()), "start")
            native.Bound(found, case.native_params, list(bound.values()))()
            for name, array in outputs_of(problem, by_hand).items():
                assert np.array_equal(array, bound[name]), name

    isolated(both_ways)
