"""The lab says what it lacks: skipped aloud by default, failed where it is required."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.arm import lab
from tests.arm.ledger import Ledger


def run_without_qemu(**environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "ARMBENCH_ARM_LAB"}
    command = [sys.executable, "-m", "pytest", "-q", "-rs", str(lab.HERE), "-k", "claims_to_be"]
    nowhere = {"PATH": "/nowhere"} | environment
    return subprocess.run(
        command, cwd=lab.ROOT, env=kept | nowhere, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("setting", "code", "said"), [({}, 0, "SKIPPED"), ({"ARMBENCH_ARM_LAB": "required"}, 1, "ERROR")]
)
def test_without_qemu(setting: dict[str, str], code: int, said: str) -> None:
    done = run_without_qemu(**setting)
    assert done.returncode == code, done.stdout
    assert said in done.stdout
    assert "apt install qemu-user-static" in done.stdout


def test_a_dead_process_is_told_with_its_last_words() -> None:
    emulated = lab.Emulated(lab.profiles()[0])
    try:
        with pytest.raises(lab.LabError, match="no such variant"):
            emulated.call(10_000, (), (), lab.AT_END, backward=False)
    finally:
        emulated.close()


def test_what_the_build_of_gcc_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    emulator = tmp_path / lab.EMULATORS[0]
    emulator.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert lab.missing() is None
    assert lab.missing("aarch64-gcc") == "the Arm lab needs: apt install gcc-aarch64-linux-gnu"


def test_the_table_tells_its_gaps() -> None:
    ledger = Ledger(["m/neon", "m/sve"], ["graviton1", "a64fx"])
    assert ledger.lines() == ["variant"]
    ledger.note("m/sve", "graviton1", "refused: CPU lacks sve")
    ledger.note("m/sve", "a64fx", "right on all 9", ran=True)
    assert ledger.rows()[1:] == [["m/sve", "refused: CPU lacks sve", "right on all 9"]]
    assert ledger.gaps() == [("m/neon", "graviton1"), ("m/neon", "a64fx")]
    ledger.note("m/neon", "graviton1", "FAILED")
    ledger.note("m/neon", "a64fx", "right on 2", ran=True)
    assert not ledger.gaps()
    assert ledger.markdown().splitlines() == [
        "| variant | graviton1 | a64fx |",
        "| --- | --- | --- |",
        "| m/neon | FAILED | right on 2 |",
        "| m/sve | refused: CPU lacks sve | right on all 9 |",
    ]
    assert ledger.ran == {"m/neon", "m/sve"}
