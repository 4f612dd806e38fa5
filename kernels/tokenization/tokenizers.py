"""tokenizers (Hugging Face, Rust): a Tokenizer made from the same merges and split pattern.

encode  encode on one CPU, encode_batch on several; an Encoding, of which the ids are taken
decode  decode, which gives text
stream  a DecodeStream for each document.  It holds a token back until all of its text is whole,
        where others give the characters before the unfinished one at once
state   its cache of words is switched off for cold cases; for warm ones it is as users have it:
        10 000 words, those that came first, emptied before each trial
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from armbench.bench.model import Array, Call, Case, Library, Operands, Outputs
from armbench.kernels.tokenization.corpora.documents import (
    stream_result,
    texts,
    token_lists,
    tokens_result,
)
from armbench.kernels.tokenization.vocabulary import shared
from armbench.kernels.tokenization.vocabulary.patterns import numbered
from armbench.kernels.tokenization.vocabulary.table import header, merges_in, specials_in, tokens_in
from armbench.kernels.tokenization.vocabulary.tokenizer_json import visible

if TYPE_CHECKING:
    from tokenizers import Tokenizer

STREAMED: Final = ("prose", "code", "json", "base64")  # whose tokens end with characters
CACHED_WORDS: Final = 10_000  # DEFAULT_CACHE_CAPACITY of tokenizers/src/utils/cache.rs


@shared.once
def tokenizer_of(table: Array, cached_words: int) -> Tokenizer:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    text, starts = tokens_in(table)
    letters = text.decode("latin-1").translate(visible())
    names = [letters[a:b] for a, b in pairwise(starts)]
    special = set(specials_in(table).values())
    vocabulary = {name: rank for rank, name in enumerate(names) if name and rank not in special}
    merges = [(names[left], names[right]) for left, right in merges_in(table)]
    model = models.BPE(vocab=vocabulary, merges=merges, cache_capacity=cached_words, ignore_merges=True)
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


def bind(case: Case, operands: Operands) -> tuple[Call, Outputs]:
    warm = case.operation == "encode" and case.params["state"] == "warm"
    tokenizer = tokenizer_of(operands["table"], CACHED_WORDS if warm else 0)
    if case.operation == "encode":
        tokenizer.model._clear_cache()
        return _encode(tokenizer, texts(operands)), partial(tokens_result, operands)
    tokens = token_lists(operands)
    if case.operation == "stream":
        return lambda: [_stream(tokenizer, d) for d in tokens], partial(stream_result, operands)
    decode = partial(tokenizer.decode, skip_special_tokens=False)
    return lambda: [decode(d) for d in tokens], partial(shared.encoded_result, operands)


def _encode(tokenizer: Tokenizer, documents: list[str]) -> Call:
    if shared.threads() > 1 and len(documents) > 1:
        batch = partial(tokenizer.encode_batch, documents, add_special_tokens=False)
        return lambda: [encoding.ids for encoding in batch()]
    encode = partial(tokenizer.encode, add_special_tokens=False)
    return lambda: [encode(document).ids for document in documents]


def _stream(tokenizer: Tokenizer, tokens: Sequence[int]) -> list[str]:
    from tokenizers.decoders import DecodeStream

    step = DecodeStream(skip_special_tokens=False).step
    return [step(tokenizer, token) or "" for token in tokens]


def accepts(case: Case) -> str | None:
    if case.operation == "stream" and case.params["corpus"] not in STREAMED:
        return "stream: it gives no character before all of a token is whole"
    return shared.lacks(case, ("encode", "decode", "stream"))


VARIANT = Library(
    package="tokenizers",
    bind=bind,
    extra="tokenizers",
    accepts=accepts,
    detail=partial(shared.detail, "tokenizers"),
    threads=("RAYON_NUM_THREADS",),
)
