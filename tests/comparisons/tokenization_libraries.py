"""All native tokenizers beside all libraries in one run.

    python tests/comparisons/tokenization_libraries.py [SECTION...]

Sections: encode, count, decode, cpus, words, tables; all unless some are named.  One thread on one
CPU (the last that this process may use), the same documents for all, short samples of all sides in
turn: medians, and the best beside them, which matter where others use the CPU too.  Libraries are
timed by the CPU time of their thread, native variants by the clock, which is never less.  Every
side is compared with the reference before it is timed; DIFFERENT is said of one that is wrong.  The
vocabulary is the one that `armbench run` would use.

A library that remembers words cannot be cold twice: "first" is the first pass of a new object over
the documents of a case, for FRESH new objects.
"""

from __future__ import annotations

import os
import random
import string
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean, median

import numpy as np

from armbench.bench import native, registry
from armbench.bench.model import Array, Call, Case, Problem, Settings
from armbench.kernels.tokenization import KERNEL, vocabulary
from armbench.kernels.tokenization.corpora import generate
from armbench.kernels.tokenization.corpora.documents import cut

REPETITIONS = 41
SAMPLE_SECONDS = 0.002  # shorter than what a scheduler leaves a busy CPU to one process
FRESH = 5
LOADS = 9
MEGABYTE = 1_000_000
SECTIONS = ("encode", "count", "decode", "cpus", "words", "tables")

Calls = Callable[[int], float]  # seconds of one call, when so many are made


# --- sides ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bench:
    """Cases of one operation with the same documents, in the memory of one pinned thread."""

    cases: list[Case]
    problem: Problem
    data: native.Data
    team: native.Team

    @property
    def title(self) -> str:
        return self.cases[0].name.removesuffix("-cold")

    @property
    def arrays(self) -> dict[str, Array]:
        return self.data.arrays(0, 0)

    def sides(self) -> dict[str, Calls]:
        """{"variant state": calls} of everything that runs these cases and is right."""
        return dict([*self._natives(), *self._libraries()])

    def _natives(self) -> Iterator[tuple[str, Calls]]:
        for case in self.cases:
            for variant in natives(case.operation):
                calls = partial(native_calls, self.team, variant, case.native_params, self.data)
                calls(1)
                name = label(variant.name, case)
                if self._right(name, self.arrays):
                    yield name, calls

    def _libraries(self) -> Iterator[tuple[str, Calls]]:
        for case in self.cases:
            for variant in registry.variants(KERNEL.name):
                library = variant.library
                if library is None or variant.why_not or library.accepts(case):
                    continue
                call, outputs = library.bind(case, self.arrays)
                name = label(variant.name, case)
                if self._right(name, outputs(call())):
                    yield name, partial(library_calls, call)

    def _right(self, name: str, outputs: Mapping[str, Array]) -> bool:
        right = KERNEL.error(self.problem, outputs) == 0
        if not right:
            print(f"{self.title}: {name} DIFFERENT")
        return right


def label(variant: str, case: Case) -> str:
    state = case.params["state"] if case.operation in ("encode", "count") else ""
    return f"{variant} {state}".strip()


def natives(operation: str) -> list[native.NativeVariant]:
    of_kernel = (v for v in native.variants() if (v.kernel, v.operation) == (KERNEL.name, operation))
    return [v for v in of_kernel if v.supported]


def native_calls(
    team: native.Team, variant: native.NativeVariant, params: tuple[int, ...], data: native.Data, calls: int
) -> float:
    """A sample after one that is not counted: what a measurement remembers begins empty."""
    ticks = team.measure(variant, params, data, calls, 1, 1).ticks
    return float(ticks[1, 0]) / native.tick_hz() / calls


def library_calls(call: Call, calls: int) -> float:
    """By the clock of the thread's CPU time: what else runs here does not lengthen it."""
    start = time.thread_time_ns()
    for _ in range(calls):
        call()
    return (time.thread_time_ns() - start) / 1e9 / calls


@dataclass(frozen=True)
class Spread:
    """Seconds of a call, or a rate: the median of all turns and the best."""

    median: float
    best: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        return cls(median(seconds), min(seconds))

    def rate(self, amount: float) -> Spread:
        return Spread(amount / self.median, amount / self.best)


def interleaved(sides: Mapping[str, Calls], repetitions: int = REPETITIONS) -> dict[str, Spread]:
    calls = {name: max(1, int(SAMPLE_SECONDS / run(1))) for name, run in sides.items()}
    turns = [{name: run(calls[name]) for name, run in sides.items()} for _ in range(repetitions)]
    return {name: Spread.of([turn[name] for turn in turns]) for name in sides}


def bench(team: native.Team, corpus: str, size: str, operation: str, states: tuple[str, ...] = ()) -> Bench:
    name = f"{vocabulary.find(Settings()).name}-{corpus}-{size}-{operation}"
    names = [f"{name}-{state}" for state in states] or [name]
    cases = [case for case in KERNEL.cases(Settings()) if case.name in names]
    problem = KERNEL.problem(cases[0], Settings(), 1)
    outputs = [o.name for o in problem.operands if o.output]
    mode = "parallel" if len(team.cpus) > 1 else "throughput"
    data = team.load({o.name: o.data for o in problem.operands}, outputs, 1, mode, seed=1)
    return Bench(cases, problem, data, team)


