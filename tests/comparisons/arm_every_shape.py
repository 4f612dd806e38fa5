"""Every m, n and k up to 17 of every matmul operation, of every Arm variant on its emulated CPUs.

    python -m tests.comparisons.arm_every_shape [VARIANT …]

As test_matmul_every_shape.py has it for this host: operands end, then begin, at an inaccessible page.
It takes a quarter of an hour, which is why `make test-arm` has a selection instead.  A variant runs where it
is at home, and on each other length of its vectors.  Prints a Markdown table; exit code 1 when one is wrong.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np

from armbench.bench import registry
from armbench.bench.model import Operand, Settings
from armbench.kernels.matmul import KERNEL, case_of
from tests.arm import lab
from tests.kernels.matmul_shapes import GROUP, OPERATIONS, SMALL
from tests.kernels.test_matmul_every_shape import answer, off

LENGTHS = range(1, SMALL + 1)
PLACES = ((lab.AT_END, False), (lab.AT_START, True))


@dataclass(frozen=True, slots=True)
class Job:
    variant: str
    profile: lab.Profile


def jobs(wanted: Sequence[str]) -> Iterator[Job]:
    for v in registry.variants("matmul"):
        homes = [p for p in lab.profiles() if v.isa in p.home.split()]
        if not v.isa or not homes or (wanted and v.name not in wanted):
            continue
        others = [p for p in lab.profiles() if v.isa in p.often.split() and p.sve_bits != homes[0].sve_bits]
        streaming = [p for p in lab.profiles() if v.isa.startswith("sme") and p.sme_bits and p not in homes]
        yield from (Job(v.name, profile) for profile in (*homes[:1], *others, *streaming))


def checked(job: Job) -> dict[str, str]:
    """{operation: "right on 9826" or what is wrong}, of those that the variant has."""
    emulated = lab.Emulated(job.profile)
    built, _ = emulated.variants()
    found = {}
    for dtype, packed in OPERATIONS:
        operation = case_of(dtype, 1, 1, GROUP, packed).operation
        if ("matmul", job.variant, operation) in built:
            try:
                found[operation] = _every_shape(
                    emulated, built["matmul", job.variant, operation], dtype, packed
                )
            except lab.LabError as died:
                found[operation] = f"died: {died}"
                emulated = lab.Emulated(job.profile)
    emulated.close()
    return found


def _every_shape(emulated: lab.Emulated, index: int, dtype: str, packed: bool) -> str:
    step, right = GROUP if dtype == "int4" else 1, 0
    largest = case_of(dtype, SMALL, SMALL, SMALL * step, packed)
    operands = KERNEL.problem(largest, Settings(), 5).operands
    a, b, c = (o.data for o in operands)
    for m, n, k in product(LENGTHS, LENGTHS, LENGTHS):
        case = case_of(dtype, m, n, k * step, packed)
        arrays = [a[:m, : k * step], b[:n, :k] if dtype == "int4" else b[:k, :n], c[:m, :n]]
        given = [
            Operand(o.name, np.ascontiguousarray(array), o.output)
            for o, array in zip(operands, arrays, strict=True)
        ]
        expected, scale, tolerance = answer(dtype, given[0].data, given[1].data)
        for place, backward in PLACES:
            answered = emulated.call(index, case.native_params, given, place, backward)
            if answered.status == lab.REFUSED:
                return "takes no such shapes"
            (output,) = answered.outputs.values()
            if answered.status != lab.OK or off(dtype, output, expected, scale) > tolerance:
                return f"WRONG: {case.name}, place {place}"
            right += 1
    return f"right on {right}"


def main(wanted: Sequence[str]) -> int:
    todo = list(jobs(wanted))
    lab.library()
    lab.driver()
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        every = list(pool.map(checked, todo))
    print(
        "| variant | profile | "
        + " | ".join(names := list(dict.fromkeys(o for f in every for o in f)))
        + " |"
    )
    print("|---|---|" + "---|" * len(names))
    for job, found in zip(todo, every, strict=True):
        cells = " | ".join(found.get(name, "") for name in names)
        print(f"| {job.variant} | {job.profile.name} | {cells} |")
    said = [text for found in every for text in found.values()]
    return 0 if said and all(text.startswith(("right", "takes no")) for text in said) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
