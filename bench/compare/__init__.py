"""Result files against one another: how alike their machines are, and a verdict for each trial."""

from armbench.bench.compare.comparison import (
    Comparison,
    Side,
    compare,
    exit_code,
    gated,
    overall,
    verdict_line,
)

__all__ = ["Comparison", "Side", "compare", "exit_code", "gated", "overall", "verdict_line"]
