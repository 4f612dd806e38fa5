"""kernels/native/isa.json against the compilers: flags and required features cannot disagree.

A compiler says in its predefined macros which instructions it may use.  What the flags of a stem
add to the macros of the baseline must be what the stem requires of a CPU, no more and no less.
"""

from __future__ import annotations

import importlib.util
import platform
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import pytest

from armbench.bench.facts import FEATURES, ISA

Arch = Literal["aarch64", "x86_64"]

# The feature that a macro stands for; None: no instructions, or on every CPU with the others
# (an x86 CPU with SSE4.2 has SSSE3; XSAVE is what the check for AVX reads first; the atomics, CRC and
# rounding products of Armv8.1 are in every CPU with sdot, bf16 or SVE, and gcc takes those from 8.2 on).
FEATURE_OF: dict[str, str | None] = {
    "__ARM_FEATURE_ATOMICS": None,
    "__ARM_FEATURE_BF16": None,
    "__ARM_FEATURE_BF16_SCALAR_ARITHMETIC": None,
    "__ARM_FEATURE_BF16_VECTOR_ARITHMETIC": "bf16",
    "__ARM_FEATURE_CRC32": None,
    "__ARM_FEATURE_DOTPROD": "asimddp",
    "__ARM_FEATURE_FP16_SCALAR_ARITHMETIC": "fphp",
    "__ARM_FEATURE_FP16_VECTOR_ARITHMETIC": "asimdhp",
    "__ARM_FEATURE_LOCALLY_STREAMING": None,
    "__ARM_FEATURE_MATMUL_INT8": "i8mm",
    "__ARM_FEATURE_QRDMX": None,
    "__ARM_FEATURE_SME": "sme",
    "__ARM_FEATURE_SME_F64F64": "smef64f64",
    "__ARM_FEATURE_SVE": "sve",
    "__ARM_FEATURE_SVE2": "sve2",
    "__ARM_FEATURE_SVE_BF16": "svebf16",
    "__ARM_FEATURE_SVE_BITS": None,
    "__ARM_FEATURE_SVE_MATMUL_INT8": "svei8mm",
    "__ARM_FEATURE_SVE_VECTOR_OPERATORS": None,
    "__AVX2__": "avx2",
    "__AVX512BF16__": "avx512_bf16",
    "__AVX512BW__": "avx512bw",
    "__AVX512CD__": "avx512cd",
    "__AVX512DQ__": "avx512dq",
    "__AVX512F__": "avx512f",
    "__AVX512VL__": "avx512vl",
    "__AVX512VNNI__": "avx512_vnni",
    "__AVX__": "avx",
    "__BMI2__": "bmi2",
    "__BMI__": "bmi1",
    "__CRC32__": None,
    "__F16C__": "f16c",
    "__FMA__": "fma",
    "__GCC_HAVE_SYNC_COMPARE_AND_SWAP_16": None,
    "__LAHF_SAHF__": None,
    "__LZCNT__": "abm",
    "__MOVBE__": "movbe",
    "__POPCNT__": "popcnt",
    "__SSE3__": None,
    "__SSE4_1__": None,
    "__SSE4_2__": "sse4_2",
    "__SSSE3__": None,
    "__XSAVE__": None,
}
# GCC 12 has no macro of its own for the bf16 instructions of SVE.
IMPLIED = {("sve", "bf16"): "svebf16"}
# Nor has clang 22 one for products of f64 in SME.
WITHOUT_MACRO = {"sme-f64": {"smef64f64"}}
# Macros that tell of arithmetic, not of instructions.
IGNORED = ("__FP_FAST_", "__ARM_BF16_FORMAT_")
BASELINE = {"aarch64": ["asimd"], "x86_64": []}


@dataclass(frozen=True)
class Compiler:
    """A command, the column of isa.json that it reads, and what it compiles for."""

    name: str
    command: tuple[str, ...]
    flags: Literal["gnu", "zig"]
    arch: Arch

    def why_not(self) -> str | None:
        return None if shutil.which(self.command[0]) else f"{self.command[0]} is not installed"


def _zig() -> str:
    found = importlib.util.find_spec("ziglang")
    folder = Path(found.origin).parent if found and found.origin else Path("ziglang")
    return str(folder / "zig")


def _gcc(arch: Arch) -> Compiler:
    command = "gcc" if platform.machine() == arch else f"{arch.replace('_', '-')}-linux-gnu-gcc"
    return Compiler(f"gcc-{arch}", (command,), "gnu", arch)


def _reference(arch: Arch) -> Compiler:
    return Compiler(f"zig-{arch}", (_zig(), "cc", "-target", f"{arch}-linux-gnu.2.28"), "zig", arch)


ARCHES: tuple[Arch, ...] = ("aarch64", "x86_64")
COMPILERS = [make(arch) for make in (_reference, _gcc) for arch in ARCHES]


@cache
def macros(compiler: Compiler, flags: tuple[str, ...]) -> frozenset[str] | None:
    """The names that the compiler predefines, None when it refuses the flags."""
    command = [*compiler.command, *flags, "-dM", "-E", "-x", "c", "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    return frozenset(line.split()[1] for line in done.stdout.splitlines())


def features(compiler: Compiler, stem: str) -> set[str] | None:
    """What a CPU needs for code compiled with the flags of a stem; None: the compiler refuses."""
    baseline, chosen = macros(compiler, ()), macros(compiler, tuple(ISA[stem][compiler.flags].split()))
    assert baseline is not None
    if chosen is None:
        return None
    added = {name for name in chosen - baseline if not name.startswith(IGNORED)}
    unknown = {name for name in added if name not in FEATURE_OF}
    assert not unknown, f"say in FEATURE_OF what these stand for: {sorted(unknown)}"
    needed = {feature for name in added if (feature := FEATURE_OF[name])}
    needed |= {both for pair, both in IMPLIED.items() if needed.issuperset(pair)}
    return needed | WITHOUT_MACRO.get(stem, set()) | set(BASELINE[compiler.arch])


PAIRS = [
    pytest.param(stem, compiler, id=f"{stem}-{compiler.name}")
    for stem, row in ISA.items()
    for compiler in COMPILERS
    if row["arch"] in (None, compiler.arch)
]


@pytest.mark.parametrize(("stem", "compiler"), PAIRS)
def test_a_stem_requires_what_its_flags_allow(stem: str, compiler: Compiler) -> None:
    if reason := compiler.why_not():
        pytest.skip(reason)
    needed = features(compiler, stem)
    if needed is None:
        assert compiler.flags == "gnu", f"the reference compiler refuses {ISA[stem]['zig']}"
        pytest.skip(f"extra: {compiler.name} refuses {ISA[stem]['gnu']}, the reference compiler does not")
    assert needed == set(ISA[stem]["requires"]) | set(BASELINE[compiler.arch])


def test_required_features_are_known() -> None:
    for stem, row in ISA.items():
        if row["arch"]:
            assert set(row["requires"]) <= set(FEATURES[row["arch"]]), stem
