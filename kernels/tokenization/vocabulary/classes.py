"""The Unicode classes that the split patterns name, read from classes.txt, which unicode.py writes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

POINTS: Final = 0x110000
FILE: Final = files(__package__) / "classes.txt"

Range = tuple[int, int]  # first and last code point

# The property White_Space, which no Python module gives; str.isspace() has four more.
SPACES: Final[tuple[Range, ...]] = (
    (0x09, 0x0D),
    (0x20, 0x20),
    (0x85, 0x85),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
)


@cache
def classes() -> Mapping[str, tuple[Range, ...]]:
    """{class: ranges of its code points, ascending and apart}, "space" among them."""
    found: dict[str, tuple[Range, ...]] = {"space": SPACES}
    for paragraph in FILE.read_text("ascii").split("\n\n")[1:]:
        name, _, ranges = paragraph.partition(":")
        found[name] = tuple(_parse(word) for word in ranges.split())
    return found


def _parse(word: str) -> Range:
    first, _, last = word.partition("-")
    return int(first, 16), int(last or first, 16)
