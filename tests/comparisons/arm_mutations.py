"""Mistakes that the Arm lab must catch, made on purpose in a copy of the sources.

    python -m tests.comparisons.arm_mutations

Each replaces one piece of text that occurs once, builds anew, and runs the tests that should fail.
Prints a Markdown table; exit code 1 when one was not caught.  Needs what `make test-arm` needs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.arm import lab

COPIED = ("kernels", "bench", "tests", "CMakeLists.txt", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Mutation:
    """What is done to a file, and the tests (an expression of -k) of which one must fail."""

    what: str
    file: str
    before: str
    after: str
    tests: str


MUTATIONS = (
    Mutation(
        "attention/sve drops the last element of a head (wrong tail)",
        "kernels/attention/sve_decode.h",
        "return svwhilelt_b32_s64(p, n);",
        "return svwhilelt_b32_s64(p, n - 1);",
        "right_or_refused and attention-sve-a64fx",
    ),
    Mutation(
        "attention/sve reads a whole vector at the end of its operand",
        "kernels/attention/sve_decode.h",
        "vec x##j = svld1_f32(lanes##j, row + (j) * LANES)",
        "vec x##j = svld1_f32(all(), row + (j) * LANES)",
        "right_or_refused and attention-sve-a64fx",
    ),
    Mutation(
        "matmul/sve takes vectors to be of 256 bits",
        "kernels/matmul/sve.c",
        "store_f32(c + svcntw(),",
        "store_f32(c + 8,",
        "right_or_refused and matmul-sve and (a64fx or graviton4)",
    ),
    Mutation(
        "sve-i8mm claims to need SVE alone (wrong requirement)",
        "kernels/native/isa.json",
        '"requires": ["asimd", "fphp", "asimdhp", "sve", "i8mm", "svei8mm"]',
        '"requires": ["asimd", "fphp", "asimdhp", "sve"]',
        "right_or_refused and matmul-sve-i8mm and a64fx",
    ),
    Mutation(
        "matmul/neon has an instruction of fp16",
        "kernels/matmul/neon.c",
        "    switch (i) {\n    case 0: return vfmaq_laneq_f32(sum, b, a[0], 0);",
        '    __asm__ volatile(".arch_extension fp16\\n\\tfadd v31.8h, v31.8h, v31.8h" ::: "v31");\n'
        "    switch (i) {\n    case 0: return vfmaq_laneq_f32(sum, b, a[0], 0);",
        "beyond and aarch64",
    ),
    Mutation(
        "matmul/avx2 has an instruction of AVX-512",
        "kernels/matmul/avx2.c",
        "#include <immintrin.h>\n",
        "#include <immintrin.h>\n"
        "void leak(void);\n"
        'void leak(void) { __asm__ volatile(".byte 0x62, 0x01, 0x85, 0x40, 0xef, 0xff"); } /* vpxorq zmm31 */\n',
        "beyond and host",
    ),
)


def copy_to(folder: Path) -> None:
    for name in COPIED:
        source = lab.ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)


def run(folder: Path, mutation: Mutation) -> str | None:
    """The first line of the failure that the tests told, None if all passed."""
    host = {"_PYTHON_HOST_PLATFORM": "manylinux_2_28-x86_64"}
    tools = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": tools, "ARMBENCH_ARM_LAB": "required", "PYTHONPATH": str(folder)}
    if "host" in mutation.tests:
        for words in (("-S", ".", "-B", "build/zig", "-G", "Ninja"), ("--build", "build/zig")):
            command = ["cmake", *words]
            subprocess.run(command, cwd=folder, env=environment | host, check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/arm", "-k", mutation.tests],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == 0:
        return None
    if done.returncode != 1:
        raise SystemExit(f"{mutation.what}: no test ran\n{done.stdout}{done.stderr}")
    lines = [line[1:].strip() for line in done.stdout.splitlines() if line.startswith("E ")]
    return re.sub(r"\s+", " ", lines[0] if lines else "failed")


def main() -> int:
    missed = 0
    print("| mistake | file | caught by |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        copy_to(folder)
        for mutation in MUTATIONS:
            path = folder / mutation.file
            text = path.read_text()
            if text.count(mutation.before) != 1:
                raise SystemExit(f"{mutation.file}: not once: {mutation.before!r}")
            path.write_text(text.replace(mutation.before, mutation.after))
            said = run(folder, mutation)
            path.write_text(text)
            missed += said is None
            caught = "**not caught**" if said is None else f"`{said[:110]}`".replace("|", "\\|")
            print(f"| {mutation.what} | {mutation.file} | {caught} |", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
