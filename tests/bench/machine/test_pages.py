"""Page sizes and huge pages below a root."""

from __future__ import annotations

from pathlib import Path

import pytest

from armbench.bench.machine import pages
from armbench.bench.machine.hostfiles import HostFiles
from armbench.bench.model import HugePages

THP = "sys/kernel/mm/transparent_hugepage"
POOLS = "sys/kernel/mm/hugepages"


def host(tmp_path: Path, files: dict[str, str]) -> HostFiles:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return HostFiles(tmp_path)


@pytest.mark.parametrize(
    ("files", "size"),
    [
        ({f"{THP}/hpage_pmd_size": "2097152\n"}, 4096),
        ({f"{THP}/hpage_pmd_size": "536870912\n"}, 65536),
        ({f"{THP}/hpage_pmd_size": "33554432\n", "proc/meminfo": "Hugepagesize:  2048 kB"}, 16384),
        ({"proc/meminfo": "MemTotal:  1 kB\nHugepagesize:  524288 kB\n"}, 65536),
        # a kernel whose default size was set to 1 GB still shows its sizes of transparent ones
        (
            {"proc/meminfo": "Hugepagesize: 1048576 kB", f"{THP}/hugepages-16kB/enabled": "always [never]"},
            4096,
        ),
        ({f"{THP}/hugepages-256kB/enabled": "x", f"{THP}/hugepages-512kB/enabled": "x"}, 65536),
        ({f"{THP}/hugepages-24kB/enabled": "x"}, None),
        ({"proc/meminfo": "Hugepagesize: 1048576 kB"}, None),
        ({}, None),
    ],
)
def test_the_page_size_follows_from_huge_ones(
    tmp_path: Path, files: dict[str, str], size: int | None
) -> None:
    assert pages.page_bytes(host(tmp_path, files)) == size


def test_every_size_with_its_mode_and_pool(tmp_path: Path) -> None:
    files = {
        f"{THP}/enabled": "always [madvise] never",
        f"{THP}/hugepages-64kB/enabled": "[always] inherit madvise never",
        f"{THP}/hugepages-2048kB/enabled": "always [inherit] madvise never",
        f"{POOLS}/hugepages-2048kB/nr_hugepages": "512",
        f"{POOLS}/hugepages-2048kB/free_hugepages": "100",
        f"{POOLS}/hugepages-1048576kB/nr_hugepages": "0",
        f"{POOLS}/hugepages-0kB/nr_hugepages": "1",
        f"{POOLS}/hugepages-xkB/nr_hugepages": "1",
        f"{POOLS}/README": "",
    }
    found = host(tmp_path, files)
    assert pages.transparent_mode(found) == "madvise"
    assert pages.huge_pages(found) == (
        HugePages(64 << 10, "always", None, None),
        HugePages(2 << 20, "inherit", 512, 100),
        HugePages(1 << 30, None, 0, None),
    )
