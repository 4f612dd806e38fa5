"""The table of features against host.c and against what is promised of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from armbench.bench.facts import COMPARABLE, FEATURES

HOST = Path(__file__).parents[3] / "kernels/native/host.c"
X86 = FEATURES["x86_64"]
# What the operating system must save before these can be used; VEX-coded ones need AVX's state.
AVX = {"avx", "avx2", "fma", "f16c", "vaes", "vpclmulqdq"}


def mask(word: int, state: str) -> set[tuple[int, int]]:
    """The bits of WORD<word>_<state> in host.c."""
    found = re.search(rf"#define WORD{word}_{state}\b((?:.*\\\n)*.*)\n", HOST.read_text())
    return {(word, int(bit)) for bit in re.findall(r"1ull << ([0-9]+)", found[1])} if found else set()


@pytest.mark.parametrize(
    ("state", "names"),
    [
        ("AVX", {name for name in X86 if name in AVX or name.startswith("avx_")}),
        ("AVX512", {name for name in X86 if name.startswith(("avx512", "avx10"))}),
        ("AMX", {name for name in X86 if name.startswith("amx")}),
    ],
)
def test_what_needs_saved_registers_is_cleared_without(state: str, names: set[str]) -> None:
    cleared = {bit for word in range(4) for bit in mask(word, state)}
    assert cleared == {X86[name] for name in names}


def test_a_bit_has_one_name() -> None:
    for table in FEATURES.values():
        assert len(set(table.values())) == len(table)
        assert all(0 <= word < 4 and 0 <= bit < 64 for word, bit in table.values())


@pytest.mark.parametrize(
    ("word", "bits"), [(0, range(48)), (1, range(64)), (2, range(12))], ids=["HWCAP", "HWCAP2", "HWCAP3"]
)
def test_every_capability_of_arm_is_named(word: int, bits: range) -> None:
    assert {bit for at, bit in FEATURES["aarch64"].values() if at == word} == set(bits)


def test_every_family_of_x86_is_named() -> None:
    avx512 = "f dq cd bw vl ifma vbmi pf er _vbmi2 _vnni _bitalg _vpopcntdq _vp2intersect _bf16 _fp16 _4vnniw _4fmaps"
    amx = "tile int8 bf16 fp16 complex"
    others = "avx2 fma f16c avx_vnni avx_vnni_int8 avx_vnni_int16 avx_ifma avx_ne_convert avx10"
    names = {f"avx512{end}" for end in avx512.split()} | {f"amx_{end}" for end in amx.split()}
    assert names | set(others.split()) <= X86.keys()


def test_comparable_features_are_in_the_table() -> None:
    for arch in ("aarch64", "x86_64"):
        assert set(COMPARABLE[arch]) <= FEATURES[arch].keys()
    assert "ssbs" not in COMPARABLE["aarch64"]
