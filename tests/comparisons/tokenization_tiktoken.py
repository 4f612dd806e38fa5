"""The native tokenizers against tiktoken (or another library variant), side by side.

    python tests/comparisons/tokenization_tiktoken.py [LIBRARY]

One thread on one CPU (the last that this process may use), the same operands in the same memory,
calls of both sides in turn, medians.  Every case with the vocabulary that `armbench run` would
use: MB/s of text, how many times faster than the library, and whether the outputs are identical.
Then the nanoseconds a byte of one word of 1 MB, as multiples of those of 1 MB of prose.
"""

from __future__ import annotations

import os
import random
import string
import sys
from collections.abc import Callable, Mapping
from functools import partial
from statistics import median

import numpy as np

from armbench.bench import native, registry
from armbench.bench.model import Array, Call, Case, Settings
from armbench.kernels.tokenization import KERNEL, vocabulary
from armbench.kernels.tokenization.corpora import generate

REPETITIONS = 11
SAMPLE_SECONDS = 0.01
MEGABYTE = 1_000_000

Calls = Callable[[int], float]  # seconds of one call, when so many are made


def native_calls(
    variant: native.NativeVariant, params: tuple[int, ...], data: native.Data, calls: int
) -> float:
    ticks = data.team.measure(variant, params, data, calls, 0, 1).ticks
    return float(ticks[0, 0]) / native.tick_hz() / calls


def library_calls(call: Call, calls: int) -> float:
    start = native.ticks()
    for _ in range(calls):
        call()
    return (native.ticks() - start) / native.tick_hz() / calls


def interleaved(sides: Mapping[str, Calls]) -> dict[str, float]:
    """The median seconds of each side over REPETITIONS turns."""
    calls = {name: max(1, int(SAMPLE_SECONDS / run(1))) for name, run in sides.items()}
    turns = [{name: run(calls[name]) for name, run in sides.items()} for _ in range(REPETITIONS)]
    return {name: median(turn[name] for turn in turns) for name in sides}


def natives(operation: str) -> list[native.NativeVariant]:
    of_kernel = (v for v in native.variants() if v.kernel == KERNEL.name and v.operation == operation)
    return [v for v in of_kernel if v.supported]


def compare(case: Case, library: str, team: native.Team) -> None:
    problem = KERNEL.problem(case, Settings(), 1)
    names = [o.name for o in problem.operands if o.output]
    data = team.load({o.name: o.data for o in problem.operands}, names, 1, "throughput", seed=1)
    arrays = data.arrays(0, 0)
    (other,) = (v.library for v in registry.variants(KERNEL.name) if v.name == library and v.library)
    call, outputs = other.bind(case, arrays)
    sides: dict[str, Calls] = {library: partial(library_calls, call)}
    for variant in natives(case.operation):
        sides[variant.name] = partial(native_calls, variant, case.native_params, data)
    seconds = interleaved(sides)
    wrong = {library: KERNEL.error(problem, outputs(call())), "": KERNEL.error(problem, arrays)}
    size = int(case.native_params[0])
    for name, time in seconds.items():
        same = "DIFFERENT" if wrong.get(name, wrong[""]) else "identical"
        print(
            f"{case.name:28} {name:12} {size / time / 1e6:8.1f} MB/s {seconds[library] / time:7.2f} x  {same}"
        )
    data.close()


def one_word(team: native.Team) -> None:
    found = vocabulary.find(Settings())
    draw = random.Random(1)
    characters = [chr(draw.randrange(0x4E00, 0x9000)) for _ in range(MEGABYTE // 3)]
    words = {
        "random letters": "".join(draw.choice(string.ascii_lowercase) for _ in range(MEGABYTE)),
        "one letter": "a" * MEGABYTE,
        "Chinese": "".join(characters),
        "spaces": " " * MEGABYTE,
    }
    table = vocabulary.load(found).table
    for variant in natives("encode"):
        prose = encode_seconds(variant, generate("prose", MEGABYTE, 1), found.ranks, table, team)
        print(f"{variant.name:8} 1 MB of prose: {prose * 1e9:.1f} ns a byte")
        for name, word in words.items():
            time = encode_seconds(variant, word, found.ranks, table, team)
            print(
                f"{variant.name:8} 1 MB word, {name}: {time * 1e9:.1f} ns a byte, {time / prose:.1f} x prose"
            )


def encode_seconds(
    variant: native.NativeVariant, text: str, ranks: int, table: Array, team: native.Team
) -> float:
    """Seconds a byte."""
    source = np.frombuffer(text.encode(), np.uint8)
    operands = {
        "text": source,
        "table": table,
        "tokens": np.zeros(len(source), np.int32),
        "count": np.zeros(1, np.int64),
    }
    data = team.load(operands, ["tokens", "count"], 1, "throughput", seed=1)
    time = interleaved({"": partial(native_calls, variant, (len(source), ranks), data)})[""]
    data.close()
    return time / len(source)


def main(library: str = "tiktoken") -> None:
    cpu = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cpu})
    with native.Team([cpu]) as team:
        for case in KERNEL.cases(Settings()):
            compare(case, library, team)
        one_word(team)


if __name__ == "__main__":
    main(*sys.argv[1:])
