"""The lab says what it lacks: skipped aloud by default, failed where it is required."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.arm import lab


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
