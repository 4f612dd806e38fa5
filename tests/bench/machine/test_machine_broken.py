"""Empty, binary, huge, cyclic, unreadable and absent files: an answer or None, never a traceback."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from armbench.bench import machine
from armbench.bench.machine import hostfiles
from armbench.bench.model import Machine
from tests.machines import fake_root

SPECS: dict[str, Any] = fake_root.specs()
FUZZED = (
    "gb10-x925-a725",
    "intel-sapphire-rapids-m7i.4xlarge",
    "graviton5-r9g.4xlarge-64k-pages",
    "rk3588-a55-a76",
    "altra-oracle-a1-container",
    "xgene-old-kernel",
    "s390x-z16",
)
ROUNDS = 150  # of each machine, eleven files or almost
EXTRA_FILES = {
    "proc/self/cgroup": "0::/a/b\n3:cpu,cpuacct:/c\n",
    "proc/self/mountinfo": "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
    "proc/self/status": "Cpus_allowed_list:\t0-3\n",
    "sys/fs/cgroup/cpu.max": "150000 100000\n",
    "sys/fs/cgroup/cpuset.cpus.effective": "0-3\n",
    "sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never\n",
    "proc/meminfo": "MemTotal:  1000 kB\nHugepagesize:  2048 kB\n",
    "proc/version": "Linux version 6.1 (x)\n",
    "proc/sys/kernel/arch": "aarch64",
    "sys/devices/system/cpu/modalias": "cpu:type:aarch64:feature:,0000",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "2000000",
    "sys/devices/system/cpu/cpufreq/policy0/scaling_governor": "performance",
    "sys/devices/system/node/node0/meminfo": "Node 0 MemTotal:  1000 kB",
    "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "3",
    "sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled": "always inherit madvise [never]",
    "sys/devices/virtual/dmi/id/sys_vendor": "Amazon EC2",
    "sys/devices/virtual/dmi/id/product_name": "m9g.large",
    "sys/hypervisor/type": "xen",
}
JUNK = [
    b"",
    b"\0",
    b"-1",
    b"0-",
    b"99999999999999999999",
    b"0-8191",
    b"0x",
    b"\xff\xfe\x80",
    b": : :",
    b"0" * 5000,
]
JUNK += [
    b"/" * 3000,
    b"0::/" + b"../" * 500,
    "\u0661\u0662".encode(),
    b"nan",
    b"1e9",
    b"9" * 400,
    b"\n" * 3000,
]


def test_ten_thousand_broken_files_never_raise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(20261)
    refused: set[str] = set()
    monkeypatch.setattr(hostfiles.os, "open", refusing(refused))
    broken = sum(broken_files(spec, tmp_path / name, refused, chance) for name, spec in fuzzed().items())
    assert broken >= 10_000


def fuzzed() -> dict[str, Any]:
    """Machines of every form of /proc/cpuinfo, small ones, with all kinds of files there are."""
    firmware = SPECS["graviton4-m8g.metal-24xl"]["smbios"]
    more = {"pmus": ["arm_spe_0"], "smbios": firmware}
    return {
        name: {**SPECS[name], **more, "files": {**EXTRA_FILES, **SPECS[name].get("files", {})}}
        for name in FUZZED
    }


def broken_files(spec: Any, folder: Path, refused: set[str], chance: random.Random) -> int:
    """Break ten files at a time and look at the machine; how many were broken."""
    root = fake_root.build(spec, folder)
    files = sorted(p.relative_to(root) for p in root.rglob("*") if p.is_file() and not p.is_symlink())
    general = [p for p in files if not re.search(r"/cpu\d", str(p))]  # else those of single CPUs prevail
    broken = 0
    for _ in range(ROUNDS):
        chosen = {*chance.sample(general, 5), *chance.sample(files, 6)}
        originals = {p: (root / p).read_bytes() for p in sorted(chosen)}
        for path in originals:
            damage(root / path, refused, chance)
        check(machine.detect(root))
        refused.clear()
        broken += len(originals)
        for path, content in originals.items():
            repair(root / path, content)
    return broken


def refusing(paths: set[str]) -> Callable[[str, int], int]:
    """os.open as it is for another user; root, whom tests may run as, is refused nothing."""
    granted = os.open

    def opening(path: str, flags: int) -> int:
        if path in paths:
            raise PermissionError(13, "Permission denied", path)
        return granted(path, flags)

    return opening


def damage(path: Path, refused: set[str], chance: random.Random) -> None:
    """One of the ways in which a file can be wrong."""
    content = path.read_bytes()
    way = chance.randrange(10)
    if way == 0:
        path.unlink()
    elif way == 1:
        path.unlink()
        path.symlink_to(
            chance.choice([path, "/etc/passwd", "/dev/zero", "/proc/self/mem", path.parent, "nowhere"])
        )
    elif way == 2:
        path.unlink()
        chance.choice([path.mkdir, lambda: os.mkfifo(path)])()
    elif way == 3:
        refused.add(str(path))
    elif way == 4:
        path.write_bytes(chance.randbytes(chance.randrange(300)))
    elif way == 5:
        path.write_bytes(content * chance.choice([2, 50, 400]))
    elif way == 6:
        path.write_bytes(chance.choice(JUNK))
    elif way == 7:
        os.truncate(path, chance.choice([0, len(content) // 2, 1 << 16, 1 << 40]))
    else:
        path.write_bytes(bytes(b ^ (chance.random() < 0.1) * chance.randrange(256) for b in content[:4000]))


def repair(path: Path, content: bytes) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    elif path.is_symlink() or path.exists():
        path.chmod(0o644) if not path.is_symlink() else None
        path.unlink()
    path.write_bytes(content)


def check(found: Machine) -> None:
    text = json.dumps(dataclasses.asdict(found), allow_nan=False)
    assert text.encode("ascii")
    assert found.cpus == len(fake_root.cpu_list(found.online))
    assert 0 <= found.budget.cpus <= found.cpus
    assert sum(len(fake_root.cpu_list(core.cpus)) for core in found.cores) == found.cpus
    assert len(found.comparability_key) == 16
    assert all(cache.bytes != 0 and cache.instances > 0 for cache in found.caches)


def test_a_huge_file_is_read_only_in_part(tmp_path: Path) -> None:
    root = fake_root.build(SPECS["graviton3-c7g.medium"], tmp_path)
    with (root / "sys/devices/system/cpu/online").open("wb") as file:
        file.truncate(1 << 40)
    assert machine.detect(root).cpus == 1


def test_files_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As another user sees them; root, whom tests may run as, is refused nothing."""
    root = fake_root.build({**SPECS["gb10-x925-a725"], "files": EXTRA_FILES}, tmp_path)
    files = sorted(str(path) for path in root.rglob("*") if path.is_file())
    for share in (0.1, 0.5, 1.0):
        chosen = random.Random(3).sample(files, int(share * len(files)))
        with monkeypatch.context() as patch:
            patch.setattr(hostfiles.os, "open", refusing(set(chosen)))
            found = machine.detect(root)
            check(found)
    assert found.cpus == 0
