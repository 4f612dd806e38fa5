"""The Unicode classes that the split patterns name, from a file that this script writes.

    pip install unicodedata2==16.0.0
    python -m armbench.kernels.tokenization.vocabulary.unicode

The data are those of the version that the regular expressions of tiktoken 0.14 know (Rust's regex
crate: Unicode 16.0), not of the running Python, so that every Python gives the same tokens.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Final

VERSION: Final = "16.0.0"
POINTS: Final = 0x110000
FILE: Final = files(__package__) / "classes.txt"

Range = tuple[int, int]  # first and last code point

# What the patterns tell apart.  Every code point is of at most one class; the rest is "other".
CATEGORIES: Final[Mapping[str, frozenset[str]]] = {
    "upper": frozenset({"Lu", "Lt"}),
    "lower": frozenset({"Ll"}),
    "letter": frozenset({"Lm", "Lo"}),  # neither upper nor lower
    "mark": frozenset({"Mn", "Mc", "Me"}),
    "number": frozenset({"Nd", "Nl", "No"}),
}
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


def ranges_of(category: Callable[[str], str], wanted: frozenset[str]) -> Iterator[Range]:
    """The ranges of code points whose category is wanted."""
    first: int | None = None
    for point in range(POINTS + 1):
        inside = point < POINTS and category(chr(point)) in wanted
        if inside and first is None:
            first = point
        elif not inside and first is not None:
            yield first, point - 1
            first = None


def render(category: Callable[[str], str]) -> str:
    """The text of the file: a heading, then a paragraph for each class."""
    script = "python -m armbench.kernels.tokenization.vocabulary.unicode"
    paragraphs = [f"# Unicode {VERSION}, written by {script}"]
    for name, wanted in CATEGORIES.items():
        words = (f"{a:x}-{b:x}" if a < b else f"{a:x}" for a, b in ranges_of(category, wanted))
        lines = textwrap.wrap(" ".join(words), 108, break_on_hyphens=False)
        paragraphs.append(f"{name}:\n" + "\n".join(f" {line}" for line in lines))
    return "\n\n".join(paragraphs) + "\n"


def main() -> int:
    try:
        unicodedata2 = import_module("unicodedata2")
    except ImportError:
        print(f"pip install unicodedata2=={VERSION}", file=sys.stderr)
        return 1
    if unicodedata2.unidata_version != VERSION:
        print(f"unicodedata2 is of Unicode {unicodedata2.unidata_version}, not {VERSION}", file=sys.stderr)
        return 1
    Path(str(FILE)).write_text(render(unicodedata2.category), "ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
