"""Names of types that are no classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:  # numpy takes longer to load than everything else, and half of the verbs need none
    Array = Any

Param = int | float | str | bool | None
Pairs = Literal["distances", "all"]  # of CPUs: one of each distance, or every two
Tier = Literal["core", "full", "named"]  # named: only when a selector names the case
Severity = Literal["wrong numbers", "slow", "note"]
Ticks = tuple[tuple[int, ...], ...]  # [sample][thread]
Json = Any  # what json.loads returns
