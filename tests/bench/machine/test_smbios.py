"""The firmware's tables: what is in them, and any bytes at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armbench.bench.machine import smbios
from armbench.bench.machine.hostfiles import HostFiles
from armbench.bench.model import Smbios
from tests.machines.fake_root import smbios_tables

FULL = Smbios("AWS Graviton4", 2.8e9, 2.8e9, "DDR5", 5_600_000_000)
TABLES = smbios_tables("AWS Graviton4", 2.8e9, 2.8e9, "DDR5", 5_600_000_000)
MEGAHERTZ = st.integers(1, 20_000).map(lambda mhz: mhz * 1e6)


@given(
    st.none() | st.from_regex(r"[A-Z][A-Za-z0-9()]{0,30}( [A-Za-z0-9()]{1,9}){0,2}", fullmatch=True),
    st.none() | MEGAHERTZ,
    st.none() | MEGAHERTZ,
    st.sampled_from(["DDR4", "DDR5", "LPDDR5"]),
    st.integers(1, 20_000).map(lambda mega: mega * 1_000_000),
)
def test_round_trip(
    name: str | None, clock: float | None, most: float | None, memory: str, rate: int
) -> None:
    assert smbios.parse(smbios_tables(name, clock, most, memory, rate)) == Smbios(
        name, clock, most, memory, rate
    )


@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    found = smbios.parse(data)
    assert found is None or isinstance(found, Smbios)


@given(st.integers(0, len(TABLES)), st.binary(max_size=4))
def test_tables_that_end_early_or_are_torn(at: int, junk: bytes) -> None:
    for data in (TABLES[:at], TABLES[:at] + junk + TABLES[at + len(junk) :]):
        found = smbios.parse(data)
        assert found is None or found.processor is None or found.processor.isprintable()


def test_speeds_that_qemu_invents_are_none() -> None:
    assert smbios.parse(smbios_tables("virt-rhel7.6.0", 2e9, 2e9, None, None)) == Smbios(
        "virt-rhel7.6.0", None, None, None, None
    )
    told = smbios.parse(smbios_tables("virt-rhel7.6.0", 3e9, 3e9, None, None))
    assert told is not None and told.clock_hz == 3e9


@pytest.mark.parametrize("name", ["", "  CPU @ 0.0GHz", "A\x01B"])
def test_names_are_tidied(name: str) -> None:
    found = smbios.parse(smbios_tables(name or None, 1e9, 1e9, "DDR4", 1_000_000))
    wanted = {"": None, "  CPU @ 0.0GHz": "CPU @ 0.0GHz", "A\x01B": "AB"}
    assert found is not None and found.processor == wanted[name]


def test_tables_of_a_root(tmp_path: Path) -> None:
    files = HostFiles(tmp_path)
    assert smbios.read(files) is None
    (tmp_path / "sys/firmware/dmi/tables").mkdir(parents=True)
    (tmp_path / smbios.TABLES).write_bytes(TABLES)
    assert smbios.read(HostFiles(tmp_path)) == FULL
