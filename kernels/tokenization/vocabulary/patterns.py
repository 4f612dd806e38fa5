"""The split patterns of o200k and cl100k: as tiktoken writes them, and as Python's re can run them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from armbench.kernels.tokenization.vocabulary.classes import classes


@dataclass(frozen=True, slots=True)
class Pattern:
    """How a text falls into words.

    number      its number in the C code (split.h)
    expression  the regular expression, in the syntax of Rust's regex and fancy-regex crates
    oniguruma   the same in that of Oniguruma, where $ ends a line and {1,3}+ is not possessive
    """

    name: str
    number: int
    expression: str
    oniguruma: str


# Both from tiktoken 0.14, tiktoken_ext/openai_public.py.
_CL100K = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)
_O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_ONIGURUMA_CL100K = _CL100K.replace("{1,3}+", "{1,3}").replace("$", r"\z")
PATTERNS: Final[Mapping[str, Pattern]] = {
    p.name: p for p in (Pattern("cl100k", 1, _CL100K, _ONIGURUMA_CL100K), Pattern("o200k", 2, _O200K, _O200K))
}


# cl100k as it was before, in conversions of GPT-4's and in Llama 3: there "\n " at the end of a text
# is two words.
CL100K_OF_2023: Final = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def spelled(oniguruma: str) -> Pattern | None:
    """The pattern that an expression in Oniguruma's syntax means, None when it is none of these."""
    return next((pattern for pattern in PATTERNS.values() if oniguruma == pattern.oniguruma), None)


def numbered(number: int) -> Pattern:
    (pattern,) = (p for p in PATTERNS.values() if p.number == number)
    return pattern


# What Python's re (before 3.11: no possessive quantifiers; never: \p) is given instead.  Without
# possessive quantifiers the same matches are found: where one stands, giving characters back can
# never make the rest match.  \s and (?i:s) are spelled out, because Python's differ from Rust's.
_CONTRACTION = "'(?:[sS\u017ftTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])"
_FOR_PYTHON: Final = {
    "cl100k": "{contraction}|[^\r\n{L}{N}]?[{L}]+|[{N}]{{1,3}}| ?[^{s}{L}{N}]+[\r\n]*"
    "|[{s}]+\\Z|[{s}]*[\r\n]|[{s}]+(?![^{s}])|[{s}]",
    "o200k": "[^\r\n{L}{N}]?[{U}]*[{l}]+(?:{contraction})?|[^\r\n{L}{N}]?[{U}]+[{l}]*(?:{contraction})?"
    "|[{N}]{{1,3}}| ?[^{s}{L}{N}]+[\r\n/]*|[{s}]*[\r\n]+|[{s}]+(?![^{s}])|[{s}]+",
}


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern of that name as an expression whose findall() gives the words of a text."""
    sets = {
        "L": _ranges("upper", "lower", "letter"),
        "U": _ranges("upper", "letter", "mark"),
        "l": _ranges("lower", "letter", "mark"),
        "N": _ranges("number"),
        "s": _ranges("space"),
    }
    return re.compile(_FOR_PYTHON[pattern].format(contraction=_CONTRACTION, **sets))


def _ranges(*names: str) -> str:
    """The inside of a bracket expression of the classes."""
    ranges = sorted(r for name in names for r in classes()[name])
    return "".join(f"{re.escape(chr(a))}-{re.escape(chr(b))}" for a, b in ranges)