# --- sections ------------------------------------------------------------------------------


def rates(prepared: Bench, sides: Mapping[str, Calls] | None = None) -> dict[str, Spread]:
    """Bytes of text a second of each side; prints them, the fastest first."""
    params = prepared.cases[0].params
    size = int(params["bytes"] or 0) * int(params["batch"] or 0)
    found = {name: seconds.rate(size) for name, seconds in interleaved(sides or prepared.sides()).items()}
    print(f"\n{prepared.title + ', MB/s':46} {'median':>8} {'best':>8}")
    tell(found)
    return found


def tell(rates: Mapping[str, Spread]) -> None:
    for name, rate in sorted(rates.items(), key=lambda item: -item[1].best):
        print(f"  {name:44} {rate.median / 1e6:8.1f} {rate.best / 1e6:8.1f}")


def ratio(what: str, ours: Spread, theirs: Spread | None, target: float) -> None:
    if theirs is None:
        print(f"{what}: nothing to compare with")
        return
    of_medians, of_best = ours.median / theirs.median, ours.best / theirs.best
    met = "met" if of_medians >= target else "NOT MET"
    print(f"{what}: {of_medians:.2f}, of the best {of_best:.2f} (at least {target}: {met})")


def fastest(found: Mapping[str, Spread], names: set[str]) -> Spread:
    return max((found[name] for name in names), key=lambda rate: rate.median)


def names_of(operation: str, state: str = "") -> set[str]:
    return {f"{variant.name} {state}".strip() for variant in natives(operation)}


def encode(team: native.Team) -> None:
    corpora = ("prose", "code")
    found = []
    for corpus in corpora:
        prepared = bench(team, corpus, "2k", "encode", ("cold", "warm"))
        first = first_passes(prepared)
        found.append({**rates(prepared), **first})
        tell(first)
    in_all = [name for name in found[0] if all(name in f for f in found)]
    mean = {n: Spread(fmean(f[n].median for f in found), fmean(f[n].best for f in found)) for n in in_all}
    print(f"\n{'mean of ' + ' and '.join(corpora) + ', MB/s':46} {'median':>8} {'best':>8}")
    tell(mean)
    for state, other, target in (("warm", "gigatoken warm", 1.2), ("cold", "gigatoken first", 1.5)):
        ours = fastest(mean, names_of("encode", state))
        ratio(f"encode, {state}: best native / {other}", ours, mean.get(other), target)


def first_passes(prepared: Bench) -> dict[str, Spread]:
    """Rates of gigatoken's first pass; each new object takes a second to make."""
    if not registry.installed("gigatoken"):
        return {}
    from armbench.kernels.tokenization.gigatoken import new_tokenizer

    arrays = prepared.arrays
    documents = [part.tobytes() for part in cut(arrays["text"], arrays["starts"])]
    seconds = []
    for _ in range(FRESH):
        tokenizer = new_tokenizer(arrays["table"])
        seconds.append(library_calls(lambda encode=tokenizer.encode: [encode(d) for d in documents], 1))
    return {"gigatoken first": Spread.of(seconds).rate(sum(map(len, documents)))}


def count(team: native.Team) -> None:
    """Count and encode of the same documents in turn."""
    for corpus, size in (("prose", "2k"), ("code", "2k"), ("mixed", "100k")):
        with native.Team(team.cpus) as other:
            states = ("cold", "warm")
            counting = bench(team, corpus, size, "count", states)
            encoding = bench(other, corpus, size, "encode", states)
            sides = {f"{name}, count": calls for name, calls in counting.sides().items()}
            sides |= {f"{name}, encode": calls for name, calls in encoding.sides().items()}
            found = rates(counting, sides)
        for name in sorted(names_of("count", "cold") | names_of("count", "warm")):
            count, encode = found[f"{name}, count"], found[f"{name}, encode"]
            ratio(f"{corpus}-{size}, {name}: count / encode", count, encode, 1.0)


def decode(team: native.Team) -> None:
    for operation in ("decode", "stream"):
        for corpus, size in (("prose", "2k"), ("code", "2k"), ("mixed", "100k")):
            found = rates(bench(team, corpus, size, operation))
            if operation == "decode":
                ours = fastest(found, names_of(operation))
                ratio(f"{corpus}-{size}: best native / 1 GB/s", ours, Spread(1e9, 1e9), 1.0)


