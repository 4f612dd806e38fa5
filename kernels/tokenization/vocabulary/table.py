"""A vocabulary and its split pattern as the one flat buffer that the C code reads (table.h).

Everything is found by hashing: a whole word by its bytes, a merge by the ranks of its two parts.
This module lays the buffer out and reads it back; build.c fills the hash tables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from armbench.kernels.tokenization.vocabulary import native
from armbench.kernels.tokenization.vocabulary.classes import POINTS, classes

MAGIC: Final = int.from_bytes(b"ab-bpe-3", "little")
RANK_BITS: Final = 21
RANK_LIMIT: Final = 1 << RANK_BITS
TOKEN_LIMIT: Final = 4096  # bytes of the longest token; finding its merge takes their square
EMPTY_PAIR: Final = (1 << 64) - 1
PAGE_POINTS: Final = 128
WORD: Final = np.dtype([("a", "<u8"), ("b", "<u4"), ("meta", "<u4")])
HEADER: Final = (
    *("magic", "bytes", "digest", "pattern", "ranks", "longest"),
    *("byte_classes", "point_pages", "point_classes", "byte_ranks", "byte_pairs"),
    *("word_filter", "word_filter_shift", "words", "words_shift"),
    *("pair_filter", "pair_filter_shift", "pairs", "pairs_shift"),
    *("starts", "text", "special_ranks", "special_count", "copies"),
)
ALLOWED_BITS: Final = 63  # of the operations' parameter; all of them are -1
HEADER_BYTES: Final = 8 * len(HEADER)
# The bits of a character's class.
CLASS_BITS: Final = {"upper": 1, "lower": 2, "letter": 4, "mark": 8, "number": 16, "space": 32}
NEWLINE: Final = 64
OTHER: Final = 128

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]


class TwiceError(ValueError):
    """A token that has two ranks."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """All tokens one behind another in the order of their ranks; a rank not given has no bytes.

    starts  where each starts and the last one ends, ranks + 1 of them
    """

    text: U8
    starts: U32

    @classmethod
    def of(cls, ranks: Mapping[bytes, int]) -> Tokens:
        in_order = [b""] * (max(ranks.values()) + 1)
        for token, rank in ranks.items():
            in_order[rank] = token
        return cls.from_list(in_order)

    @classmethod
    def from_list(cls, in_order: Iterable[bytes]) -> Tokens:
        tokens = list(in_order)
        ends = np.cumsum(np.fromiter(map(len, tokens), np.int64, len(tokens)))
        starts = np.concatenate(([0], ends)).astype(np.uint32)
        return cls(np.frombuffer(b"".join(tokens), np.uint8), starts)

    @property
    def count(self) -> int:
        """Above every rank."""
        return len(self.starts) - 1

    @property
    def lengths(self) -> U32:
        result: U32 = np.diff(self.starts)
        return result

    def bytes_without(self) -> list[int]:
        """The bytes that are no token."""
        single = self.text[self.starts[:-1][self.lengths == 1]]
        return sorted(set(range(256)) - set(single.tolist()))

    def and_specials(self, specials: Mapping[bytes, int]) -> Tokens:
        """With special tokens, whose ranks must be free."""
        in_order = sorted(specials.items(), key=lambda item: item[1])
        room = max([0, *(rank + 1 - self.count for rank in specials.values())])
        lengths = np.concatenate((self.lengths, np.zeros(room, np.uint32)))
        pieces, done = [], 0
        for token, rank in in_order:
            if lengths[rank]:
                raise TwiceError(f"{rank} is the rank of two tokens")
            start = int(self.starts[min(rank, self.count)])
            pieces += [self.text[done:start], np.frombuffer(token, np.uint8)]
            lengths[rank], done = len(token), start
        starts = np.concatenate(([0], np.cumsum(lengths))).astype(np.uint32)
        return Tokens(np.concatenate((*pieces, self.text[done:])), starts)


def build(
    ranks: Tokens | Mapping[bytes, int], pattern: int, specials: Mapping[bytes, int] | None = None
) -> U8:
    """The table of a vocabulary, whose ranks are below RANK_LIMIT and cover the 256 bytes.

    pattern: the number of its split pattern.  specials: {string: rank} of its special tokens, in
    the order of the bits by which they are allowed.
    Raises TwiceError, ValueError for a token of more than TOKEN_LIMIT bytes.
    """
    ordinary = ranks if isinstance(ranks, Tokens) else Tokens.of(ranks)
    longest = int(ordinary.lengths.max())
    if longest > TOKEN_LIMIT:
        raise ValueError(f"a token of {longest} bytes; at most {TOKEN_LIMIT} are supported")
    tokens = ordinary.and_specials(specials) if specials else ordinary
    numbers = {
        "pattern": pattern,
        "ranks": tokens.count,
        "longest": longest,
        "word_filter_shift": 64 - _filter_bits(tokens.count),
        "words_shift": 64 - _bits(tokens.count),
        "pair_filter_shift": 64 - _filter_bits(tokens.count),
        "pairs_shift": 64 - _bits(tokens.count),
        "special_count": len(specials or ()),
    }
    table = _filled(tokens, np.array(list((specials or {}).values()), np.uint32), numbers)
    _fields(table)[HEADER.index("digest")] = native.digest(table)
    return table


def _filled(tokens: Tokens, special_ranks: U32, numbers: Mapping[str, int], slack: int = 256) -> U8:
    """The table without its digest.

    slack: slots behind the last home of the hash tables, for what is pushed there; more are
    taken when they do not suffice.
    """
    slots = ((1 << 64 - numbers["words_shift"]) + slack, (1 << 64 - numbers["pairs_shift"]) + slack)
    table = _lay_out(_sections(tokens, special_ranks, numbers, slots), numbers)
    ordinary = (tokens.lengths > 0).astype(np.uint8)
    ordinary[special_ranks] = 0
    filled = native.fill(table, slots, ordinary)
    if filled == native.TWICE:
        raise TwiceError("a token has two ranks")
    if filled == native.NO_ROOM and slack <= tokens.count:
        return _filled(tokens, special_ranks, numbers, 8 * slack)
    assert filled == native.FILLED, numbers
    return table


def _bits(entries: int) -> int:
    """Of a hash table at most half full."""
    return max(1, int(2 * entries - 1).bit_length())


def _filter_bits(entries: int) -> int:
    """Of a filter's words, so that each entry has at least 8 of its bits: what is not in a hash
    table is mostly told by its filter, which is small enough for a second-level cache."""
    return max(1, (entries // 8).bit_length())


def _sections(
    tokens: Tokens, specials: U32, numbers: Mapping[str, int], slots: tuple[int, int]
) -> Mapping[str, Any]:
    """The contents of each section, or its size in bytes for what is filled in later."""
    point_pages, point_classes = _points()
    return {
        "byte_classes": _byte_classes(),
        "point_pages": point_pages,
        "point_classes": point_classes,
        "byte_ranks": 4 * 256,
        "byte_pairs": 4 * 256 * 256,
        "word_filter": 8 << 64 - numbers["word_filter_shift"],
        "words": WORD.itemsize * slots[0],
        "pair_filter": 8 << 64 - numbers["pair_filter_shift"],
        "pairs": 8 * slots[1],
        "starts": tokens.starts,
        "text": np.concatenate((tokens.text, np.zeros(16, np.uint8))),  # read in pieces of 16
        "special_ranks": specials,
        "copies": 16 * tokens.count,
    }


def _lay_out(sections: Mapping[str, Any], numbers: Mapping[str, int]) -> U8:
    fields = {"magic": MAGIC, "digest": 0, **numbers}
    end = 64 * ((HEADER_BYTES + 63) // 64)
    for name, section in sections.items():
        fields[name] = end
        end += (getattr(section, "nbytes", section) + 63) // 64 * 64
    fields["bytes"] = end
    table = np.zeros(end, np.uint8)
    _fields(table)[:] = [fields[name] for name in HEADER]
    for name, section in sections.items():
        if not isinstance(section, int):
            table[fields[name] : fields[name] + section.nbytes] = section.view(np.uint8)
    return table


# --- characters ----------------------------------------------------------------------------


def _point_classes() -> U8:
    """The class of every code point."""
    found = np.full(POINTS, OTHER, np.uint8)
    for name, ranges in classes().items():
        for first, last in ranges:
            found[first : last + 1] = CLASS_BITS[name]
    found[[0x0A, 0x0D]] |= NEWLINE
    return found


@cache
def _points() -> tuple[U8, U8]:
    """Pages of classes, each different one once: class = pages[page_of[point / 128]][point % 128]."""
    numbers: dict[bytes, int] = {}
    pages = (page.tobytes() for page in _point_classes().reshape(-1, PAGE_POINTS))
    page_of = [numbers.setdefault(page, len(numbers)) for page in pages]
    return np.array(page_of, np.uint8), np.frombuffer(b"".join(numbers), np.uint8)


@cache
def _byte_classes() -> U8:
    """The class of an ASCII character, 0 for a byte of a longer one."""
    return np.where(np.arange(256) < 128, _point_classes()[:256], 0).astype(np.uint8)


# --- reading it back -----------------------------------------------------------------------


def _fields(table: U8) -> U64:
    return table[:HEADER_BYTES].view(np.uint64)


def header(table: U8) -> dict[str, int]:
    """The header's fields; `digest` tells one vocabulary from another."""
    return dict(zip(HEADER, _fields(table).tolist(), strict=True))


