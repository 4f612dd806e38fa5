from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.simulator.physics import Chip
from tests.simulator.session import chip_of


@pytest.fixture(scope="session")
def chip(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Chip]:
    """chip(name, node_bytes_per_second): a machine of tests/machines, its files written once."""
    folder: Path = tmp_path_factory.mktemp("machines")

    def make(name: str, node_bytes_per_second: float = float("inf")) -> Chip:
        return chip_of(name, folder, node_bytes_per_second)

    return make
