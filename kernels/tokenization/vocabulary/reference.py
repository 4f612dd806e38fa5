"""Byte-level BPE as it is defined, in plain Python: what every variant must agree with.

Algorithm of tiktoken (src/lib.rs): a text is split into words by a regular expression; a word that
is a token is that token; else its bytes are merged, always the adjacent pair first whose
concatenation has the lowest rank, the leftmost of equals, until no pair is a token.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from armbench.kernels.tokenization.vocabulary.patterns import compiled

Ranks = Mapping[bytes, int]  # of a token's bytes: its number and the priority of its merge


def encode(text: str, ranks: Ranks, pattern: str, known: dict[str, list[int]] | None = None) -> list[int]:
    """The tokens of a text under the split pattern of that name.

    known: the words of earlier texts, to which this one's are added.
    """
    known = {} if known is None else known
    tokens: list[int] = []
    for word in compiled(pattern).findall(text):
        if word not in known:
            known[word] = encode_word(word.encode(), ranks)
        tokens += known[word]
    return tokens


def encode_word(word: bytes, ranks: Ranks) -> list[int]:
    return [ranks[word]] if word in ranks else [ranks[part] for part in merge(word, ranks)]


def merge(word: bytes, ranks: Ranks) -> list[bytes]:
    """The parts of a word when no two neighbours can be merged any more; O(n log n)."""
    ends = list(range(1, len(word) + 1))  # of the part that starts here
    starts = list(range(-1, len(word)))  # of the part that ends before here
    gone = bytearray(len(word) + 1)
    queue: list[tuple[int, int, int]] = []  # rank, start, end of two neighbours

    def consider(start: int) -> None:
        if start >= 0 and ends[start] < len(word):
            end = ends[ends[start]]
            if (rank := ranks.get(word[start:end])) is not None:
                heapq.heappush(queue, (rank, start, end))

    for start in range(len(word)):
        consider(start)
    while queue:
        _, start, end = heapq.heappop(queue)
        middle = ends[start]
        if gone[start] or middle == len(word) or ends[middle] != end:
            continue  # one of the two has been merged with another meanwhile
        gone[middle] = 1
        ends[start] = end
        if end < len(word):
            starts[end] = start
        consider(start)
        consider(starts[start])
    return [word[s : ends[s]] for s in range(len(word)) if not gone[s]]
