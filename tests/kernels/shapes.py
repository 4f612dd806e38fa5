"""The problems on which every variant of a kernel must be right, on this CPU and on emulated ones.

Each kernel has a file `<kernel>_shapes.py` beside this one with

    def cases() -> Iterable[Case]

many and small: every remainder of every block size, extremes first (and SETTINGS, if the kernel
takes any).  Nothing else is needed for a new kernel: its native variants are then tested here
(test_variants.py) and in tests/arm.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from armbench.bench import registry
from armbench.bench.model import Case, Problem, Settings

SEED = 1


@cache
def problems(kernel: str) -> tuple[tuple[Case, Problem], ...]:
    """The cases of `<kernel>_shapes.py`, each with its data."""
    try:
        module = import_module(f"tests.kernels.{kernel}_shapes")
    except ModuleNotFoundError as error:
        raise AssertionError(f"write tests/kernels/{kernel}_shapes.py; shapes.py says how") from error
    settings = getattr(module, "SETTINGS", Settings())
    problem = registry.kernels()[kernel].problem
    return tuple((case, problem(case, settings, SEED)) for case in module.cases())
