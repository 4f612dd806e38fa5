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
from collections.abc import Iterable, Mapping
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
    texts = [[bytes([byte]) for byte in word] for word in counts]
    times = list(counts.values())
    frequency: Counter[Pair] = Counter()
    where: defaultdict[Pair, set[int]] = defaultdict(set)
    for index, parts in enumerate(texts):
        _count(pairwise(parts), index, times[index], frequency, where)
    queue = [(-count, pair) for pair, count in frequency.items()]
    heapq.heapify(queue)
    while len(ranks) < size and queue:
        count, pair = heapq.heappop(queue)
        if frequency[pair] != -count:  # there were merges since; they only made it rarer
            heapq.heappush(queue, (-frequency[pair], pair))
            continue
        if not count:
            break
        token = pair[0] + pair[1]
        ranks[token] = len(ranks)
        made: set[Pair] = set()
        for index in where.pop(pair):
            before, after = texts[index], _joined(texts[index], pair)
            texts[index] = after
            for old in pairwise(before):
                frequency[old] -= times[index]
            _count(pairwise(after), index, times[index], frequency, where)
            made.update(new for new in pairwise(after) if token in new)
        for new in made:
            heapq.heappush(queue, (-frequency[new], new))
    return ranks


def _count(
    pairs: Iterable[Pair], word: int, times: int, frequency: Counter[Pair], where: dict[Pair, set[int]]
) -> None:
    for pair in pairs:
        frequency[pair] += times
        where[pair].add(word)


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
