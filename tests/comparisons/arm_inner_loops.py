"""How many operations a cycle the inner loops of the Arm variants could do, by LLVM's models of the cores.

    python tests/comparisons/arm_inner_loops.py [--write]

Cross-builds the library, takes every tile function's innermost loop with the most multiply-adds from the
disassembly, and asks llvm-mca for the cycles of an iteration in steady state: a static bound, in which
every load hits the first-level cache.  The share is of the peak of the loop's own instruction
(peak_ops_per_cycle.json, from the same models).  Where it is below 0.95, the resource that the model
runs out of is named.  --write puts the table into docs/inner-loops.md.  Needs LLVM 22.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.arm import lab

HERE = Path(__file__).parent
PAGE = lab.ROOT / "docs" / "inner-loops.md"
MARK = "<!-- written by tests/comparisons/arm_inner_loops.py -->"
PEAKS: dict[str, dict[str, float | None]] = json.loads((HERE / "peak_ops_per_cycle.json").read_text())
CORES = {"neoverse-n1": 0, "neoverse-n2": 128, "neoverse-v1": 256, "neoverse-v2": 128, "neoverse-v3": 128}
KERNELS = ("matmul", "attention", "roofs")
ENOUGH = 0.95
LEAST = 8  # multiply-adds of a loop that is a tile's
ITERATIONS = 200

# Multiply-adds: mnemonic and arrangement -> row of the peaks, operations in 128 bits.
KINDS = {
    ("fmla", "4s"): ("fmla_4s", 8), ("fmla", "2d"): ("fmla_2d", 4), ("fmla", "8h"): ("fmla_8h", 16),
    ("sdot", "4s"): ("sdot", 32), ("smmla", "4s"): ("smmla", 64),
    ("bfdot", "4s"): ("bfdot", 16), ("bfmmla", "4s"): ("bfmmla", 32),
    ("fmla", "s"): ("z_fmla_s", 8), ("fmla", "d"): ("z_fmla_d", 4), ("fmla", "h"): ("z_fmla_h", 16),
    ("sdot", "s"): ("z_sdot", 32), ("smmla", "s"): ("z_smmla", 64),
    ("bfdot", "s"): ("z_bfdot", 16), ("bfmmla", "s"): ("z_bfmmla", 32),
}  # fmt: skip
MACS = re.compile(r"^(fmla|fmad|fmlal|sdot|smmla|bfdot|bfmmla)\s+([vz]\d+)\.(\w+)")
UNRATED = re.compile(r"^(smull2?|smlal2?)\s")  # products that the peaks have no row for
OUTER_PRODUCTS = re.compile(r"^(bf|f)mopa\s+za")  # which no model of a core has the cost of
LINE = re.compile(r"^\s*([0-9a-f]+):\s+(\S.*)$")
FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
BRANCH = re.compile(r"^(b|b\.\w+|cbnz|cbz|tbnz|tbz)\s+(.*, )?(?:0x)?([0-9a-f]+) <.*")
STACK = re.compile(r"^(ldr|str|ldp|stp|ldur|stur)\s+[qdz].*\[sp")


@dataclass(frozen=True)
class Loop:
    """The innermost loop of a function with the most multiply-adds."""

    kernel: str
    variant: str
    function: str
    body: tuple[str, ...]

    @property
    def kind(self) -> tuple[str, int]:
        """(row of the peaks, operations of an iteration on vectors of 128 bits); the commonest kind's row."""
        found = [key for line in self.body if (key := _key(line))]
        most = max(set(found), key=found.count)
        return KINDS[most][0], sum(KINDS[key][1] for key in found)

    @property
    def scalable(self) -> bool:
        return self.kind[0].startswith("z_")

    @property
    def rated(self) -> bool:
        """Whether the peak of `kind` says how good the loop is: its products are not mostly others."""
        return sum(map(bool, map(_key, self.body))) >= sum(map(bool, map(UNRATED.match, self.body)))

    @property
    def spills(self) -> list[str]:
        return [line for line in self.body if STACK.match(line)]


def _key(line: str) -> tuple[str, str] | None:
    match = MACS.match(line)
    if not match:
        return None
    key = ("fmla" if match[1] == "fmad" else match[1], match[3])
    return key if key in KINDS else None


def tool(name: str) -> str | None:
    """A tool of LLVM 22: older models do not know these cores so well."""
    return shutil.which(f"{name}-22") or (shutil.which(name) if _is_22(name) else None)


def _is_22(name: str) -> bool:
    path = shutil.which(name)
    if not path:
        return False
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    return "version 22." in said


def disassembler() -> str | None:
    """Any that prints addresses in the same form."""
    return tool("llvm-objdump") or shutil.which("aarch64-linux-gnu-objdump")


@cache
def objects() -> tuple[tuple[str, str, Path], ...]:
    """(kernel, variant, object file) of the cross-built library."""
    lab.library()
    folder = lab.BUILD / "CMakeFiles" / "armbench.dir" / "kernels"
    return tuple(
        (kernel, path.name.removesuffix(".c.o"), path)
        for kernel in KERNELS
        for path in sorted((folder / kernel).glob("*.c.o"))
    )


