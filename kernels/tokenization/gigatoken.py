"""gigatoken (Rust): a Tokenizer made from the same ranks, with its own split of that name.

encode  encode of each document on one CPU, an array each, which is its fastest way; encode_batch
        on several (which takes 1 MB at least for a thread)
decode  decode, which gives bytes
stream  decode of each token and Python's incremental decoder: it has nothing else
state   warm: it keeps the tokens of every word that it has seen, for good, and begins with those of
        all words that are tokens.  A first pass is over after one call, and can only be had again
        from a new Tokenizer, which takes a second to make: tests/comparisons has it
"""

from __future__ import annotations

import os
import tempfile
from functools import partial
from typing import TYPE_CHECKING

from armbench.bench.model import Array, Call, Case, Library, Operands, Outputs
from armbench.kernels.tokenization.corpora.documents import (
    cut,
    stream_result,
    text_result,
    tokens_result,
)
from armbench.kernels.tokenization.vocabulary import shared
from armbench.kernels.tokenization.vocabulary.patterns import numbered
from armbench.kernels.tokenization.vocabulary.ranks import render
from armbench.kernels.tokenization.vocabulary.table import header, ranks_in

if TYPE_CHECKING:
    from gigatoken import Tokenizer


def new_tokenizer(table: Array) -> Tokenizer:
    """One that has not seen any text yet."""
    from gigatoken import Tokenizer

    pattern = numbered(header(table)["pattern"])
    with tempfile.NamedTemporaryFile("w", suffix=".tiktoken", delete=False) as file:
        file.write(render(ranks_in(table)))
    try:
        return Tokenizer.from_tiktoken(file.name, pretokenizer=pattern.name, special_tokens={})
    finally:
        os.unlink(file.name)


tokenizer_of = shared.once(new_tokenizer)


def bind(case: Case, operands: Operands) -> tuple[Call, Outputs]:
    tokenizer = tokenizer_of(operands["table"])
    if case.operation == "encode":
        documents = [part.tobytes() for part in cut(operands["text"], operands["starts"])]
        if shared.threads() > 1 and len(documents) > 1:
            return partial(tokenizer.encode_batch, documents), partial(tokens_result, operands)
        return lambda: [tokenizer.encode(d) for d in documents], partial(tokens_result, operands)
    tokens = [part.astype("u4") for part in cut(operands["tokens"], operands["token_starts"])]
    if case.operation == "stream":
        lists = [[[token] for token in document.tolist()] for document in tokens]
        piece = tokenizer.decode
        return lambda: [shared.stream(map(piece, d)) for d in lists], partial(stream_result, operands)
    return lambda: [tokenizer.decode(d) for d in tokens], partial(text_result, operands)


def accepts(case: Case) -> str | None:
    if reason := shared.lacks(case, ("encode", "decode", "stream")):
        return reason
    cold = case.operation == "encode" and case.params["state"] == "cold"
    return "cold: it remembers every word that it has seen" if cold else None


VARIANT = Library(
    package="gigatoken",
    bind=bind,
    extra="tokenizers",
    accepts=accepts,
    detail=partial(shared.detail, "gigatoken"),
    threads=("RAYON_NUM_THREADS",),
)
