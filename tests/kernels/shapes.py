"""The problems on which every variant of a kernel must be right, on this CPU and on emulated ones.

Each kernel has a file `<kernel>_shapes.py` beside this one with

    def cases() -> Iterable[Case]

many and small: every remainder of every block size, extremes first (and SETTINGS, if the kernel
takes any; and ALIGNED, {operand: bytes}, of those that hold more than their elements).  Nothing else is needed for a new kernel: its native variants are then tested here
(test_variants.py) and in tests/arm.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import ModuleType

from armbench.bench import registry
from armbench.bench.model import Case, Problem, Settings

SEED = 1


def aligned(kernel: str) -> Mapping[str, int]:
    """{operand: bytes} where an operand must lie on more than a multiple of its element."""
    found: Mapping[str, int] = getattr(_module(kernel), "ALIGNED", {})
    return found


def _module(kernel: str) -> ModuleType:
    try:
        return import_module(f"tests.kernels.{kernel}_shapes")
    except ModuleNotFoundError as error:
        raise AssertionError(f"write tests/kernels/{kernel}_shapes.py; shapes.py says how") from error


@cache
def problems(kernel: str) -> tuple[tuple[Case, Problem], ...]:
    """The cases of `<kernel>_shapes.py`, each with its data."""
    module = _module(kernel)
    settings = getattr(module, "SETTINGS", Settings())
    problem = registry.kernels()[kernel].problem
    return tuple((case, problem(case, settings, SEED)) for case in module.cases())
