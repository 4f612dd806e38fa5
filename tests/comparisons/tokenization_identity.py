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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise

import numpy as np
from rich.console import Console
from rich.progress import Progress

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
    *("{}", "{0}{0}", "a{}", "{}a", "A{}", "{}A", "é{}", "{}é", "1{}", "{}1", "٣{}", "{}٣"),
    *(" {}", "{} ", "\n{}", "{}\n", "\t{}", "{}\t", "'{}", "{}'s", "!{}", "{}/"),
)

Tokenize = Callable[[str], list[int]]


class DifferenceError(Exception):
    """A text of which a variant gives other tokens than tiktoken, another count or another text."""

    def __init__(self, variant: str, what: str, text: str, ours: list[int], theirs: list[int]):
        shown = f"{variant}, {what} of {text[:200]!r}"
        super().__init__(f"{shown}\n  ours   {ours[:40]}\n  theirs {theirs[:40]}")


# --- texts ---------------------------------------------------------------------------------


def corpora_texts(megabytes: int, seed: int = 1) -> Iterator[str]:
    """Documents of all corpora in turn."""
    for number in range(max(1, megabytes)):
        yield generate(CORPORA[number % len(CORPORA)], DOCUMENT_BYTES, seed + number)


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
class Batch:
    """Texts one behind another, and tiktoken's tokens of them, likewise."""

    texts: list[str]
    data: Array  # uint8
    starts: Array  # int64
    tokens: Array  # int32
    token_starts: Array  # int64

    @classmethod
    def of(cls, texts: list[str], tokenize: Tokenize) -> Batch:
        encoded = [text.encode() for text in texts]
        tokens = list(map(tokenize, texts))
        return cls(
            texts,
            np.frombuffer(b"".join(encoded), np.uint8),
            starts_of(map(len, encoded)),
            np.fromiter(chain.from_iterable(tokens), np.int32),
            starts_of(map(len, tokens)),
        )


def names() -> list[str]:
    """The native variants that this CPU runs."""
    of_kernel = (v for v in native.variants() if (v.kernel, v.operation) == ("tokenization", "encode"))
    return [v.name for v in of_kernel if v.supported]


def run(variant: str, operation: str, params: Sequence[int], operands: Sequence[Array]) -> None:
    found = native.find("tokenization", variant, operation)
    assert found
    native.Bound(found, params, operands)()


def check(batch: Batch, variant: str, table: Array, slots: int) -> None:
    """Encode, count and decode.  Raises DifferenceError."""
    size, count, ranks = len(batch.data), len(batch.texts), header(table)["ranks"]
    longest = int(np.diff(batch.starts).max(initial=0))
    params = (size, count, longest, ranks, slots, 0, 0)
    tokens, counts, only = np.zeros(size, np.int32), np.zeros(count, np.int64), np.zeros(count, np.int64)
    run(variant, "encode", params, (batch.data, batch.starts, table, tokens, counts))
    run(variant, "count", params, (batch.data, batch.starts, table, only))
    name = f"{variant} {'warm' if slots else 'cold'}"
    expected = np.diff(batch.token_starts)
    _require(batch, name, "number of tokens", counts == expected, tokens, counts)
    _require(batch, name, "count", only == expected, tokens, counts)
    places = np.arange(len(batch.tokens)) + np.repeat(batch.starts[:-1] - batch.token_starts[:-1], counts)
    differs = tokens[places] != batch.tokens
    same = np.ones(count, bool)
    same[np.searchsorted(batch.token_starts, np.nonzero(differs)[0], "right") - 1] = False
    _require(batch, name, "tokens", same, tokens, counts)
    text = np.zeros(size, np.uint8)
    operands = (batch.tokens, batch.token_starts, batch.starts, table, text, counts)
    run(variant, "decode", (size, count, ranks), operands)
    if not np.array_equal(text, batch.data):
        raise DifferenceError(name, "decoded text", "".join(batch.texts), [], [])


def _require(batch: Batch, variant: str, what: str, same: Array, tokens: Array, counts: Array) -> None:
    if same.all():
        return
    d = int(np.argmin(same))
    ours = tokens[batch.starts[d] :][: counts[d]].tolist()
    theirs = batch.tokens[batch.token_starts[d] : batch.token_starts[d + 1]].tolist()
    raise DifferenceError(variant, what, batch.texts[d], ours, theirs)


def compare(texts: Iterator[str], size: int, name: str, advance: Callable[[int], None]) -> tuple[int, int]:
    """(texts, bytes) found the same, `size` at a time.  Raises DifferenceError."""
    known = vocabulary.published(name)
    if known is None:
        raise SystemExit(f"no copy of {name}: pip install bpe-openai")
    table = vocabulary.load(known).table
    tokenize = encoding_of(table).encode_ordinary
    total = total_bytes = 0
    while some := list(islice(texts, size)):
        batch = Batch.of(some, tokenize)
        for variant in names():
            for slots in (0, WARM_SLOTS):
                check(batch, variant, table, slots)
        total, total_bytes = total + len(some), total_bytes + len(batch.data)
        advance(len(some))
    return total, total_bytes


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Are all tokens those of tiktoken?")
    parser.add_argument("--part", action="append", choices=("corpora", "points", "random"))
    parser.add_argument("--vocabulary", action="append", choices=("o200k", "cl100k"))
    parser.add_argument("--megabytes", type=int, default=210)
    parser.add_argument("--strings", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    points = range(POINTS)
    parts = {
        "corpora": (lambda: corpora_texts(options.megabytes, options.seed), 1, options.megabytes),
        "points": (lambda: point_texts(points), BATCH, len(CONTEXTS) * (POINTS - len(SURROGATES))),
        "random": (lambda: random_texts(options.strings, options.seed), BATCH, options.strings),
    }
    print("variants:", *names())
    with Progress(console=Console(stderr=True)) as progress:
        for part in options.part or parts:
            texts, size, total = parts[part]
            for name in options.vocabulary or ("o200k", "cl100k"):
                task = progress.add_task(f"{part}, {name}", total=total)
                try:
                    count, nbytes = compare(
                        texts(), size, name, lambda n, task=task: progress.advance(task, n)
                    )
                except DifferenceError as difference:
                    print(f"{part}, {name}: DIFFERENT: {difference}")
                    return 1
                print(f"{part}, {name}: {count} texts, {nbytes / 1e6:.1f} MB: identical", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
