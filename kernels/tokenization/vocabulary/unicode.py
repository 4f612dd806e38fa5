"""Write classes.txt, the Unicode classes that the split patterns name.

    pip install unicodedata2==16.0.0
    python -m armbench.kernels.tokenization.vocabulary.unicode

The data are those of the version that the regular expressions of tiktoken 0.14 know (Rust's regex
crate: Unicode 16.0), not of the running Python, so that every Python gives the same tokens.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

from armbench.kernels.tokenization.vocabulary.classes import FILE, POINTS, Range

VERSION: Final = "16.0.0"

# What the patterns tell apart.  Every code point is of at most one class; the rest is "other".
CATEGORIES: Final[Mapping[str, frozenset[str]]] = {
    "upper": frozenset({"Lu", "Lt"}),
    "lower": frozenset({"Ll"}),
    "letter": frozenset({"Lm", "Lo"}),  # neither upper nor lower
    "mark": frozenset({"Mn", "Mc", "Me"}),
    "number": frozenset({"Nd", "Nl", "No"}),
}


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
