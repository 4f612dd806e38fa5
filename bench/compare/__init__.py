"""Result files against one another: how alike their machines are, and a verdict for each trial."""

from armbench.bench.compare.comparison import (
    Comparison,
    Side,
    compare,
    compare_sides,
    exit_code,
    gated,
    overall,
    verdict_line,
)
from armbench.bench.compare.paired import has_sides

__all__ = [
    "Comparison",
    "Side",
    "compare",
    "compare_sides",
    "exit_code",
    "gated",
    "has_sides",
    "overall",
    "verdict_line",
]
