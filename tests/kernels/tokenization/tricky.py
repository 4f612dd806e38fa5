"""Texts in which everything that decides where a word ends stands beside everything else.

python -m tests.kernels.tokenization.tricky      writes tricky.txt, the text of the shapes
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Final

FILE: Final = Path(__file__).with_suffix(".txt")
PIECES: Final = (
    *(
        "a",
        "b",
        "B",
        "C",
        "word",
        "Hello",
        "don't",
        "s",
        "S",
        "t",
        "l",
        "L",
        "r",
        "e",
        "v",
        "d",
        "m",
        "\u017f",
    ),
    *("'", "'", "\u2019", " ", " ", "  ", "   ", "    ", "\n", "\n", "\r", "\r\n", "\t", "\x0b", "\x85"),
    *("\u00a0", "\u3000", "/", "//", "!", ".", "\u2014", "\u201c", "\u201d", "\x00", "\x7f", "👍"),
    *("1", "2", "123", "²", "٣", "中", "é", "É", "ǅ", "ʰ", "\u0301"),
)


def tricky(seed: int, pieces: int) -> str:
    """So many pieces, of a dozen kinds at most, and some of them repeated."""
    draw = Random(seed)
    kinds = draw.choices(PIECES, k=draw.randint(1, 12))
    text = []
    for _ in range(pieces):
        repeated = draw.choice((2, 3, 5, 70)) if draw.random() < 0.05 else 1
        text.append(draw.choice(kinds) * repeated)
    return "".join(text)


def shape() -> str:
    return "\u2063".join(tricky(seed, 200) for seed in range(60))


if __name__ == "__main__":
    FILE.write_bytes(shape().encode())
