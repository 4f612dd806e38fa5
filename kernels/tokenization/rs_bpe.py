"""rs-bpe (Rust, from GitHub's crate bpe): the vocabularies o200k and cl100k that it is built with.

encode, count  encode of each document, count of each
decode         which gives text
stream         none: it has no bytes of a token
state          cold: it keeps no memory of earlier words
"""

from __future__ import annotations

from functools import cache, partial
from importlib import import_module

from armbench.bench.model import Call, Case, Library, Operands, Outputs
from armbench.kernels.tokenization.vocabulary import shared


@cache
def tokenizer_of(vocabulary: str) -> shared.Tokenizer:
    bindings = import_module("rs_bpe.bpe")
    tokenizer: shared.Tokenizer = getattr(bindings.openai, f"{vocabulary}_base")()
    return tokenizer


def bind(case: Case, operands: Operands) -> tuple[Call, Outputs]:
    return shared.bind_each(tokenizer_of(str(case.params["vocabulary"])), case, operands)


VARIANT = Library(
    package="rs-bpe",
    bind=bind,
    extra="tokenizers",
    accepts=shared.accepts_cold,
    detail=partial(shared.detail, "rs-bpe"),
)
