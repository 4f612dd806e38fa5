"""Train the built-in vocabulary from the suite's own corpora.

    python -m armbench.kernels.tokenization.vocabulary.train

Byte-pair encoding (Sennrich, Haddow & Birch 2016): beginning with the 256 bytes, the pair of
neighbours that is most frequent within words becomes a token, again and again; of equally frequent
pairs the one whose bytes come first.
"""

from __future__ import annotations

import heapq
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from armbench.kernels.tokenization.corpora import CORPORA, generate
from armbench.kernels.tokenization.vocabulary import BUILTIN, BUILTIN_RANKS, DEFAULT_PATTERN
from armbench.kernels.tokenization.vocabulary.patterns import compiled
from armbench.kernels.tokenization.vocabulary.ranks import render

LANGUAGES: Final = tuple(corpus for corpus in CORPORA if corpus not in ("base64", "mixed"))
SAMPLE_BYTES: Final = 100_000  # of each; base64 has nothing to learn, and mixed is all the others
SEED: Final = 0x7EA17  # of no document that is measured, unless someone asks for it

Pair = tuple[bytes, bytes]


def words() -> Counter[bytes]:
    """How often each word occurs in a sample of the corpora."""
    counted: Counter[bytes] = Counter()
    for corpus in LANGUAGES:
        text = generate(corpus, SAMPLE_BYTES, SEED)
        counted.update(word.encode() for word in compiled(DEFAULT_PATTERN).findall(text))
    return counted


def train(counts: Mapping[bytes, int], size: int) -> dict[bytes, int]:
    """A vocabulary of at most `size` tokens from words and how often they occur."""
    ranks = {bytes([byte]): byte for byte in range(256)}
    text = _Words(counts)
    queue = [(-count, pair) for pair, count in text.frequency.items()]
    heapq.heapify(queue)
    while len(ranks) < size and queue:
        count, pair = heapq.heappop(queue)
        if text.frequency[pair] != -count:  # there were merges since; they only made it rarer
            heapq.heappush(queue, (-text.frequency[pair], pair))
        elif count:
            ranks[pair[0] + pair[1]] = len(ranks)
            for new in text.merge(pair):
                heapq.heappush(queue, (-text.frequency[new], new))
    return ranks


class _Words:
    """Words in parts, how often every pair of neighbours occurs, and in which words."""

    def __init__(self, counts: Mapping[bytes, int]):
        self.parts = [[bytes([byte]) for byte in word] for word in counts]
        self.times = list(counts.values())
        self.frequency: Counter[Pair] = Counter()
        self.where: defaultdict[Pair, set[int]] = defaultdict(set)
        for word in range(len(self.parts)):
            self._count(word)

    def _count(self, word: int) -> None:
        for pair in pairwise(self.parts[word]):
            self.frequency[pair] += self.times[word]
            self.where[pair].add(word)

    def merge(self, pair: Pair) -> set[Pair]:
        """Make one part of the pair wherever it occurs; the pairs that this brings about."""
        token = pair[0] + pair[1]
        new: set[Pair] = set()
        for word in self.where.pop(pair):
            for old in pairwise(self.parts[word]):
                self.frequency[old] -= self.times[word]
            self.parts[word] = _joined(self.parts[word], pair)
            self._count(word)
            new.update(made for made in pairwise(self.parts[word]) if token in made)
        return new


def _joined(parts: list[bytes], pair: Pair) -> list[bytes]:
    """The parts of a word with every occurrence of the pair made one, from left to right."""
    joined: list[bytes] = []
    for part in parts:
        if joined and (joined[-1], part) == pair:
            joined[-1] += part
        else:
            joined.append(part)
    return joined


def main() -> int:
    BUILTIN.write_text(render(train(words(), BUILTIN_RANKS)), "ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
