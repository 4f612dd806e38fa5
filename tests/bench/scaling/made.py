"""Sessions whose rates over the number of cores are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from armbench.bench import estimates
from armbench.bench.model import Budget, Cache, Core, Machine, Node, Result
from armbench.bench.scaling import Analysis, analyze, curves
from tests.bench.sessions import GRAVITON4, SQUARE, result, session

LADDER = (1, 2, 4, 8, 16, 32, 64, 94, 96, 98, 128, 192)


def machine(cpus: int = 192, nodes: int = 2, packages: int = 1, threads_per_core: int = 1) -> Machine:
    """As many CPUs, evenly on nodes and packages; 96 MiB of last-level cache a node."""

    def parts(count: int) -> tuple[str, ...]:
        size = cpus // count
        return tuple(f"{part * size}-{(part + 1) * size - 1}" for part in range(count))

    return replace(
        GRAVITON4,
        cpus=cpus,
        online=f"0-{cpus - 1}",
        budget=Budget(cpus, "online"),
        cores=(Core("Neoverse V3", "0x41", "0xd84", 0, 1, f"0-{cpus - 1}"),),
        packages=parts(packages),
        nodes=tuple(Node(index, text, 64 << 30, ()) for index, text in enumerate(parts(nodes))),
        threads_per_core=threads_per_core,
        caches=(Cache(3, "unified", 96 << 20, nodes, cpus // nodes),),
    )


def points(
    rate: Callable[[int], float] | Mapping[int, float], cores: Iterable[int] = LADDER, **changes: Any
) -> list[Result]:
    """A result for each number of cores; rate(N) is that of all together, in units of one core's."""
    given = rate if callable(rate) else rate.__getitem__
    work = changes.setdefault("work", SQUARE)
    found = []
    for n in cores:
        at_once = n if changes.get("mode", "throughput") == "throughput" else 1
        per_call = estimates.amounts(work)[0][0] / 50e9
        found.append(result(per_call * at_once / given(n), threads=n, **changes))
    return found


def analyses(
    rate: Callable[[int], float] | Mapping[int, float],
    cores: Iterable[int] = LADDER,
    of: Machine | None = None,
    **changes: Any,
) -> Analysis:
    """The analysis of one curve on a machine, the 192-core one by default."""
    (curve,) = curves(session(points(rate, cores, **changes), of or machine()))
    return analyze(curve)


def usl(sigma: float, kappa: float, step: float = 1.0) -> Callable[[int], float]:
    """Rates by the Universal Scalability Law; `step` of every core's rate remains beyond 96 cores."""
    return lambda n: n / (1 + sigma * (n - 1) + kappa * n * (n - 1)) * (step if n > 96 else 1.0)