def is_sound(table: U8) -> bool:
    """Whether this is a whole table of this version of which no byte has changed."""
    if table.nbytes < HEADER_BYTES or table.nbytes % 64:
        return False
    fields = header(table)
    known = (fields["magic"], fields["bytes"]) == (MAGIC, table.nbytes)
    return known and fields["digest"] == native.digest(table)


def tokens_in(table: U8) -> tuple[bytes, list[int]]:
    """All tokens one behind another, and where each starts and the last one ends."""
    fields = header(table)
    count = fields["ranks"] + 1
    starts = table[fields["starts"] : fields["starts"] + 4 * count].view(np.uint32).tolist()
    return table[fields["text"] : fields["text"] + starts[-1]].tobytes(), starts


def ranks_in(table: U8) -> dict[bytes, int]:
    """{token: rank} of the ordinary tokens."""
    text, starts = tokens_in(table)
    special = set(specials_in(table).values())
    pairs = enumerate(pairwise(starts))
    return {text[a:b]: rank for rank, (a, b) in pairs if a < b and rank not in special}


def specials_in(table: U8) -> dict[bytes, int]:
    """{special token: rank}, in the order of the bits by which they are allowed."""
    fields = header(table)
    text, starts = tokens_in(table)
    at = fields["special_ranks"]
    ranks = table[at : at + 4 * fields["special_count"]].view(np.uint32).tolist()
    return {text[starts[rank] : starts[rank + 1]]: rank for rank in ranks}


def allowed_bits(table: U8, specials: Collection[str]) -> int:
    """The operations' parameter `allowed` (bpe.h) for these special tokens.

    Raises KeyError for one that the vocabulary does not have, or that no bit stands for.
    """
    order = list(specials_in(table))
    numbers = {name.decode(): number for number, name in enumerate(order[:ALLOWED_BITS])}
    if {name.decode() for name in order} == set(specials):
        return -1
    return sum(1 << numbers[name] for name in set(specials))


def merges_in(table: U8) -> list[tuple[int, int]]:
    """The merges, (left, right) ranks, in the order of the ranks they make."""
    fields = header(table)
    slots = table[fields["pairs"] : fields["starts"]].view(np.uint64)
    used = slots[(slots != EMPTY_PAIR) & (slots != 0)]  # zeros fill up to the next section
    mask = np.uint64(RANK_LIMIT - 1)
    merged = used[np.argsort(used & mask)]
    left, right = merged >> np.uint64(2 * RANK_BITS), merged >> np.uint64(RANK_BITS) & mask
    return list(zip(left.tolist(), right.tolist(), strict=True))
