"""What ran where: variant by profile, for the table and for the question what ran nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Ledger:
    """{(kernel/variant, column): what happened}, a column being a profile or another build.

    `ran` are the variants that ran somewhere; `variants` and `columns` are those of a whole table.
    """

    variants: Sequence[str] = ()
    columns: Sequence[str] = ()
    cells: dict[tuple[str, str], str] = field(default_factory=dict)
    ran: set[str] = field(default_factory=set)

    def note(self, variant: str, column: str, what: str, ran: bool = False) -> None:
        self.cells[variant, column] = what
        if ran:
            self.ran.add(variant)

    def gaps(self) -> list[tuple[str, str]]:
        """The empty cells of the whole table."""
        return [(v, c) for v in self.variants for c in self.columns if not self.cells.get((v, c))]

    def rows(self) -> list[list[str]]:
        """A header and a row for each variant, of what was noted so far."""
        variants = [v for v in self.variants if any((v, c) in self.cells for c in self.columns)]
        columns = [c for c in self.columns if any((v, c) in self.cells for v in self.variants)]
        body = [[v, *(self.cells.get((v, c), "") for c in columns)] for v in variants]
        return [["variant", *columns], *body]

    def lines(self) -> list[str]:
        """The table, one variant a line, columns as wide as what is in them."""
        rows = self.rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]

    def markdown(self) -> str:
        header, *body = self.rows()
        lines = [header, ["---"] * len(header), *body]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)


LEDGER = Ledger()
