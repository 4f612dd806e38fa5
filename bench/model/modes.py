"""How the threads of a trial share its work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Mode = Literal["throughput", "parallel", "split"]
SideName = Literal["a", "b"]  # of `armbench ab`
SIDES: tuple[SideName, SideName] = ("a", "b")


def calls_at_once(mode: Mode, threads: int, instances: int | None) -> int:
    """How many calls run at a time, each on an equal share of the threads."""
    return {"throughput": threads, "parallel": 1, "split": instances or 1}[mode]


def place_key(mode: Mode | None, cpus: Sequence[int], instances: int | None) -> str:
    """A placement in the key of a trial: "parallel/0,1", "split:2/0,1"."""
    return f"{mode}{f':{instances}' if instances else ''}/{','.join(map(str, cpus))}"