def cpus(team: native.Team) -> None:
    """A batch on one CPU and on two, in turn."""
    if len(ALLOWED) < 2:
        print("cpus: this process may use one only")
        return
    with native.Team(sorted(ALLOWED)[-2:]) as two:
        sides: dict[str, Calls] = {}
        for several, name in ((team, "one"), (two, "two")):
            prepared = bench(several, "mixed", "512x2k", "encode", ("cold",))
            for variant in natives("encode"):
                params = prepared.cases[0].native_params
                calls = partial(native_calls, several, variant, params, prepared.data)
                sides[f"{variant.name} {name}"] = calls
        rate = {name: seconds.rate(1) for name, seconds in interleaved(sides).items()}
    for variant in natives("encode"):
        one, other = rate[f"{variant.name} one"], rate[f"{variant.name} two"]
        ratio(f"batch, {variant.name}: two CPUs / one", other, one, 1.9)


def words(team: native.Team) -> None:
    """Seconds a byte of one word of a megabyte beside prose."""
    draw = random.Random(1)
    texts = {
        "prose": generate("prose", MEGABYTE, 1),
        "random letters": "".join(draw.choices(string.ascii_lowercase, k=MEGABYTE)),
        "one letter": "a" * MEGABYTE,
        "Chinese": "".join(chr(draw.randrange(0x4E00, 0x9000)) for _ in range(MEGABYTE // 3)),
        "spaces": " " * MEGABYTE,
    }
    found = vocabulary.find(Settings())
    table = vocabulary.load(found).table
    for variant in natives("encode"):
        each = {name: word_seconds(team, variant, text, found.ranks, table) for name, text in texts.items()}
        prose = each.pop("prose")
        print(f"{variant.name}, 1 MB of prose: {prose.median * 1e9:.2f} ns a byte")
        for name, seconds in each.items():
            multiple, best = seconds.median / prose.median, seconds.best / prose.best
            met = "met" if multiple <= 20 else "NOT MET"
            print(
                f"{variant.name}, 1 MB word, {name}: {seconds.median * 1e9:.2f} ns a byte,"
                f" {multiple:.1f} x prose, of the best {best:.1f} (at most 20: {met})"
            )


def word_seconds(
    team: native.Team, variant: native.NativeVariant, text: str, ranks: int, table: Array
) -> Spread:
    """Seconds a byte."""
    source = np.frombuffer(text.encode(), np.uint8)
    size = len(source)
    operands = {
        "text": source,
        "starts": np.array([0, size]),
        "table": table,
        "tokens": np.zeros(size, np.int32),
        "counts": np.zeros(1, np.int64),
    }
    data = team.load(operands, ["tokens", "counts"], 1, "throughput", seed=1)
    params = (size, 1, size, ranks, 0, 0, 0)
    seconds = interleaved({"": partial(native_calls, team, variant, params, data)}, 5)[""]
    return Spread(seconds.median / size, seconds.best / size)


def tables(team: native.Team) -> None:
    """Memory of the tables, and the milliseconds until they are there: built, and from the cache."""
    del team
    for name in ("o200k", "cl100k"):
        found = vocabulary.published(name)
        if found is None:
            print(f"{name}: no copy here")
            continue
        plain = vocabulary.ranks.unpacked(found.path.read_bytes(), found.path)
        with tempfile.TemporaryDirectory() as folder:
            os.environ["XDG_CACHE_HOME"] = folder
            file = Path(folder) / f"{name}.tiktoken"
            file.write_bytes(plain)
            size = vocabulary.load(found).table.nbytes / 2**20
            print(f"{name}: tables of {size:.1f} MiB (at most 64)")
            tell_loads("packed rank file", found, Path(folder))
            tell_loads("plain rank file", replace(found, path=file), Path(folder))


def tell_loads(what: str, found: vocabulary.Vocabulary, folder: Path) -> None:
    loads: dict[str, list[tuple[float, float]]] = {"read and built": [], "from the cache": []}
    for _ in range(LOADS):
        for kept in folder.rglob("*.bpe"):
            kept.unlink()
        for seconds in loads.values():
            seconds.append(load_seconds(found))
    for (how, seconds), target in zip(loads.items(), (150, 10), strict=True):
        wall, cpu = (Spread.of(column) for column in zip(*seconds, strict=True))
        print(
            f"  {what}, {how}: median {wall.median * 1e3:.1f} ms, best {wall.best * 1e3:.1f} ms;"
            f" of CPU {cpu.median * 1e3:.1f} and {cpu.best * 1e3:.1f} ms (at most {target})"
        )


def load_seconds(found: vocabulary.Vocabulary) -> tuple[float, float]:
    """Of the clock and of the CPU."""
    vocabulary.load.cache_clear()
    wall, cpu = time.perf_counter(), time.process_time()
    vocabulary.load(found)
    return time.perf_counter() - wall, time.process_time() - cpu


ALLOWED = os.sched_getaffinity(0)


def main(sections: list[str]) -> int:
    unknown = set(sections) - set(SECTIONS)
    if unknown:
        print(f"no section {min(unknown)}; there are {', '.join(SECTIONS)}", file=sys.stderr)
        return 2
    cpu = max(ALLOWED)
    os.sched_setaffinity(0, {cpu})
    run = {"encode": encode, "count": count, "decode": decode, "cpus": cpus, "words": words, "tables": tables}
    with native.Team([cpu]) as team:
        for section in sections or SECTIONS:
            run[section](team)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
