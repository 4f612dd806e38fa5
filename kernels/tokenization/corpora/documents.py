"""Documents one behind another in one array: how they are put there and taken out again."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from armbench.bench.model import Array, Operands


def starts_of(lengths: Iterable[int]) -> Array:
    """int64 [documents + 1]: where each of these begins, and the last one ends."""
    return np.cumsum([0, *lengths], dtype=np.int64)


def cut(array: Array, starts: Array) -> list[Array]:
    """The parts between the starts."""
    return [array[a:b] for a, b in pairwise(starts.tolist())]


def texts(operands: Operands) -> list[str]:
    """The documents of an encoding operation."""
    return [part.tobytes().decode() for part in cut(operands["text"], operands["starts"])]


def token_lists(operands: Operands) -> list[list[int]]:
    """The documents of a decoding operation."""
    return [part.tolist() for part in cut(operands["tokens"], operands["token_starts"])]


def tokens_result(operands: Operands, documents: Sequence[Sequence[int]]) -> Mapping[str, Array]:
    """What a library's encoding gave, as the native operation `encode` lays it out."""
    starts = operands["starts"]
    tokens = _laid_out([np.array(d, np.int32) for d in documents], starts, np.int32)
    return {"tokens": tokens, "counts": np.array([len(d) for d in documents])}


def text_result(operands: Operands, documents: Sequence[bytes]) -> Mapping[str, Array]:
    """What a library's decoding gave, as the native operation `decode` lays it out."""
    starts = operands["starts"]
    text = _laid_out([np.frombuffer(d, np.uint8) for d in documents], starts, np.uint8)
    return {"text": text, "counts": np.array([len(d) for d in documents])}


def stream_result(operands: Operands, documents: Sequence[Sequence[str]]) -> Mapping[str, Array]:
    """What a library's stream gave with each token, as the native operation `stream` lays it out.

    A document may have one string more than tokens: what was left when they ended.
    """
    steps = [[piece.encode() for piece in document] for document in documents]
    sizes = np.diff(operands["token_starts"]).tolist()
    lengths = [len(piece) for pieces, size in zip(steps, sizes, strict=True) for piece in pieces[:size]]
    return {
        **text_result(operands, [b"".join(pieces) for pieces in steps]),
        "steps": np.array(lengths, np.int32),
    }


def streamed(pieces: Iterable[bytes]) -> list[str]:
    """The text that each piece completes, and what is left behind the last (bpe.h, stream)."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return [*map(decoder.decode, pieces), decoder.decode(b"", final=True)]


def gathered(array: Array, starts: Array, counts: Array) -> Array:
    """The first counts[d] of what begins at starts[d], for every document."""
    return np.concatenate([array[a : a + n] for a, n in zip(starts.tolist(), counts.tolist(), strict=False)])


def _laid_out(parts: Sequence[Array], starts: Array, dtype: Any) -> Array:
    """Each part at its start; one that is longer than its room is cut, and its count tells."""
    result = np.zeros(int(starts[-1]), dtype)
    for part, first, end in zip(parts, starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        result[first : min(end, first + len(part))] = part[: end - first]
    return result
