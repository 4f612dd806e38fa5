"""Instructions per byte with which each instruction set classifies a window of 64 bytes.

    python -m tests.comparisons.tokenization_classes [--list]

Compiles the classification of every vectorised variant (kernels/tokenization/<isa>.c) as a function
of its own with the reference compiler, for its own architecture, and counts what the disassembler
shows; --list prints it.  Needs no CPU that runs it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
KERNEL = ROOT / "kernels" / "tokenization"
WINDOW = 64  # bytes, BPE_WINDOW
STUB = """
#define AB_KERNEL_NAME "tokenization"
#define AB_VARIANT_NAME "stub"
#define AB_REQUIRES {0}
#include "THIS.c"
__attribute__((noinline)) void stub(const uint8_t *p, bpe_masks *m) { BPE_CLASSIFY(p, m); }
"""
DISASSEMBLERS = {
    "aarch64": ("aarch64-linux-gnu-objdump", "llvm-objdump"),
    "x86_64": ("x86_64-linux-gnu-objdump", "llvm-objdump", "objdump"),
}


def variants() -> list[str]:
    """The stems of the files that have a classification."""
    return sorted(f.stem for f in KERNEL.glob("*.c") if "BPE_CLASSIFY" in f.read_text())


def disassembler(arch: str) -> str:
    found = next(filter(None, map(shutil.which, DISASSEMBLERS[arch])), None)
    if not found:
        raise SystemExit(
            f"no disassembler for {arch}: apt install binutils-{arch.replace('_', '-')}-linux-gnu"
        )
    return found


def disassembly(variant: str) -> list[str]:
    """The instructions of the classification, one a line."""
    facts = json.loads((ROOT / "kernels" / "native" / "isa.json").read_text())[variant.split("-2")[0]]
    with tempfile.TemporaryDirectory() as folder:
        stub, built = Path(folder) / "stub.c", Path(folder) / "stub.o"
        stub.write_text(STUB.replace("THIS", variant))
        target = ("-target", f"{facts['arch']}-linux-gnu.2.28", *facts["zig"].split())
        options = ("-std=c11", "-O3", "-c", f"-I{KERNEL}", f"-I{ROOT / 'kernels' / 'native'}")
        command = [sys.executable, "-m", "ziglang", "cc", *target, *options, str(stub), "-o", str(built)]
        subprocess.run(command, check=True)
        shown = subprocess.run(
            [disassembler(facts["arch"]), "-d", "--no-show-raw-insn", str(built)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    body = shown.split("<stub>:\n", 1)[1].split("\n\n", 1)[0]
    return [line.split("\t", 1)[1].strip() for line in body.splitlines() if "\t" in line]


def main() -> None:
    for variant in variants():
        instructions = disassembly(variant)
        print(f"{variant:8} {len(instructions):4} instructions, {len(instructions) / WINDOW:.2f} a byte")
        if "--list" in sys.argv[1:]:
            print(*(f"    {line}" for line in instructions), sep="\n")


if __name__ == "__main__":
    main()
