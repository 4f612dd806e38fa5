"""tiktoken (Rust): encode_ordinary and decode_bytes of an Encoding made from the same ranks.

It keeps no memory of earlier words.
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
        return partial(encoding.encode_ordinary, operands["text"].tobytes().decode()), _tokens
    return partial(encoding.decode_bytes, operands["tokens"].tolist()), _text


def _tokens(result: Any) -> Mapping[str, Array]:
    return {"tokens": np.array(result, np.int32), "count": np.array([len(result)])}


def _text(result: Any) -> Mapping[str, Array]:
    return {"text": np.frombuffer(result, np.uint8), "count": np.array([len(result)])}


VARIANT = Library(package="tiktoken", bind=bind, extra="tokenizers")
