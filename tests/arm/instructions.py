"""Which instructions an object file has, and which of them a CPU with given features would not know.

For Arm the judge is LLVM's disassembler with exactly those features: it decodes no others.  For x86,
whose disassemblers know no features, instructions.json has a pattern for each.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from armbench.bench.facts import ISA
from tests.arm import lab

OBJECTS = Path("CMakeFiles", "armbench.dir", "kernels")
OLDEST = 18  # of LLVM; 14 does not know all of SME
SUFFIXES = ("-22", "", *(f"-{version}" for version in range(21, OLDEST - 1, -1)))


@cache
def table() -> Any:
    """instructions.json: what variants live on, LLVM's names of features, patterns of x86's."""
    return json.loads(Path(__file__).with_name("instructions.json").read_text())


@cache
def disassembler() -> str | None:
    """LLVM's objdump of any version that knows SME."""
    found = (shutil.which(f"llvm-objdump{suffix}") for suffix in SUFFIXES)
    return next((path for path in found if path and _version(path) >= OLDEST), None)


def _version(path: str) -> int:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    number = re.search(r"version (\d+)", said)
    return int(number[1]) if number else 0


def objects(build: Path) -> Iterator[tuple[str, str, Path]]:
    """(kernel, variant, object file) of a build's native variants."""
    for path in sorted((build / OBJECTS).glob("*/*.c.o")):
        kernel, name = path.parent.name, path.name.removesuffix(".c.o")
        if kernel != "native":
            yield kernel, name, path


def harness(build: Path) -> list[Path]:
    return sorted((build / OBJECTS / "native").glob("*.c.o"))


def listing(path: Path, features: Collection[str] | None = None) -> list[str]:
    """The instructions of an object file, one a line: of Arm as a CPU with these features decodes them."""
    words = [disassembler() or "llvm-objdump", "-d", "--no-show-raw-insn", "--no-leading-addr"]
    if features is not None:
        names = sorted(
            {f"+{name}" for feature in features for name in table()["llvm"].get(feature, "").split()}
        )
        words.append(f"--mattr={','.join(names)}")
    done = subprocess.run([*words, str(path)], capture_output=True, text=True, check=True)
    lines = (line.strip().replace("\t", " ") for line in done.stdout.splitlines())
    return [line for line in lines if line and not line.endswith(":") and "file format" not in line]


def beyond(path: Path, isa: str) -> list[str]:
    """The instructions that the features which an instruction set requires do not cover."""
    requires = ISA[isa]["requires"]
    if ISA[isa]["arch"] == "aarch64" or "aarch64" in str(path.relative_to(lab.ROOT)):
        known = listing(path, requires or ["asimd"])
        everything = listing(path, table()["llvm"])
        return [full for full, seen in zip(everything, known, strict=True) if "<unknown>" in seen]
    foreign = [pattern for feature, pattern in table()["x86"].items() if feature not in requires]
    return [line for line in listing(path) if any(re.search(pattern, line) for pattern in foreign)]


def lives_on(path: Path, isa: str) -> bool:
    """Whether it has an instruction that its instruction set is there for."""
    pattern = re.compile(table()["lives on"][isa])
    features = table()["llvm"] if ISA[isa]["arch"] == "aarch64" else None
    return any(map(pattern.search, listing(path, features)))
