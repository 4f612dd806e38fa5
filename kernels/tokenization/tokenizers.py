"""tokenizers (Hugging Face, Rust): encode and decode of a Tokenizer made from the same merges.

Its cache of words is switched off, so that it starts every word from nothing as all others do.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from armbench.bench.model import Array, Call, Case, Library, Operands, Outputs
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
        text = operands["text"].tobytes().decode()
        return lambda: tokenizer.encode(text, add_special_tokens=False).ids, _tokens
    tokens = operands["tokens"].tolist()
    return partial(tokenizer.decode, tokens, skip_special_tokens=False), _text


def _tokens(result: Any) -> Mapping[str, Array]:
    return {"tokens": np.array(result, np.int32), "count": np.array([len(result)])}


def _text(result: Any) -> Mapping[str, Array]:
    text = np.frombuffer(result.encode(), np.uint8)
    return {"text": text, "count": np.array([len(text)])}


VARIANT = Library(package="tokenizers", bind=bind, extra="tokenizers", threads=("RAYON_NUM_THREADS",))
