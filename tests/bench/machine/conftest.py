"""Folders for the files of whole machines: thousands, so in memory where there is room for them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

MEMORY = Path("/dev/shm")
ROOM_BYTES = 128 << 20  # a file takes a page


def scratch_folder() -> Path | None:
    """A file system in memory with enough room, None where there is none."""
    usable = MEMORY.is_dir() and os.access(MEMORY, os.W_OK)
    return MEMORY if usable and shutil.disk_usage(MEMORY).free >= ROOM_BYTES else None


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """As pytest's own, but gone after the test."""
    with TemporaryDirectory(
        prefix="armbench-test-", dir=scratch_folder(), ignore_cleanup_errors=True
    ) as folder:
        yield Path(os.path.realpath(folder))