def loops() -> Iterator[Loop]:
    """The tiles' loops, those of the most multiply-adds of each function that has any."""
    for kernel, variant, path in objects():
        for name, lines in _functions(path):
            best = max(_innermost(lines), key=_macs, default=())
            if _macs(best) >= LEAST:
                yield Loop(kernel, variant, name, tuple(text for _, text in best))


def outer_products() -> Iterator[Loop]:
    """The loops of SME's outer products."""
    for kernel, variant, path in objects():
        for name, lines in _functions(path):
            for body in _innermost(lines):
                texts = tuple(text for _, text in body)
                if any(map(OUTER_PRODUCTS.match, texts)):
                    yield Loop(kernel, variant, name, texts)


def _functions(path: Path) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    command = [disassembler() or "llvm-objdump", "-d", "--no-show-raw-insn", str(path)]
    name, lines = "", []
    for text in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        if match := FUNCTION.match(text):
            if name:
                yield name, lines
            name, lines = match[1], []
        elif match := LINE.match(text):
            lines.append((int(match[1], 16), " ".join(match[2].split("//")[0].split())))
    if name:
        yield name, lines


def _innermost(lines: list[tuple[int, str]]) -> Iterator[tuple[tuple[int, str], ...]]:
    """The bodies between a backward branch and its target that have no other such branch's, nor calls."""
    back = []
    for at, text in lines:
        match = BRANCH.match(text)
        if match and int(match[3], 16) <= at:
            back.append((int(match[3], 16), at))
    for start, end in back:
        if not any(start <= s and e < end for s, e in back if (s, e) != (start, end)):
            body = tuple((at, text) for at, text in lines if start <= at <= end)
            if not any(text.startswith("bl") for _, text in body):
                yield body


def _macs(body: tuple[tuple[int, str], ...]) -> int:
    return sum(bool(_key(text)) for _, text in body)


# --- llvm-mca --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Estimate:
    cycles: float  # of an iteration
    binding: str  # the resource that is busiest, and for how much of the time


def estimate(loop: Loop, core: str) -> Estimate:
    command = [tool("llvm-mca") or "llvm-mca", "-mtriple=aarch64", f"-mcpu={core}", "-mattr=+all", "-json"]
    command += [f"-iterations={ITERATIONS}", "-"]
    text = "top:\n" + "\n".join(BRANCH.sub(r"\1 \2top", line) for line in loop.body) + "\n"
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{loop.variant} {loop.function} on {core}: {done.stderr[:500]}")
    document = json.loads(done.stdout)
    (region,) = document["CodeRegions"]
    summary = region["SummaryView"]
    cycles = summary["TotalCycles"] / ITERATIONS
    names = document["TargetInfo"]["Resources"]
    busy: dict[int, float] = {}
    for use in region["ResourcePressureView"]["ResourcePressureInfo"]:
        if use["InstructionIndex"] == len(region["Instructions"]):
            busy[use["ResourceIndex"]] = use["ResourceUsage"]
    slots = summary["TotaluOps"] / ITERATIONS / summary["DispatchWidth"]
    most = max(busy, key=lambda index: busy[index])
    if slots > busy[most]:
        return Estimate(cycles, f"dispatch {slots / cycles:.2f}")
    return Estimate(cycles, f"{names[most]} {busy[most] / cycles:.2f}")


def share(loop: Loop, core: str) -> tuple[float, float, str] | None:
    """(operations a cycle, share of the peak, binding resource); None where the core lacks the instruction."""
    row, operations = loop.kind
    peak = PEAKS[core][row]
    if peak is None:
        return None
    found = estimate(loop, core)
    rate = operations * (CORES[core] / 128 if loop.scalable else 1) / found.cycles
    return rate, rate / peak, found.binding


# --- the table -------------------------------------------------------------------------------


def table() -> str:
    heads = [core.removeprefix("neoverse-").upper() for core in CORES]
    lines = [f"| kernel | variant | loop in | instruction | {' | '.join(heads)} |"]
    lines.append("|---|---|---|---|" + "--:|" * len(CORES))
    for loop in filter(lambda loop: loop.rated, loops()):
        cells = [_cell(share(loop, core)) for core in CORES]
        row = loop.kind[0].replace("_", " ")
        lines.append(f"| {loop.kernel} | {loop.variant} | `{loop.function}` | {row} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(found: tuple[float, float, str] | None) -> str:
    if found is None:
        return "-"
    rate, part, binding = found
    named = f" ({binding})" if part < ENOUGH else ""
    return f"{rate:.0f}, {part:.2f}{named}"


def main(words: list[str]) -> None:
    text = table()
    print(text)
    spilling = [(loop.variant, loop.function, loop.spills) for loop in loops() if loop.spills]
    for variant, function, lines in spilling:
        print(f"spills in {variant} {function}: {lines}")
    if "--write" in words:
        head = PAGE.read_text().partition(MARK)[0]
        PAGE.write_text(f"{head}{MARK}\n\n{text}")


if __name__ == "__main__":
    main(sys.argv[1:])
