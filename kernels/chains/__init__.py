"""Chains of dependent steps, whose number alone says how long they take: a ruler for the suite itself.

`armbench selftest` gives a side of a comparison chains of 1010, 1020 or 1050 steps instead of 1000
and counts what is found.  The environment's ARMBENCH_CHAINS says so: "add-5=1010 chase-16k-2=1020".

add-N          additions of registers, of which a core does one a cycle
chase-SIZE-N   loads, each of the address of the next, over SIZE bytes in a random cycle

Native parameters: steps of a chain, chains of a call, whether a chase goes on from call to call.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np

from armbench.bench.model import Array, Case, Kernel, Operand, Param, Problem, Settings, Work, empty

STEPS = 1000  # of a chain, unless the environment says otherwise
ADDS = range(1, 13)
ADD_CHAINS = 100  # of a call: 40 microseconds at 2.5 GHz
# Bytes, chains of a call, and whether a walk goes on from call to call.  One that does not walks the same
# lines again, so that they are in a cache that holds them all.  Where none near the core does, it must
# go on: of lines that are walked again, a longer walk would find another share there.
CHASES = {
    "16k": (16 << 10, 20, False),
    "256k": (256 << 10, 6, False),
    "1m": (1 << 20, 12, False),
    "8m": (8 << 20, 64, True),
}
COPIES = (1, 2)  # of each size of chase
VARIABLE = "ARMBENCH_CHAINS"


def cases(settings: Settings) -> Sequence[Case]:
    del settings
    longer = slowed(os.environ.get(VARIABLE, ""))
    adds = [_case(f"add-{n}", "add", ADD_CHAINS, 0, False, longer) for n in ADDS]
    chases = [
        _case(f"chase-{size}-{copy}", "chase", chains, nbytes, goes_on, longer)
        for size, (nbytes, chains, goes_on) in CHASES.items()
        for copy in COPIES
    ]
    return [*adds, *chases]


def slowed(text: str) -> dict[str, int]:
    """{case: steps} of "add-5=1010 chase-16k-2=1020"."""
    pairs = (word.split("=") for word in text.split())
    return {name: int(steps) for name, steps in pairs}


def _case(
    name: str, operation: str, chains: int, nbytes: int, goes_on: bool, longer: Mapping[str, int]
) -> Case:
    """Params say what a chain should be; only native_params what it is on this side."""
    params: dict[str, Param] = {"chain": operation, "steps": STEPS, "chains": chains, "bytes": nbytes}
    return Case(name, params, operation, (longer.get(name, STEPS), chains, int(goes_on)), tier="named")


def problem(case: Case, settings: Settings, seed: int) -> Problem:
    """The answer does not depend on the number of steps, which may differ between two sides."""
    del settings
    nodes = max(1, int(str(case.params["bytes"])) // 8)
    operands = (
        Operand("x", np.zeros(2, np.int64)),
        Operand("next", cycle(nodes, seed)),
        Operand("y", empty(1, np.int64), output=True),
    )
    steps = STEPS * int(str(case.params["chains"]))
    work = Work(items=steps, item="add" if case.operation == "add" else "load")
    return Problem(operands, {"y": np.zeros(1, np.int64)}, 0.0, work)


def cycle(nodes: int, seed: int) -> Array:
    """int64 [nodes]: the node after each, in one random cycle through all."""
    order = np.random.default_rng([seed, nodes]).permutation(nodes)
    following = np.empty(nodes, np.int64)
    following[order] = np.roll(order, -1)
    return following


def error(problem: Problem, outputs: Mapping[str, Array]) -> float:
    return float(np.abs(outputs["y"] - problem.expected["y"]).max())


KERNEL = Kernel(
    name="chains",
    version=2,  # a chase through 8 MB goes on from call to call
    summary="dependent additions and loads: exact lengths, with which selftest measures the suite itself",
    cases=cases,
    problem=problem,
    error=error,
)
