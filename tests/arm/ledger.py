"""What ran where: variant by profile, for the table and for the question what ran nowhere."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass
class Ledger:
    """{(kernel/variant, profile): what happened}; `ran` are the variants that ran somewhere."""

    cells: dict[tuple[str, str], str] = field(default_factory=dict)
    ran: set[str] = field(default_factory=set)

    def note(self, variant: str, profile: str, what: str, ran: bool = False) -> None:
        self.cells[variant, profile] = what
        if ran:
            self.ran.add(variant)

    def lines(self) -> list[str]:
        """The table, one variant a line, columns as wide as what is in them."""
        profiles = list(dict.fromkeys(profile for _, profile in self.cells))
        rows: dict[str, list[str]] = defaultdict(lambda: ["" for _ in profiles])
        for (variant, profile), what in self.cells.items():
            rows[variant][profiles.index(profile)] = what
        table = [["variant", *profiles], *([name, *cells] for name, cells in rows.items())]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]


LEDGER = Ledger()
