"""What a library needs to have the same vocabulary: taken from the table that the native code reads."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from armbench.bench.model import Array
from armbench.kernels.tokenization.vocabulary.table import header

T = TypeVar("T")


def once(build: Callable[[Array], T]) -> Callable[[Array], T]:
    """`build` that makes one object for each vocabulary in a process.

    The table itself is not kept: it may lie in memory that is freed later.
    """
    made: dict[int, T] = {}

    @wraps(build)
    def get(table: Array) -> T:
        digest = header(table)["digest"]
        if digest not in made:
            made[digest] = build(table)
        return made[digest]

    return get
