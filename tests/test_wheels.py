"""Both wheels from one machine: tag, architecture, glibc floor and contents."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import REPO, clean_environment

MACHINES = {"aarch64": 183, "x86_64": 62}  # e_machine of ELF
LIBRARY = "armbench/kernels/native/libarmbench.so"
NEEDED = (
    "armbench/results/armbench-1.schema.json",
    "armbench/kernels/native/isa.json",
    "armbench/bench/facts/cores.json",
    "armbench/kernels/tokenization/vocabulary/builtin.tiktoken",
    "armbench/kernels/matmul/neon.c",
)


@pytest.mark.parametrize("arch", MACHINES)
def test_wheel(arch: str, tmp_path: Path) -> None:
    environment = clean_environment(_PYTHON_HOST_PLATFORM=f"manylinux_2_28-{arch}")
    environment.pop("CC", None)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        tmp_path,
        ".",
    ]
    subprocess.run(
        [*command, "-C", f"build-dir={tmp_path / 'build'}"],
        cwd=REPO, env=environment, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith(f"-py3-none-manylinux_2_28_{arch}.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        library = archive.read(LIBRARY)
    assert set(NEEDED) <= names
    assert not [name for name in names if name.startswith("armbench/results/") and name not in NEEDED]
    assert struct.unpack_from("<H", library, 18)[0] == MACHINES[arch]
    versions = {tuple(map(int, v.split(b"."))) for v in re.findall(rb"GLIBC_(\d+\.\d+)", library)}
    assert versions and max(versions) <= (2, 28)
