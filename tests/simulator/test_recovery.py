"""A few of the sessions of tests/comparisons/scaling_recovery.py: what was given is found again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.simulator.physics import Chip
from tests.simulator.recovery import BEHAVIOURS, NODE_BYTES_PER_SECOND, checks

Chips = Callable[..., Chip]

SEEDS = 3


@pytest.mark.parametrize("name", NODE_BYTES_PER_SECOND)
def test_what_was_given_is_found_within_its_intervals(name: str, chip: Chips, tmp_path: Path) -> None:
    made = chip(name, NODE_BYTES_PER_SECOND[name])
    every = [check for seed in range(SEEDS) for check in checks(made, tmp_path / f"{seed}.json", seed)]
    whole = [check.found for check in every if check.what == "all of these"]
    assert len(whole) == SEEDS * len(BEHAVIOURS)
    assert sum(whole) >= 0.9 * len(whole), [check for check in every if not check.found]
    assert all(check.found for check in every if check.what == "no best N")
