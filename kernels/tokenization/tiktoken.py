"""tiktoken (Rust): an Encoding made from the same ranks and split pattern.

encode  encode_ordinary of each document on one CPU, encode_ordinary_batch with a thread for each on several
decode  decode_bytes
stream  decode_single_token_bytes of each token and Python's incremental decoder: it has nothing else
state   cold: it keeps no memory of earlier words (only fancy-regex's automata, which any text warms up)
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from armbench.bench.model import Array, Call, Case, Library, Operands, Outputs
from armbench.kernels.tokenization.corpora.documents import (
    stream_result,
    text_result,
    texts,
    token_lists,
    tokens_result,
)
from armbench.kernels.tokenization.vocabulary import shared
from armbench.kernels.tokenization.vocabulary.patterns import numbered
from armbench.kernels.tokenization.vocabulary.table import header, ranks_in

if TYPE_CHECKING:
    from tiktoken import Encoding


@shared.once
def encoding_of(table: Array) -> Encoding:
    from tiktoken import Encoding

    pattern = numbered(header(table)["pattern"])
    ranks = ranks_in(table)
    return Encoding(pattern.name, pat_str=pattern.expression, mergeable_ranks=ranks, special_tokens={})


def bind(case: Case, operands: Operands) -> tuple[Call, Outputs]:
    encoding = encoding_of(operands["table"])
    if case.operation == "encode":
        documents, threads = texts(operands), shared.threads()
        if threads > 1 and len(documents) > 1:
            batch = partial(encoding.encode_ordinary_batch, documents, num_threads=threads)
            return batch, partial(tokens_result, operands)
        return lambda: [encoding.encode_ordinary(d) for d in documents], partial(tokens_result, operands)
    tokens = token_lists(operands)
    if case.operation == "stream":
        piece = encoding.decode_single_token_bytes
        return lambda: [shared.stream(map(piece, d)) for d in tokens], partial(stream_result, operands)
    return lambda: [encoding.decode_bytes(d) for d in tokens], partial(text_result, operands)


def accepts(case: Case) -> str | None:
    if reason := shared.lacks(case, ("encode", "decode", "stream")):
        return reason
    return "warm: it remembers no words" if case.params["state"] == "warm" else None


VARIANT = Library(
    package="tiktoken",
    bind=bind,
    extra="tokenizers",
    accepts=accepts,
    detail=partial(shared.detail, "tiktoken"),
)
