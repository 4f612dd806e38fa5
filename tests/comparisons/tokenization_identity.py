"""Every native tokenizer against tiktoken: are all tokens the same?

    python tests/comparisons/tokenization_identity.py [--part PART]... [--vocabulary NAME]...

Three parts, each with o200k and cl100k, cold and warm, and each text alone:

  corpora  generated text of all corpora, 1 MB a document; --megabytes of it (210)
  points   every Unicode code point in CONTEXTS: alone, doubled, beside letters, digits and spaces
  random   random strings of 1 to 24 characters that are valid UTF-8; --strings of them (10 million)

What is encoded is counted and decoded too.  Ends with 1 at the first difference, which it shows.
Needs tiktoken and a copy of the vocabularies: pip install tiktoken bpe-openai.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise

import numpy as np

from armbench.bench import native
from armbench.bench.model import Array
from armbench.kernels.tokenization import WARM_SLOTS, vocabulary
from armbench.kernels.tokenization.corpora import CORPORA, generate
from armbench.kernels.tokenization.corpora.documents import starts_of
from armbench.kernels.tokenization.tiktoken import encoding_of
from armbench.kernels.tokenization.vocabulary.classes import POINTS, classes
from armbench.kernels.tokenization.vocabulary.table import header

DOCUMENT_BYTES = 1_000_000
BATCH = 100_000  # strings that are compared at once
LONGEST = 24  # characters of a random string
SURROGATES = range(0xD800, 0xE000)
CONTEXTS = (
    *("{}", "{0}{0}", "a{}", "{}a", "A{}", "{}A", "1{}", "{}1"),
    *(" {}", "{} ", "\n{}", "{}\n", "'{}", "{}'s"),
)

Tokenize = Callable[[str], list[int]]
Tables = Mapping[str, tuple[Array, Tokenize]]  # of a vocabulary: ours, and tiktoken's function


class DifferenceError(Exception):
    """A text of which a variant gives other tokens than tiktoken, another count or another text."""

    def __init__(self, variant: str, what: str, text: str, ours: list[int], theirs: list[int]):
        shown = f"{variant}, {what} of {text[:200]!r}"
        super().__init__(f"{shown}\n  ours   {ours[:40]}\n  theirs {theirs[:40]}")


# --- texts ---------------------------------------------------------------------------------


def corpora_texts(count: int, seed: int = 1, size: int = DOCUMENT_BYTES) -> Iterator[str]:
    """So many documents of all corpora in turn."""
    for number in range(count):
        yield generate(CORPORA[number % len(CORPORA)], size, seed + number)


def point_texts(points: Sequence[int]) -> Iterator[str]:
    """Every code point in every context."""
    return (context.format(chr(p)) for context in CONTEXTS for p in points if p not in SURROGATES)


def random_texts(count: int, seed: int = 1) -> Iterator[str]:
    """Random strings of three kinds of characters: a few that matter, ASCII, and any."""
    draw = np.random.default_rng(seed)
    ends = sorted({p for ranges in classes().values() for pair in ranges for p in pair})
    special = np.array([*map(ord, "aAbsStTlLrReEvVdmM'\u017f \n\r\t/!1²٣中ʰあǅ\u0301\u3000é👍"), *ends])
    for first in range(0, count, BATCH):
        lengths = draw.integers(1, LONGEST + 1, min(BATCH, count - first))
        size = int(lengths.sum())
        kinds = np.repeat(draw.integers(0, 4, len(lengths)), lengths)
        kinds[kinds == 3] = draw.integers(0, 3, int((kinds == 3).sum()))  # all in one string
        any_ = draw.integers(0, POINTS - len(SURROGATES), size)
        any_[any_ >= SURROGATES.start] += len(SURROGATES)
        choices = (draw.choice(special[:32], size), draw.integers(0, 128, size), any_)
        mixed = np.where(draw.random(size) < 0.1, draw.choice(special, size), np.choose(kinds, choices))
        text = mixed.astype("<u4").tobytes().decode("utf-32-le")
        bounds = starts_of(lengths.tolist()).tolist()
        yield from (text[a:b] for a, b in pairwise(bounds))


# --- comparing -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts, and their bytes one behind another."""

    texts: list[str]
    data: Array  # uint8
    starts: Array  # int64

    @classmethod
    def of(cls, texts: list[str]) -> Texts:
        encoded = [text.encode() for text in texts]
        return cls(texts, np.frombuffer(b"".join(encoded), np.uint8), starts_of(map(len, encoded)))


@dataclass(frozen=True, slots=True)
class Tokens:
    """What tiktoken makes of texts, one behind another."""

    tokens: Array  # int32
    starts: Array  # int64

    @classmethod
    def of(cls, texts: Texts, tokenize: Tokenize) -> Tokens:
        tokens = list(map(tokenize, texts.texts))
        return cls(np.fromiter(chain.from_iterable(tokens), np.int32), starts_of(map(len, tokens)))


