"""The machine in a result file: every field by the schema, and files of versions that had fewer."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from armbench.bench import codec, machine, results
from armbench.bench.model import HugePages, Machine, Metadata, Perf, PerfEvent, Smbios, Timer
from tests.bench.sessions import GRAVITON4, result, session

FULL = replace(
    GRAVITON4,
    cores=tuple(replace(core, clock_hz=2.8e9) for core in GRAVITON4.cores),
    offline="4-7",
    allowed="0-3",
    clusters=("0-1", "2-3"),
    huge_page_sizes=(HugePages(2 << 20, "inherit", 512, 10), HugePages(1 << 30, None, None, None)),
    nominal_clock_hz=2.8e9,
    nominal_clock_source="SMBIOS",
    smbios=Smbios("AWS Graviton4", 2.8e9, None, "DDR5", 5_600_000_000),
    metadata=Metadata("c8g.xlarge", "us-east-1", None, "spot", False),
    pmus=("armv8_pmuv3_0",),
    timer=Timer("cntvct_el0", 1.0, 27.5, None),
    perf=Perf(-1, 6, (PerfEvent("cycles", None), PerfEvent("branches", "none"))),
)
ADDED = [field.name for field in fields(Machine)][-11:]


def written(found: Machine, tmp_path: Path) -> Path:
    path = tmp_path / "r.json"
    results.write(session([result()], found), path)
    return path


@pytest.mark.parametrize("found", [FULL, GRAVITON4, machine.detect(clock=True)], ids=["full", "bare", "here"])
def test_a_machine_is_valid_and_comes_back(found: Machine, tmp_path: Path) -> None:
    path = written(found, tmp_path)
    assert results.validate(path) == []
    assert results.read(path).machine == found
    assert codec.decode(Machine, json.loads(json.dumps(codec.encode(found)))) == found


def test_files_of_versions_that_had_fewer_fields_are_read(tmp_path: Path) -> None:
    path = written(GRAVITON4, tmp_path)
    document = json.loads(path.read_text())
    assert ADDED[0] == "offline" and ADDED[-1] == "perf"
    for name in ADDED:
        del document["machine"][name]
    for core in document["machine"]["cores"]:
        del core["clock_hz"]
    path.write_text(json.dumps(document))
    assert results.validate(path) == []
    assert results.read(path).machine == GRAVITON4


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("huge_pages", HugePages),
        ("smbios", Smbios),
        ("metadata", Metadata),
        ("timer", Timer),
        ("perf", Perf),
    ],
)
def test_the_schema_names_the_fields(name: str, kind: type) -> None:
    described = results.schema()["$defs"][name]
    assert list(described["properties"]) == described["required"] == [f.name for f in fields(kind)]
