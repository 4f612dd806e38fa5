"""Atomic instructions in ELF files made up here, and in this machine's own C library on Arm."""

from __future__ import annotations

import platform
import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armbench.bench.machine.software.atomics import Atomics, atomics, atomics_of_this_process

# As GNU as encodes them.
LDXR_W0_X1, LDAXR_X0_X1, STXR_W2_W0_X1 = 0x885F7C20, 0xC85FFC20, 0x88027C20
CAS_W0_W1_X2, CASAL_X0_X1_X2, LDADD_W0_W1_X2, LDADDAL_X0_X1_X2 = (
    0x88A07C41,
    0xC8E0FC41,
    0xB8200041,
    0xF8E00041,
)
NOP, LDR_X0_X1, LDRB_W0_X1_X2 = 0xD503201F, 0xF9400020, 0x38626820


def elf(code: list[int], machine: int = 183, data: list[int] | None = None) -> bytes:
    """A file with one segment of code and one of data."""
    text = b"".join(struct.pack("<I", word) for word in code)
    rest = b"".join(struct.pack("<I", word) for word in data or [])
    header = b"\x7fELF\2\1\1" + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    start = 64 + 2 * 56
    segments = struct.pack("<IIQQQQQQ", 1, 5, start, 0, 0, len(text), len(text), 4)
    segments += struct.pack("<IIQQQQQQ", 1, 6, start + len(text), 0, 0, len(rest), len(rest), 4)
    return header + segments + text + rest


@pytest.mark.parametrize(
    ("code", "counts"),
    [
        ([LDXR_W0_X1, STXR_W2_W0_X1, LDAXR_X0_X1], Atomics(2, 0)),
        ([CAS_W0_W1_X2, CASAL_X0_X1_X2, LDADD_W0_W1_X2, LDADDAL_X0_X1_X2], Atomics(0, 4)),
        ([NOP, LDR_X0_X1, LDRB_W0_X1_X2], Atomics(0, 0)),
        ([LDXR_W0_X1, CASAL_X0_X1_X2], Atomics(1, 1)),
        ([], Atomics(0, 0)),
    ],
)
def test_instructions_are_counted(tmp_path: Path, code: list[int], counts: Atomics) -> None:
    path = tmp_path / "lib.so"
    path.write_bytes(elf(code, data=[LDXR_W0_X1]))
    assert atomics(path) == counts
    assert counts.lacks_lse == (counts == Atomics(2, 0))


def test_other_files_have_none(tmp_path: Path) -> None:
    path = tmp_path / "lib.so"
    path.write_bytes(elf([LDXR_W0_X1], machine=62))  # x86-64
    assert atomics(path) is None
    path.write_text("INPUT(libc.so.6)")
    assert atomics(path) is None
    assert atomics(tmp_path / "absent.so") is None


@given(st.integers(0, 300), st.binary(max_size=8))
def test_damaged_files_are_no_error(cut: int, noise: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "lib.so")
        path.write_bytes(elf([LDXR_W0_X1, CAS_W0_W1_X2])[:cut] + noise)
        found = atomics(path)
    assert found is None or found.exclusive <= 4


def test_other_libraries_of_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "libgomp.so.1"
    path.write_bytes(elf([LDXR_W0_X1]))
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert atomics_of_this_process([path, tmp_path / "absent.so"])["libgomp.so.1"] == Atomics(1, 0)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert atomics_of_this_process([path]) == {}


def test_this_process() -> None:
    found = atomics_of_this_process()
    if platform.machine() != "aarch64":
        assert found == {}
    else:
        assert any(name.startswith("libc") for name in found)
