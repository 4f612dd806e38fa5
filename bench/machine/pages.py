"""Memory and its pages: meminfo, the page size, huge pages of every size."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from armbench.bench.machine.hostfiles import THP, HostFiles
from armbench.bench.model import HugePages

POOLS = "sys/kernel/mm/hugepages"
_PAGE_OF_HUGE_PAGE = {2 << 20: 4 << 10, 32 << 20: 16 << 10, 512 << 20: 64 << 10}
_FOLDER = r"hugepages-([0-9]{1,9})kB"
_SMALLEST_TRANSPARENT = 4  # pages: order 2, in every kernel that has sizes of them


def meminfo(files: HostFiles, name: str = "proc/meminfo") -> Mapping[str, int]:
    """{field: bytes} of a meminfo file, the machine's or a node's."""
    lines = re.findall(
        r"^(?:Node +[0-9]+ +)?(\w+): +([0-9]{1,15}) kB$", files.text(name) or "", re.MULTILINE | re.ASCII
    )
    return {field: int(kilobytes) << 10 for field, kilobytes in lines}


def page_bytes(files: HostFiles) -> int | None:
    """Below another root by the size of its huge pages, which follows from it."""
    if files.live:
        return os.sysconf("SC_PAGE_SIZE")
    default = meminfo(files).get("Hugepagesize")
    for huge in (files.integer(f"{THP}/hpage_pmd_size"), default):
        if page := _PAGE_OF_HUGE_PAGE.get(huge or 0):
            return page
    transparent = _sizes(files, THP)
    page = min(transparent) // _SMALLEST_TRANSPARENT if transparent else 0
    return page if page in _PAGE_OF_HUGE_PAGE.values() else None


def transparent_mode(files: HostFiles) -> str | None:
    """The mode of transparent huge pages: always, madvise or never."""
    return _chosen(files, f"{THP}/enabled")


def huge_pages(files: HostFiles) -> tuple[HugePages, ...]:
    """Every size that the kernel offers, transparent or reserved, the smallest first."""
    transparent, pools = _sizes(files, THP), _sizes(files, POOLS)
    return tuple(
        HugePages(
            size,
            _chosen(files, f"{THP}/{transparent[size]}/enabled") if size in transparent else None,
            files.integer(f"{POOLS}/{pools[size]}/nr_hugepages") if size in pools else None,
            files.integer(f"{POOLS}/{pools[size]}/free_hugepages") if size in pools else None,
        )
        for size in sorted({*transparent, *pools})
    )


def _sizes(files: HostFiles, folder: str) -> dict[int, str]:
    """{bytes: name} of the folders that sizes of huge pages have."""
    found = ((re.fullmatch(_FOLDER, name, re.ASCII), name) for name in files.names(folder))
    return {int(match[1]) << 10: name for match, name in found if match and int(match[1])}


def _chosen(files: HostFiles, name: str) -> str | None:
    """What stands in brackets."""
    match = re.search(r"\[(\w{1,16})\]", files.line(name) or "", re.ASCII)
    return match[1] if match else None
