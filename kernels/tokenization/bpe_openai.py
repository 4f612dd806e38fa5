"""bpe-openai (GitHub's crate bpe, Rust): the vocabularies o200k and cl100k that it is built with.

Called are its bindings: what its Encoding does around them in Python takes as long, and refuses
texts of a million characters.

encode, count  of each document; it has no batch call but a pool of Python threads around these
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
    bindings = import_module("bpe_openai._bindings")
    tokenizer: shared.Tokenizer = bindings.tokenizer_for_encoding(f"{vocabulary}_base")
    return tokenizer


def bind(case: Case, operands: Operands) -> tuple[Call, Outputs]:
    return shared.bind_each(tokenizer_of(str(case.params["vocabulary"])), case, operands)


VARIANT = Library(
    package="bpe-openai",
    bind=bind,
    extra="tokenizers",
    accepts=shared.accepts_cold,
    detail=partial(shared.detail, "bpe-openai"),
)