def names() -> list[str]:
    """The native variants that this CPU runs."""
    of_kernel = (v for v in native.variants() if (v.kernel, v.operation) == ("tokenization", "encode"))
    return [v.name for v in of_kernel if v.supported]


def run(variant: str, operation: str, params: Sequence[int], operands: Sequence[Array]) -> None:
    found = native.find("tokenization", variant, operation)
    assert found
    native.Bound(found, params, operands)()


def check(texts: Texts, theirs: Tokens, variant: str, table: Array, slots: int) -> None:
    """Encode, count and decode.  Raises DifferenceError."""
    size, count, ranks = len(texts.data), len(texts.texts), header(table)["ranks"]
    params = (size, count, int(np.diff(texts.starts).max(initial=0)), ranks, slots, 0, 0)
    tokens, counts, only = np.zeros(size, np.int32), np.zeros(count, np.int64), np.zeros(count, np.int64)
    run(variant, "encode", params, (texts.data, texts.starts, table, tokens, counts))
    run(variant, "count", params, (texts.data, texts.starts, table, only))
    name = f"{variant} {'warm' if slots else 'cold'}"

    def require(what: str, same: Array) -> None:
        if not same.all():
            d = int(np.argmin(same))
            ours = tokens[texts.starts[d] :][: counts[d]].tolist()
            expected = theirs.tokens[theirs.starts[d] : theirs.starts[d + 1]].tolist()
            raise DifferenceError(name, what, texts.texts[d], ours, expected)

    require("number of tokens", counts == np.diff(theirs.starts))
    require("count", only == counts)
    places = np.arange(len(theirs.tokens)) + np.repeat(texts.starts[:-1] - theirs.starts[:-1], counts)
    wrong = np.nonzero(tokens[places] != theirs.tokens)[0]
    same = np.ones(count, bool)
    same[np.searchsorted(theirs.starts, wrong, "right") - 1] = False
    require("tokens", same)
    text = np.zeros(size, np.uint8)
    run(
        variant,
        "decode",
        (size, count, ranks),
        (theirs.tokens, theirs.starts, texts.starts, table, text, only),
    )
    require("length of the decoded text", only == np.diff(texts.starts))
    if not np.array_equal(text, texts.data):
        raise DifferenceError(name, "decoded text", "".join(texts.texts), [], [])


def vocabularies(wanted: Sequence[str]) -> Tables:
    found = {}
    for name in wanted:
        known = vocabulary.published(name)
        if known is None:
            raise SystemExit(f"no copy of {name}: pip install bpe-openai")
        table = vocabulary.load(known).table
        found[name] = table, encoding_of(table).encode_ordinary
    return found


def compare(
    texts: Iterator[str],
    size: int,
    tables: Tables,
    advance: Callable[[int], None] = lambda count: None,
) -> tuple[int, int]:
    """(texts, bytes) found the same, `size` texts at a time.  Raises DifferenceError."""
    total = total_bytes = 0
    while some := list(islice(texts, size)):
        batch = Texts.of(some)
        for table, tokenize in tables.values():
            theirs = Tokens.of(batch, tokenize)
            for variant in names():
                for slots in (0, WARM_SLOTS):
                    check(batch, theirs, variant, table, slots)
        total, total_bytes = total + len(some), total_bytes + len(batch.data)
        advance(len(some))
    return total, total_bytes


class Progress:
    """Tells on stderr how many of `total` texts are done, at every twentieth."""

    def __init__(self, part: str, total: int):
        self.part, self.total, self.done = part, total, 0

    def __call__(self, count: int) -> None:
        before, self.done = self.done, self.done + count
        if 20 * self.done // self.total > 20 * before // self.total:
            print(f"{self.part} {100 * self.done // self.total} %", file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Are all tokens those of tiktoken?")
    parser.add_argument("--part", action="append", choices=("corpora", "points", "random"))
    parser.add_argument("--vocabulary", action="append", choices=("o200k", "cl100k"))
    parser.add_argument("--megabytes", type=int, default=210)
    parser.add_argument("--strings", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    parts = {
        "corpora": (corpora_texts(options.megabytes, options.seed), 1, options.megabytes),
        "points": (point_texts(range(POINTS)), BATCH, len(CONTEXTS) * (POINTS - len(SURROGATES))),
        "random": (random_texts(options.strings, options.seed), BATCH, options.strings),
    }
    tables = vocabularies(options.vocabulary or ("o200k", "cl100k"))
    print("variants:", *names(), "vocabularies:", *tables, flush=True)
    for part in options.part or parts:
        texts, size, total = parts[part]
        try:
            count, nbytes = compare(texts, size, tables, Progress(part, total))
        except DifferenceError as difference:
            print(f"{part}: DIFFERENT: {difference}")
            return 1
        print(f"{part}: {count} texts, {nbytes / 1e6:.1f} MB: identical", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
