"""tiktoken (Rust): encode_ordinary and decode_bytes of an Encoding made from the same ranks.

It keeps no memory of earlier words.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from armbench.bench.model import Array, Call, Case, Library, Operands, Outputs
from armbench.kernels.tokenization.corpora.documents import text_result, texts, token_lists, tokens_result
from armbench.kernels.tokenization.vocabulary.patterns import numbered
from armbench.kernels.tokenization.vocabulary.shared import once
from armbench.kernels.tokenization.vocabulary.table import header, tokens_in

if TYPE_CHECKING:
    from tiktoken import Encoding


@once
def encoding_of(table: Array) -> Encoding:
    from tiktoken import Encoding

    text, starts = tokens_in(table)
    ranks = {text[a:b]: rank for rank, (a, b) in enumerate(pairwise(starts)) if a < b}
    pattern = numbered(header(table)["pattern"])
    return Encoding(pattern.name, pat_str=pattern.expression, mergeable_ranks=ranks, special_tokens={})


def bind(case: Case, operands: Operands) -> tuple[Call, Outputs]:
    encoding = encoding_of(operands["table"])
    if case.operation == "encode":
        documents = texts(operands)
        return lambda: [encoding.encode_ordinary(d) for d in documents], partial(tokens_result, operands)
    tokens = token_lists(operands)
    return lambda: [encoding.decode_bytes(d) for d in tokens], partial(text_result, operands)


def accepts(case: Case) -> str | None:
    """Cold, encode and decode: what it has."""
    if case.operation not in ("encode", "decode"):
        return f"tiktoken has no {case.operation}"
    return "tiktoken remembers no words" if case.params["state"] == "warm" else None


VARIANT = Library(package="tiktoken", bind=bind, extra="tokenizers", accepts=accepts)
