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
from armbench.bench.compare.crosstab import crosstab
from armbench.bench.compare.noise import files_beside
from armbench.bench.compare.paired import has_sides
from armbench.bench.compare.pooling import pooled
from armbench.bench.compare.reading import from_bytes

__all__ = [
    "Comparison",
    "Side",
    "compare",
    "compare_sides",
    "crosstab",
    "exit_code",
    "files_beside",
    "from_bytes",
    "gated",
    "has_sides",
    "overall",
    "pooled",
    "verdict_line",
]
