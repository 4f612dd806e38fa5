"""tokenizers (Hugging Face, Rust): encode and decode of a Tokenizer made from the same merges.

Its cache of words is switched off, so that it starts every word from nothing as all others do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from armbench.bench.model import Array, Call, Case, Library, Operands, Outputs
from armbench.kernels.tokenization.corpora.documents import text_result, texts, token_lists, tokens_result
from armbench.kernels.tokenization.vocabulary.patterns import numbered
from armbench.kernels.tokenization.vocabulary.shared import once
from armbench.kernels.tokenization.vocabulary.table import header, merges_in, tokens_in

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@once
def tokenizer_of(table: Array) -> Tokenizer:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    text, starts = tokens_in(table)
    letters = text.decode("latin-1").translate(_visible())
    names = [letters[a:b] for a, b in pairwise(starts)]
    vocabulary = {name: rank for rank, name in enumerate(names) if name}
    merges = [(names[left], names[right]) for left, right in merges_in(table)]
    model = models.BPE(vocab=vocabulary, merges=merges, cache_capacity=0, ignore_merges=True)
    tokenizer = Tokenizer(model)
    expression = numbered(header(table)["pattern"]).oniguruma
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(expression), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _visible() -> dict[int, int]:
    """The character that stands for each byte: GPT-2's table, which gives every byte a visible one."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in visible]
    return {byte: byte for byte in visible} | {byte: 256 + i for i, byte in enumerate(others)}


def bind(case: Case, operands: Operands) -> tuple[Call, Outputs]:
    tokenizer = tokenizer_of(operands["table"])
    if case.operation == "encode":
        documents = texts(operands)
        encode = partial(tokenizer.encode, add_special_tokens=False)
        return lambda: [encode(d).ids for d in documents], partial(tokens_result, operands)
    tokens = token_lists(operands)
    return lambda: [tokenizer.decode(d, skip_special_tokens=False) for d in tokens], partial(_text, operands)


def _text(operands: Operands, result: Sequence[str]) -> Mapping[str, Array]:
    return text_result(operands, [document.encode() for document in result])


def accepts(case: Case) -> str | None:
    """Cold, encode and decode."""
    if case.operation not in ("encode", "decode"):
        return f"tokenizers has no {case.operation}"
    return "its cache of words is switched off" if case.params["state"] == "warm" else None


VARIANT = Library(
    package="tokenizers", bind=bind, extra="tokenizers", accepts=accepts, threads=("RAYON_NUM_THREADS",)
)
