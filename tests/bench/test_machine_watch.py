"""What else ran on this machine, and the pages behind memory."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from armbench.bench import machine

STAT = "cpu  1 2 3 4 5 6 7 80 9 0\ncpu0 1 2 3 4 5 6 7 30 9 0\ncpu1 1 2 3 4 5 6 7 50 9 0\nintr 5\n"


def test_watch_reads_steal_and_load(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/stat").write_text(STAT)
    (tmp_path / "proc/loadavg").write_text("0.25 0.17 0.12 1/94 8892\n")
    seen = machine.watch(root=tmp_path)
    assert (seen.steal_ticks, seen.all_ticks, seen.load_average) == (80, 108, 0.25)
    assert machine.watch([1], tmp_path).steal_ticks == 50
    assert machine.watch([0, 1], tmp_path).all_ticks == 136
    assert machine.watch([0, 7], tmp_path).steal_ticks is None
    assert seen.steal_since(seen) == machine.Steal(0, None)
    (tmp_path / "proc/stat").write_text(STAT.replace("cpu  1 2 3 4", "cpu  1 2 3 19").replace("80", "85"))
    assert machine.watch(root=tmp_path).steal_since(seen) == machine.Steal(5, 0.25)


@pytest.mark.parametrize("text", ["", "cpu 1 2 3\n", "cpu 1 2 3 4 5 6 7 x\n", "cpu\n"])
def test_a_kernel_that_tells_no_steal(text: str, tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/stat").write_text(text)
    now = machine.watch(root=tmp_path)
    assert (now.steal_ticks, now.load_average) == (None, None)
    assert now.steal_since(now) == machine.Steal(None, None)


def test_watch_counts_this_process() -> None:
    before = machine.watch()
    for _ in range(50):
        os.waitpid(os.posix_spawn("/bin/true", ["true"], os.environ), 0)
    assert machine.watch().voluntary_switches > before.voluntary_switches


def test_boot_id() -> None:
    assert machine.boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


SMAPS = """\
7f0000000000-7f0000400000 rw-p 00000000 00:00 0
Size:               4096 kB
KernelPageSize:        4 kB
Rss:                4096 kB
AnonHugePages:      {huge} kB
7f0000400000-7f0000600000 rw-p 00000000 00:00 0
Size:               2048 kB
KernelPageSize:     2048 kB
Rss:                   0 kB
AnonHugePages:         0 kB
"""


@pytest.mark.parametrize(
    ("address", "size", "huge", "pages"),
    [
        (0x7F0000000000, 4 << 20, 0, 4096),
        (0x7F0000001000, 4096, 1024, 4096),
        (0x7F0000001000, 4096, 4096, 2 << 20),
        (0x7F0000000000, 4 << 20, 2048, 2 << 20),
        (0x7F0000400000, 4096, 0, 2 << 20),
        (0x7F0000600000, 4096, 0, None),
        (0x1000, 4096, 0, None),
    ],
)
def test_page_size_behind_an_address(address: int, size: int, huge: int, pages: int | None) -> None:
    text = SMAPS.format(huge=huge).splitlines(keepends=True)
    assert machine.backing_page_bytes(text, address, size) == pages


def test_page_size_of_memory_of_ours() -> None:
    array = np.ones(1 << 20)
    found = machine.page_bytes_at(array.ctypes.data, array.nbytes)
    assert found is not None and found >= os.sysconf("SC_PAGE_SIZE") and found & (found - 1) == 0
    assert machine.page_bytes_at(0, 1) is None
