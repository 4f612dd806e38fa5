"""What several libraries need: the vocabulary of a table, made once, and answers of the same words."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from typing import Concatenate, ParamSpec, Protocol, TypeVar

import numpy as np

from armbench.bench.model import Array, Call, Case, Operands, Outputs
from armbench.kernels.tokenization.corpora.documents import text_result, texts, token_lists, tokens_result
from armbench.kernels.tokenization.vocabulary.table import header

P = ParamSpec("P")
T = TypeVar("T")


def once(build: Callable[Concatenate[Array, P], T]) -> Callable[Concatenate[Array, P], T]:
    """`build` that makes one object for each vocabulary and further arguments in a process.

    The table itself is not kept: it may lie in memory that is freed later.
    """
    made: dict[tuple[object, ...], T] = {}

    def get(table: Array, /, *args: P.args, **kwargs: P.kwargs) -> T:
        key = (header(table)["digest"], args, *kwargs.items())
        if key not in made:
            made[key] = build(table, *args, **kwargs)
        return made[key]

    return get


def threads() -> int:
    """How many CPUs a library may use: those of the trial, to which the worker is bound."""
    return len(os.sched_getaffinity(0))


def stream(pieces: Iterable[bytes]) -> list[str]:
    """What each piece completes, as a server sends it that has only the bytes of tokens."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decode = decoder.decode
    return [*[decode(piece) for piece in pieces], decode(b"", True)]


class Tokenizer(Protocol):
    """What the bindings of GitHub's crate bpe have."""

    def encode(self, text: str) -> list[int]: ...
    def count(self, text: str) -> int: ...
    def decode(self, tokens: list[int]) -> str | None: ...


def bind_each(tokenizer: Tokenizer, case: Case, operands: Operands) -> tuple[Call, Outputs]:
    """encode, count or decode of one document after the other."""
    if case.operation == "decode":
        tokens = token_lists(operands)
        return lambda: [tokenizer.decode(d) for d in tokens], partial(encoded_result, operands)
    documents = texts(operands)
    if case.operation == "count":
        return lambda: [tokenizer.count(d) for d in documents], _counts
    return lambda: [tokenizer.encode(d) for d in documents], partial(tokens_result, operands)


def accepts_cold(case: Case) -> str | None:
    """The reason for a case that these bindings cannot do: they remember no words and stream nothing."""
    reason = lacks(case, ("encode", "count", "decode")) or only_published(case)
    return reason or ("warm: it remembers no words" if case.params["state"] == "warm" else None)


def encoded_result(operands: Operands, result: Sequence[str | None]) -> Mapping[str, Array]:
    """What a library's decoding to text gave; None is what it could not decode."""
    return text_result(operands, [(document or "").encode() for document in result])


def _counts(result: Sequence[int]) -> Mapping[str, Array]:
    return {"counts": np.array(result, np.int64)}


def lacks(case: Case, operations: Iterable[str]) -> str | None:
    """The reason for a case whose operation is none of these."""
    return None if case.operation in operations else f"{case.operation}: it has none"


def only_published(case: Case) -> str | None:
    """The reason for a vocabulary that a library does not bring along."""
    name = case.params["vocabulary"]
    return None if name in ("o200k", "cl100k") else f"it has only o200k and cl100k, not {name}"


def detail(package: str) -> str:
    return f"{package} {version(package)}"
