"""`armbench machine` for people, in 80 columns."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from armbench.bench import cli, machine
from armbench.bench.model import Machine, Metadata, Perf, PerfEvent, Smbios, Timer
from armbench.bench.report.machine import machine_lines
from tests.bench import golden
from tests.machines import fake_root

NONE = "the CPU, or the virtual machine, does not offer it"
MEASURED = {
    "clock_hz": 2.5978e9,
    "clock_source": "dependent adds",
    "smbios": Smbios("AWS Graviton3E", 2.6e9, 2.6e9, "DDR5", 4_800_000_000),
    "metadata": Metadata("hpc7g.4xlarge", "eu-central-1", "eu-central-1b", "on-demand", True),
    "nominal_clock_source": "SMBIOS",
    "timer": Timer("cntvct_el0", 1e9 / 1.05e9, 27.4, 1_050_000_120.0),
    "perf": Perf(
        2, 6, (PerfEvent("cycles", None), PerfEvent("instructions", None), PerfEvent("branches", NONE))
    ),
    "pmus": ("arm_cmn_0", *(f"arm_dsu_{n}" for n in range(48)), "arm_spe_0", "armv8_pmuv3_0"),
}


def text(found: Machine, width: int = 80) -> str:
    return "".join(f"{''.join(part for part, _ in line)}\n" for line in machine_lines(found, width))


def detected(name: str, tmp_path: Path) -> Machine:
    """Without the variants it could run, of which others will come."""
    return replace(machine.detect(fake_root.build(fake_root.specs()[name], tmp_path)), isa=("neon", "sve"))


@pytest.mark.parametrize("name", ["graviton5-r9g.4xlarge-64k-pages", "rk3588-a55-a76"])
def test_a_machine(name: str, tmp_path: Path) -> None:
    golden.check(f"machine-{name}-80.txt", text(detected(name, tmp_path)))


def test_a_measured_machine(tmp_path: Path) -> None:
    found = replace(detected("graviton3e-hpc7g.4xlarge", tmp_path), **MEASURED)
    golden.check("machine-measured-80.txt", text(found))


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize(
    "name", ["xgene-old-kernel", "gb10-x925-a725", "s390x-z16", "altra-oracle-a1-container"]
)
def test_no_line_is_too_wide_or_ends_in_space(name: str, width: int, tmp_path: Path) -> None:
    lines = text(detected(name, tmp_path), width).splitlines()
    assert all(len(line) <= width and line == line.rstrip() for line in lines[1:])


def test_nothing_known_is_told_in_few_words(tmp_path: Path) -> None:
    lines = text(machine.detect(tmp_path)).splitlines()
    assert len(lines) < 12 and not any("None" in line or "null" in line for line in lines)


def test_the_command_prints_it(tmp_path: Path) -> None:
    root = fake_root.build(fake_root.specs()["graviton3-c7g.medium"], tmp_path)
    out = io.StringIO()
    assert cli.run(["machine", "--root", str(root)], out, io.StringIO()) == cli.OK
    assert out.getvalue().startswith("AWS Graviton3 (c7g.medium), 1 x Neoverse V1, 2.600 GHz\n")


SLOW = {"numpy", "psutil", "rich", "jsonschema", "socket", "tempfile", "platform", "subprocess", "difflib"}


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_what_a_machine_is_can_be_told_without_what_is_slow_to_load(
    options: list[str], tmp_path: Path
) -> None:
    root = fake_root.build(fake_root.specs()["graviton3-c7g.medium"], tmp_path)
    unneeded = SLOW | {f"armbench.bench.model.{module}" for module in ("work", "results")}
    code = (
        "import io, sys; from armbench.bench import cli\n"
        f"assert cli.run(['machine', '--root', {str(root)!r}, *{options}], io.StringIO(), io.StringIO()) == 0\n"
        f"print(*sorted({unneeded} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
