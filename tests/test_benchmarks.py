"""For people who gate on pytest-benchmark's files: `pytest --benchmark-only`.

Every native variant that runs here, on its smallest case, one native call per iteration; facts
about the machine and the build go into extra_info.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from armbench.bench import codec, native, registry
from armbench.bench import machine as host
from armbench.bench.model import Case, Kernel, Problem, Settings, Variant
from armbench.bench.run.plan import has_operation, why_not_case

SEED = 1


def runnable() -> list[Any]:
    """A parameter for each native variant that this CPU runs, with the smallest case it accepts."""
    found = []
    for kernel in registry.kernels().values():
        for variant in registry.variants(kernel.name):
            if variant.native and variant.why_not is None:
                known = [c for c in kernel.cases(Settings()) if has_operation(variant, c)]
                cases = [c for c in known if why_not_case(variant, c) is None]
                case = min(cases, key=lambda c: (c.flops, c.params.get("bytes") or 0))
                found.append(
                    pytest.param(kernel, variant, case, id=f"{kernel.name}-{variant.name}-{case.name}")
                )
    return found


@cache
def machine_facts() -> dict[str, Any]:
    machine = codec.encode(host.detect(clock=True))
    names = ("chip", "instance", "cores", "cpus", "isa", "clock_hz", "kernel", "comparability_key")
    build_hash, compiler = native.build()
    return {"build_hash": build_hash, "compiler": compiler, **{name: machine[name] for name in names}}


@cache
def problem_of(kernel: str, case: str) -> Problem:
    found = registry.kernels()[kernel]
    return found.problem(next(c for c in found.cases(Settings()) if c.name == case), Settings(), SEED)


@pytest.mark.parametrize(("kernel", "variant", "case"), runnable())
@pytest.mark.benchmark(max_time=0.3, min_rounds=5, warmup=True, warmup_iterations=3)
def test_native_variant(benchmark: BenchmarkFixture, kernel: Kernel, variant: Variant, case: Case) -> None:
    problem = problem_of(kernel.name, case.name)
    operands = {
        o.name: np.zeros(o.data.shape, o.data.dtype) if o.output else np.ascontiguousarray(o.data)
        for o in problem.operands
    }
    found = native.find(kernel.name, variant.name, case.operation)
    assert found is not None
    call = native.Bound(found, case.native_params, list(operands.values()))
    benchmark.extra_info.update(machine_facts(), kernel_version=kernel.version, flops=problem.work.flops)
    benchmark(call)
    outputs = {o.name: operands[o.name] for o in problem.operands if o.output}
    assert kernel.error(problem, outputs) <= problem.tolerance
