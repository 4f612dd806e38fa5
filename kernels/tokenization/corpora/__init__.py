"""Texts that look like what agents process, written by grammars from a seed.

Each corpus is a grammar in a text file beside this module: rules with alternatives, of which the
i-th is drawn with a weight of 1 / (i + 3), so that words are as unevenly frequent as in natural
text (Zipf's law).  The same corpus, size and seed give the same bytes in every version of Python:
only random() and getrandbits() are used, which are promised not to change.
"""

from __future__ import annotations

import base64
import hashlib
import re
from bisect import bisect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate
from random import Random
from typing import Final

CORPORA: Final = ("prose", "code", "json", "cjk", "arabic", "base64", "mixed")

_ZIPF_SHIFT: Final = 3.0
_SLOT: Final = re.compile(r"\\(?P<escape>.)|<(?P<case>[\^!]?)(?P<rule>[a-z0-9_.]+)(?::(?P<bytes>\d+))?>")
_ESCAPES: Final = {"n": "\n", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Slot:
    """A place where a rule is put in.

    rule   its name; another corpus's as "corpus.rule"
    case   "^": with a capital first letter, "!": all in capitals
    bytes  of random data, for the rules base64 and hex
    """

    rule: str
    case: str
    bytes: int


Alternative = tuple[str | Slot, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """limits[i] is the chance of alternatives 0 to i; the last one's, 1, is left out."""

    alternatives: tuple[Alternative, ...]
    limits: tuple[float, ...]


def generate(corpus: str, size: int, seed: int) -> str:
    """Text of `corpus` whose UTF-8 has exactly `size` bytes.

    It ends anywhere, in a word too; what is missing when the next character is too long is spaces.
    """
    digest = hashlib.sha256(f"{corpus} {size} {seed}".encode()).digest()
    random = Random(int.from_bytes(digest[:8], "big"))
    document = _rules()[f"{corpus}.document"]
    encoded = b""
    while len(encoded) < size:
        parts: list[str] = []
        _expand(document, random, parts)
        encoded += "".join(parts).encode()
    return encoded[:size].decode(errors="ignore").encode().ljust(size).decode()


def _expand(rule: Rule, random: Random, into: list[str]) -> None:
    for part in rule.alternatives[bisect(rule.limits, random.random())]:
        if isinstance(part, str):
            into.append(part)
        elif part.bytes:
            into.append(_data(part, random))
        elif part.case:
            inner: list[str] = []
            _expand(_rules()[part.rule], random, inner)
            into.append(_cased(part.case, "".join(inner)))
        else:
            _expand(_rules()[part.rule], random, into)


def _cased(case: str, text: str) -> str:
    return text.upper() if case == "!" else text[:1].upper() + text[1:]


def _data(slot: Slot, random: Random) -> str:
    data = random.getrandbits(8 * slot.bytes).to_bytes(slot.bytes, "big")
    return data.hex() if slot.rule.endswith("hex") else base64.b64encode(data).decode()


# --- the grammars --------------------------------------------------------------------------


@cache
def _rules() -> Mapping[str, Rule]:
    """{"corpus.rule": rule} of all grammars."""
    return {f"{corpus}.{name}": rule for corpus in CORPORA for name, rule in _grammar(corpus)}


def _grammar(corpus: str) -> Iterator[tuple[str, Rule]]:
    text = (files(__package__) / f"{corpus}.txt").read_text("utf-8")
    for block in re.split(r"\n(?=\S)", text):
        head, *rest = block.rstrip("\n").split("\n")
        if head.startswith("#"):
            continue
        name, _, words = head.partition(":")
        if words.startswith(":"):
            alternatives = " ".join([words[1:], *rest]).split()
        else:
            alternatives = [line[1:] for line in rest if line]
        yield name, _rule(corpus, alternatives)


def _rule(corpus: str, alternatives: list[str]) -> Rule:
    weights = list(accumulate(1 / (i + _ZIPF_SHIFT) for i in range(len(alternatives))))
    limits = tuple(weight / weights[-1] for weight in weights[:-1])
    return Rule(tuple(_parse(corpus, text) for text in alternatives), limits)


def _parse(corpus: str, text: str) -> Alternative:
    parts: list[str | Slot] = []
    end = 0
    for match in _SLOT.finditer(text):
        parts.append(text[end : match.start()])
        end = match.end()
        if escape := match["escape"]:
            parts.append(_ESCAPES.get(escape, escape))
        else:
            rule = match["rule"] if "." in match["rule"] else f"{corpus}.{match['rule']}"
            parts.append(Slot(rule, match["case"], int(match["bytes"] or 0)))
    parts.append(text[end:])
    return tuple(part for part in parts if part)
