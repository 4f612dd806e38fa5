"""A vocabulary and its split pattern as the one flat buffer that the C code reads (table.h).

Everything is found by hashing: a whole word by its bytes, a merge by the ranks of its two parts.
Both hash tables have linear probing and are built without a loop: with the entries in the order
of their home slots, each lies at its home or just behind the one before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from armbench.kernels.tokenization.vocabulary.classes import POINTS, classes

MAGIC: Final = int.from_bytes(b"ab-bpe-2", "little")
RANK_BITS: Final = 21
RANK_MASK: Final = (1 << RANK_BITS) - 1
EMPTY_PAIR: Final = (1 << 64) - 1
EMPTY_WORD: Final = (1 << 32) - 1
NO_RANK: Final = (1 << 26) - 1  # what a byte pair without a merge has
INLINE_BYTES: Final = 12  # a token of so many bytes lies in its slot
LONG: Final = 15  # in place of the length of a longer one
PAGE_POINTS: Final = 128
HEADER: Final = (
    *("magic", "bytes", "digest", "pattern", "ranks", "longest"),
    *("byte_classes", "point_pages", "point_classes", "byte_ranks", "byte_pairs"),
    *("word_filter", "word_filter_shift", "words", "words_shift"),
    *("pair_filter", "pair_filter_shift", "pairs", "pairs_shift", "starts", "text"),
    *("special_ranks", "special_count"),
)
# The bits of a character's class.
CLASS_BITS: Final = {"upper": 1, "lower": 2, "letter": 4, "mark": 8, "number": 16, "space": 32}
NEWLINE: Final = 64
OTHER: Final = 128

# Odd numbers without structure (the first ones of splitmix64); the C code has the same.
FACTOR_A: Final = 0x9E3779B97F4A7C15
FACTOR_B: Final = 0xBF58476D1CE4E5B9
FILTER_SHIFT: Final = 32  # of a hash to its first bit in a filter's word; 6 more to its second

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
Index = NDArray[np.int64]


class _Tokens:
    """All tokens one behind another in the order of their ranks; a rank not given has none."""

    def __init__(self, ranks: Mapping[bytes, int]):
        self.count = max(ranks.values()) + 1
        in_order = [b""] * self.count
        for token, rank in ranks.items():
            in_order[rank] = token
        self.text: U8 = np.frombuffer(b"".join(in_order), np.uint8)
        self.lengths: Index = np.fromiter(map(len, in_order), np.int64, self.count)
        self.starts: Index = np.concatenate(([0], np.cumsum(self.lengths)))


def build(ranks: Mapping[bytes, int], pattern: int, specials: Mapping[bytes, int] | None = None) -> U8:
    """The table of a vocabulary, whose ranks are below 2097152 and cover the 256 bytes.

    pattern: the number of its split pattern; specials: {string: rank} of its special tokens, in
    the order of the bits by which they are allowed.
    """
    specials = specials or {}
    tokens = _Tokens(ranks)
    known = _Tokens({**ranks, **specials})
    words, words_shift, word_filter = _words(tokens)
    pairs, pairs_shift, pair_filter = _pairs(*_merges(tokens))
    point_pages, point_classes = _points()
    sections: dict[str, NDArray[Any]] = {
        "byte_classes": _byte_classes(),
        "point_pages": point_pages,
        "point_classes": point_classes,
        "byte_ranks": _byte_ranks(tokens),
        "byte_pairs": _byte_pairs(tokens),
        "word_filter": word_filter,
        "words": words,
        "pair_filter": pair_filter,
        "pairs": pairs,
        "starts": known.starts.astype(np.uint32),
        "text": np.concatenate((known.text, np.zeros(16, np.uint8))),  # read in pieces of 16
        "special_ranks": np.array(list(specials.values()), np.uint32),
    }
    numbers = {
        "digest": _digest(known, pattern),
        "pattern": pattern,
        "ranks": known.count,
        "longest": int(tokens.lengths.max()),
        "word_filter_shift": _shift(word_filter),
        "words_shift": words_shift,
        "pair_filter_shift": _shift(pair_filter),
        "pairs_shift": pairs_shift,
        "special_count": len(specials),
    }
    return _assemble(sections, numbers)


def _assemble(sections: Mapping[str, NDArray[Any]], numbers: Mapping[str, int]) -> U8:
    header = {"magic": MAGIC, **numbers}
    end = 64 * ((8 * len(HEADER) + 63) // 64)
    for name, section in sections.items():
        header[name] = end
        end += (section.nbytes + 63) // 64 * 64
    header["bytes"] = end
    table = np.zeros(end, np.uint8)
    table[: 8 * len(HEADER)] = np.array([header[n] for n in HEADER], np.uint64).view(np.uint8)
    for name, section in sections.items():
        table[header[name] : header[name] + section.nbytes] = section.reshape(-1).view(np.uint8)
    return table


def _digest(tokens: _Tokens, pattern: int) -> int:
    digest = hashlib.sha256(tokens.text.tobytes() + tokens.starts.tobytes() + bytes([pattern])).digest()
    return int.from_bytes(digest[:8], "little")


# --- characters ----------------------------------------------------------------------------


def _point_classes() -> U8:
    """The class of every code point."""
    found = np.full(POINTS, OTHER, np.uint8)
    for name, ranges in classes().items():
        for first, last in ranges:
            found[first : last + 1] = CLASS_BITS[name]
    found[[0x0A, 0x0D]] |= NEWLINE
    return found


def _points() -> tuple[U8, U8]:
    """Pages of classes, each different one once: class = pages[page_of[point / 128]][point % 128]."""
    numbers: dict[bytes, int] = {}
    pages = (page.tobytes() for page in _point_classes().reshape(-1, PAGE_POINTS))
    page_of = [numbers.setdefault(page, len(numbers)) for page in pages]
    return np.array(page_of, np.uint8), np.frombuffer(b"".join(numbers), np.uint8)


def _byte_classes() -> U8:
    """The class of an ASCII character, 0 for a byte of a longer one."""
    return np.where(np.arange(256) < 128, _point_classes()[:256], 0).astype(np.uint8)


# --- tokens of one and two bytes -----------------------------------------------------------


def _byte_ranks(tokens: _Tokens) -> U32:
    (single,) = np.nonzero(tokens.lengths == 1)
    ranks = np.zeros(256, np.uint32)
    ranks[tokens.text[tokens.starts[single]]] = single
    return ranks


def _byte_pairs(tokens: _Tokens) -> U32:
    (double,) = np.nonzero(tokens.lengths == 2)
    at = tokens.starts[double]
    ranks = np.full((256, 256), NO_RANK, np.uint32)
    ranks[tokens.text[at], tokens.text[at + 1]] = double
    return ranks


# --- whole words ---------------------------------------------------------------------------


def _words(tokens: _Tokens) -> tuple[NDArray[Any], int, U64]:
    """Slots of (first 8 bytes or hash, next 4 bytes or length, length << 21 | rank), and the shift."""
    (given,) = np.nonzero(tokens.lengths)
    short = tokens.lengths[given] <= INLINE_BYTES
    a, b = np.zeros(len(given), np.uint64), np.zeros(len(given), np.uint32)
    home = np.zeros(len(given), np.uint64)
    a[short], b[short] = _inline(tokens, given[short])
    a[~short], b[~short] = _folded(tokens, given[~short]), tokens.lengths[given[~short]]
    size = np.where(short, tokens.lengths[given], LONG).astype(np.uint64)
    home = a * np.uint64(FACTOR_A) + (size << np.uint64(32) | b) * np.uint64(FACTOR_B)
    slots, shift, at = _layout(home, np.dtype([("a", "<u8"), ("b", "<u4"), ("meta", "<u4")]))
    slots["meta"] = EMPTY_WORD
    slots["a"][at], slots["b"][at] = a, b
    slots["meta"][at] = size << np.uint64(RANK_BITS) | given.astype(np.uint64)
    return slots, shift, _filter(home)


def _inline(tokens: _Tokens, which: Index) -> tuple[U64, U32]:
    """The bytes of short tokens as numbers, the missing ones zero."""
    column = np.arange(16)
    at = np.minimum(tokens.starts[which, None] + column, len(tokens.text) - 1)
    present = column < tokens.lengths[which, None]
    padded = np.where(present, tokens.text[at], 0).astype(np.uint8)
    numbers = padded.view("<u8")
    return numbers[:, 0], numbers[:, 1].astype(np.uint32)


def _folded(tokens: _Tokens, which: Index) -> U64:
    """The hash of long tokens: 8 bytes at a time, the last ones padded with zeros."""
    folded = np.zeros(len(which), np.uint64)
    for first in range(0, int(tokens.lengths[which].max(initial=0)), 8):
        (left,) = np.nonzero(tokens.lengths[which] > first)
        column = first + np.arange(8)
        at = np.minimum(tokens.starts[which[left], None] + column, len(tokens.text) - 1)
        present = column < tokens.lengths[which[left], None]
        chunk = np.where(present, tokens.text[at], 0).astype(np.uint8).view("<u8")[:, 0]
        mixed = (folded[left] ^ chunk) * np.uint64(FACTOR_A)
        folded[left] = mixed ^ mixed >> np.uint64(32)
    return folded


# --- merges --------------------------------------------------------------------------------


class _Map:
    """Numbers found by 64-bit keys, which spread well in their upper bits."""

    def __init__(self, keys: U64, values: Index):
        self._keys, self._shift, at = _layout(keys, np.dtype("<u8"))
        self._values = np.full(len(self._keys), -1)
        self._keys[at], self._values[at] = keys, values

    def find(self, wanted: U64) -> Index:
        """The value of each key, -1 for one that is not there."""
        found = np.full(len(wanted), -1)
        asking = np.arange(len(wanted))
        at = (wanted >> np.uint64(self._shift)).astype(np.int64)
        while len(asking):
            here, occupied = self._keys[at] == wanted[asking], self._values[at] >= 0
            found[asking[here & occupied]] = self._values[at[here & occupied]]
            on = occupied & ~here
            asking, at = asking[on], at[on] + 1
        return found


def _pair_hash(left: Index, right: Index) -> U64:
    return (left << RANK_BITS | right).astype(np.uint64) * np.uint64(FACTOR_A)


def _splits(tokens: _Tokens) -> tuple[Index, Index, Index]:
    """Every way to put a token together from two: (left, right, merged) ranks.

    Substrings are looked up by a polynomial hash modulo 2^64, whose prefix sums over all tokens
    give that of any substring at once.
    """
    power = _powers(FACTOR_A, len(tokens.text) + 1)
    inverse = _powers(pow(FACTOR_A, -1, 1 << 64), len(tokens.text) + 1)
    terms = (tokens.text + np.uint64(1)) * power[:-1]
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64)))

    def substring(first: Index, end: Index) -> U64:
        result: U64 = (sums[end] - sums[first]) * inverse[first] * np.uint64(FACTOR_B)
        return result

    (given,) = np.nonzero(tokens.lengths)
    rank_of = _Map(substring(tokens.starts[given], tokens.starts[given + 1]), given)
    merged = np.repeat(np.arange(tokens.count), np.maximum(tokens.lengths - 1, 0))
    inner = np.ones(len(tokens.text), bool)
    inner[tokens.starts[given]] = False
    (cut,) = np.nonzero(inner)
    left = rank_of.find(substring(tokens.starts[merged], cut))
    merged, cut, left = (array[left >= 0] for array in (merged, cut, left))
    right = rank_of.find(substring(cut, tokens.starts[merged + 1]))
    found = right >= 0
    return left[found], right[found], merged[found]


def _powers(factor: int, count: int) -> U64:
    powers = np.full(count, factor, np.uint64)
    powers[0] = 1
    result: U64 = np.multiply.accumulate(powers)
    return result


def _merges(tokens: _Tokens) -> tuple[Index, Index, Index]:
    """Of the ways to put a token together the one that merging ever takes.

    Whatever stands around a token when it is made, no merge has crossed its ends; so the merges
    inside were those of its bytes alone, and these reach two parts in one way only.
    """
    left, right, merged = _splits(tokens)
    ways = np.bincount(merged, minlength=tokens.count)
    rank_of = _Map(_pair_hash(left, right), merged)
    single = ways[merged] == 1
    taken = [np.stack((left[single], right[single], merged[single]))]
    for length in np.unique(tokens.lengths[ways > 1]):
        (which,) = np.nonzero((ways > 1) & (tokens.lengths == length))
        taken.append(_last_pairs(tokens, which, rank_of))
    left, right, merged = np.concatenate(taken, axis=1)
    return left, right, merged


def _last_pairs(tokens: _Tokens, which: Index, rank_of: _Map) -> Index:
    """(left, right, merged) of tokens of one length, by merging their bytes side by side."""
    column = np.arange(tokens.lengths[which[0]])
    parts = _byte_ranks(tokens).astype(np.int64)[tokens.text[tokens.starts[which, None] + column]]
    for width in range(len(column), 2, -1):
        pairs = _pair_hash(parts[:, :-1], parts[:, 1:])
        ranks = rank_of.find(pairs.reshape(-1)).reshape(pairs.shape)
        ranks[ranks < 0] = NO_RANK
        first, lowest = ranks.argmin(axis=1), ranks.min(axis=1)
        parts = parts[column[:width] != first[:, None] + 1].reshape(len(which), width - 1)
        parts[np.arange(len(which)), first] = lowest
        possible = lowest < NO_RANK
        parts, which = parts[possible], which[possible]
    return np.stack((parts[:, 0], parts[:, 1], which))


def _pairs(left: Index, right: Index, merged: Index) -> tuple[U64, int, U64]:
    """Slots of left << 42 | right << 21 | merged, the shift and the filter."""
    hashes = _pair_hash(left, right)
    slots, shift, at = _layout(hashes, np.dtype("<u8"))
    slots[:] = EMPTY_PAIR
    slots[at] = (left << 2 * RANK_BITS | right << RANK_BITS | merged).astype(np.uint64)
    return slots, shift, _filter(hashes)


# --- hash tables ---------------------------------------------------------------------------


def _layout(hashes: U64, slot: np.dtype[Any]) -> tuple[NDArray[Any], int, Index]:
    """An empty hash table at most half full, the shift of a hash to a slot, and where entries go.

    The slots after the last home are room for what is pushed behind it, and one that is empty.
    """
    bits = max(1, int(2 * len(hashes) - 1).bit_length())
    home = (hashes >> np.uint64(64 - bits)).astype(np.int64)
    order = np.argsort(home, kind="stable")
    step = np.arange(len(home))
    at = np.empty(len(home), np.int64)
    at[order] = np.maximum.accumulate(home[order] - step) + step
    count = max(1 << bits, int(at.max(initial=0)) + 1) + 1
    return np.zeros(count, slot), 64 - bits, at


def _filter(hashes: U64) -> U64:
    """Words of which one has two bits set for each hash, with at least 8 bits for a hash.

    What is not in a table is mostly told by its filter, which is small enough for a second-level
    cache.
    """
    bits = max(1, (len(hashes) // 8).bit_length())
    words = np.zeros(1 << bits, np.uint64)
    at = (hashes >> np.uint64(64 - bits)).astype(np.int64)
    for shift in (FILTER_SHIFT, FILTER_SHIFT + 6):
        np.bitwise_or.at(words, at, np.uint64(1) << (hashes >> np.uint64(shift) & np.uint64(63)))
    return words


def _shift(filter_: U64) -> int:
    """Of a hash to its word in the filter."""
    return 65 - len(filter_).bit_length()


# --- reading it back -----------------------------------------------------------------------


def header(table: U8) -> dict[str, int]:
    """The header's fields; `digest` tells one vocabulary from another."""
    return dict(zip(HEADER, table[: 8 * len(HEADER)].view(np.uint64).tolist(), strict=True))


def tokens_in(table: U8) -> tuple[bytes, list[int]]:
    """All tokens one behind another, and where each starts and the last one ends."""
    fields = header(table)
    count = fields["ranks"] + 1
    starts = table[fields["starts"] : fields["starts"] + 4 * count].view(np.uint32).tolist()
    return table[fields["text"] : fields["text"] + starts[-1]].tobytes(), starts


def merges_in(table: U8) -> list[tuple[int, int]]:
    """The merges, (left, right) ranks, in the order of the ranks they make."""
    fields = header(table)
    slots = table[fields["pairs"] : fields["starts"]].view(np.uint64)
    used = slots[(slots != EMPTY_PAIR) & (slots != 0)]  # zeros fill up to the next section
    merged = used[np.argsort(used & np.uint64(RANK_MASK))]
    left, right = merged >> np.uint64(2 * RANK_BITS), merged >> np.uint64(RANK_BITS) & np.uint64(RANK_MASK)
    return list(zip(left.tolist(), right.tolist(), strict=True))
