"""The firmware's tables (SMBIOS): what they say of processor and memory.

Structures and offsets are those of DMTF DSP0134, types 4 (processor) and 17 (memory device).
Only root may read the tables of a running host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from armbench.bench.machine.hostfiles import HostFiles
from armbench.bench.model import Smbios

TABLES = "sys/firmware/dmi/tables/DMI"
_LIMIT = 1 << 20
_PROCESSOR, _MEMORY, _END = 4, 17, 127
_HEADER_BYTES = 4
_LARGE = 0xFFFF  # the speed is in a wider field
_FASTEST_MHZ = 20_000
_MEMORY_TYPES = {
    0x18: "DDR3",
    0x1A: "DDR4",
    0x1E: "LPDDR4",
    0x20: "HBM",
    0x21: "HBM2",
    0x22: "DDR5",
    0x23: "LPDDR5",
    0x24: "HBM3",
}
# QEMU's own names and the 2000 MHz that it invents (hw/smbios/smbios.c)
_QEMU_NAMES, _QEMU_MHZ = r"(virt|pc|q35)\b.*", 2000


@dataclass(frozen=True, slots=True)
class _Structure:
    """One structure of the tables: its fixed part, header included, and its strings."""

    kind: int
    body: bytes
    strings: tuple[bytes, ...]

    def number(self, offset: int, size: int) -> int:
        """A little-endian field; 0, which means unknown, beyond the end."""
        field = self.body[offset : offset + size]
        return int.from_bytes(field, "little") if len(field) == size else 0

    def string(self, offset: int) -> str | None:
        index = self.number(offset, 1)
        if not 1 <= index <= len(self.strings):
            return None
        text = self.strings[index - 1].decode("latin-1")[:80]
        return " ".join("".join(c for c in text if c.isprintable()).split()) or None


def read(files: HostFiles) -> Smbios | None:
    """None where the tables are absent, unreadable or silent of both."""
    data = files.data(TABLES, _LIMIT)
    return parse(data) if data else None


def parse(data: bytes) -> Smbios | None:
    structures = list(_structures(data))
    cpu = next((s for s in structures if s.kind == _PROCESSOR), None)
    modules = [s for s in structures if s.kind == _MEMORY and s.number(0x0C, 2)]
    if cpu is None and not modules:
        return None
    name = cpu.string(0x10) if cpu else None
    most, now = (_mhz(cpu.number(at, 2)) if cpu else None for at in (0x14, 0x16))
    if re.fullmatch(_QEMU_NAMES, name or "") and now == most == _QEMU_MHZ:
        most = now = None
    module = modules[0] if modules else None
    return Smbios(
        processor=name,
        clock_hz=now and now * 1e6,
        max_clock_hz=most and most * 1e6,
        memory=_MEMORY_TYPES.get(module.number(0x12, 1)) if module else None,
        memory_transfers_per_s=_transfers(module) if module else None,
    )


def _structures(data: bytes) -> Iterator[_Structure]:
    """Until the end marker, the end of the data or the first structure that makes no sense."""
    at = 0
    while at + _HEADER_BYTES <= len(data):
        kind, length = data[at], data[at + 1]
        end = data.find(b"\0\0", at + length)
        if length < _HEADER_BYTES or end < 0:
            return
        yield _Structure(kind, data[at : at + length], tuple(data[at + length : end].split(b"\0")))
        if kind == _END:
            return
        at = end + 2


def _mhz(value: int) -> int | None:
    return value if 0 < value <= _FASTEST_MHZ else None


def _transfers(module: _Structure) -> int | None:
    """As configured, else as built; newer tables have 32 bits for what exceeds 16."""
    for narrow, wide in ((0x20, 0x58), (0x15, 0x54)):
        speed = module.number(narrow, 2)
        speed = module.number(wide, 4) if speed == _LARGE else speed
        if known := _mhz(speed):
            return known * 1_000_000
    return None
