"""Byte-level BPE: documents to tokens and back.

An agent's prompts are long and mixed, and their tokenization is a good part of the time to the
first token.  Every variant has the same vocabulary and split pattern and must give exactly the
tokens of the reference (vocabulary/reference.py).

directions  encode, count (how many tokens, none written), decode, and stream: decode token by
            token, each step giving only the characters that are whole with it
states      cold: no word is remembered, not even within a document.  warm: whole words are, in a
            cache of `slots` (memory.h), which the calls before have filled; decoding remembers
            nothing in either, and is called cold
sizes       2k is BATCHES["2k"] different documents of 2 KB in one call, so that neither the
            branch predictor nor the word cache learns one of them by heart; 100k and 1m one long
            document; 512x2k a batch that many CPUs can share, of documents as in 2k
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from armbench.bench.errors import UserError
from armbench.bench.model import Array, Case, Kernel, Operand, Problem, Settings, Work, empty
from armbench.kernels.tokenization.corpora import CORPORA, generate
from armbench.kernels.tokenization.corpora.documents import gathered, starts_of, streamed
from armbench.kernels.tokenization.vocabulary import Vocabulary, find, load
from armbench.kernels.tokenization.vocabulary.reference import encode
from armbench.kernels.tokenization.vocabulary.table import tokens_in

SIZES: Final = {"2k": 2048, "100k": 102400, "1m": 1048576, "512x2k": 2048}
BATCHES: Final = {"2k": 64, "100k": 1, "1m": 1, "512x2k": 512}  # documents of a call
TRANSCRIPT: Final = "mixed"  # the corpus of the longest documents and of the batch
OWN: Final = "own"  # the corpus of the user's file
WARM_SLOTS: Final = 8192  # 256 KB: half of a small second-level cache
# Direction and state, None where nothing is ever remembered.
KINDS: Final = (
    ("encode", "cold"),
    ("encode", "warm"),
    ("count", "cold"),
    ("count", "warm"),
    ("decode", None),
    ("stream", None),
)
CORE_SHORT: Final = ("prose", "code", "json", "cjk", "mixed")  # encoded, cold and warm
CORE_LONG: Final = {
    ("100k", "encode", "cold"),
    ("100k", "count", "cold"),
    ("100k", "decode", None),
    ("100k", "stream", None),
    ("1m", "encode", "cold"),
    ("512x2k", "encode", "cold"),
}


def cases(settings: Settings) -> Sequence[Case]:
    """Every direction, state, corpus and size, with the best vocabulary there is; the user's text whole.

    Raises UserError for a vocabulary or a text that cannot be used.
    """
    vocabulary = find(settings)
    shapes = list(_shapes())
    if settings.corpus:
        size = len(own_text(settings.corpus).encode())
        shapes.append((OWN, str(size), size, 1))
    return [
        case_of(vocabulary, corpus, name, size, batch, direction, state)
        for direction, state in KINDS
        for corpus, name, size, batch in shapes
    ]


def _shapes() -> Iterator[tuple[str, str, int, int]]:
    """(corpus, name of the size, bytes of a document, documents)"""
    for name, size in SIZES.items():
        for corpus in CORPORA if name in ("2k", "100k") else (TRANSCRIPT,):
            yield corpus, name, size, BATCHES[name]


def case_of(
    vocabulary: Vocabulary, corpus: str, name: str, size: int, batch: int, direction: str, state: str | None
) -> Case:
    """`batch` documents of `size` bytes of a corpus."""
    total = size * batch
    slots = WARM_SLOTS if state == "warm" else 0
    encodes = direction in ("encode", "count")
    return Case(
        "-".join(filter(None, (vocabulary.name, corpus, name, direction, state))),
        {
            "vocabulary": vocabulary.name,
            "corpus": corpus,
            "bytes": size,
            "batch": batch,
            "direction": direction,
            "state": state or "cold",
        },
        operation=direction,
        native_params=(total, batch, size, vocabulary.ranks, slots, 0, 0)
        if encodes
        else (total, batch, vocabulary.ranks),
        tier="core" if _is_core(corpus, name, direction, state) else "full",
    )


def _is_core(corpus: str, name: str, direction: str, state: str | None) -> bool:
    if name == "2k":
        return direction == "encode" and corpus in CORE_SHORT
    return corpus == OWN or (corpus == TRANSCRIPT and (name, direction, state) in CORE_LONG)


@cache
def own_text(path: Path) -> str:
    """The user's text; UserError, one line that names the file, when it is none."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}") from None
    if not text:
        raise UserError(f"{path}: the file is empty")
    return text


# --- problems ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Documents:
    """Texts and their tokens, each one behind another, and where each begins and the last ends."""

    text: Array  # uint8
    starts: Array  # int64
    tokens: Array  # int32
    token_starts: Array  # int64


def problem(case: Case, settings: Settings, seed: int) -> Problem:
    """Documents and their tokens, one the question and the other the answer; operands as in bpe.h."""
    vocabulary = find(settings)
    table = load(vocabulary).table
    params = case.params
    own = settings.corpus if params["corpus"] == OWN else None
    corpus, size, batch = own or str(params["corpus"]), params["bytes"], params["batch"]
    assert isinstance(size, int) and isinstance(batch, int)
    documents = _documents(vocabulary, corpus, size, batch, seed)
    encodes = case.operation in ("encode", "count")
    question = _texts(documents, table) if encodes else _tokens(documents, table)
    answer = _answer(documents, case.operation, table)
    outputs = tuple(Operand(name, empty(_room(documents, name, array), array.dtype), output=True)
                    for name, array in answer.items())  # fmt: skip
    data = documents.text.nbytes if encodes else documents.tokens.nbytes
    work = Work(
        bytes_read=data,
        bytes_written=sum(array.nbytes for array in answer.values()),
        items=len(documents.tokens),
        item="token",
    )
    return Problem((*question, *outputs), answer, 0.0, work)


def _texts(documents: Documents, table: Array) -> tuple[Operand, ...]:
    return Operand("text", documents.text), Operand("starts", documents.starts), Operand("table", table)


def _tokens(documents: Documents, table: Array) -> tuple[Operand, ...]:
    return (
        Operand("tokens", documents.tokens),
        Operand("token_starts", documents.token_starts),
        Operand("starts", documents.starts),
        Operand("table", table),
    )


def _answer(documents: Documents, operation: str, table: Array) -> dict[str, Array]:
    """What the operation's outputs hold, without the gaps, in the order of its operands."""
    if operation == "encode":
        return {"tokens": documents.tokens, "counts": np.diff(documents.token_starts)}
    if operation == "count":
        return {"counts": np.diff(documents.token_starts)}
    steps = {"steps": _steps(documents, table)} if operation == "stream" else {}
    return {"text": documents.text, **steps, "counts": np.diff(documents.starts)}


def _room(documents: Documents, name: str, array: Array) -> int:
    """Elements of an output: a document has at most as many tokens as bytes."""
    return len(documents.text) if name == "tokens" else len(array)


def _steps(documents: Documents, table: Array) -> Array:
    """Bytes that each token completes."""
    text, starts = tokens_in(table)
    steps: list[int] = []
    for first, end in pairwise(documents.token_starts.tolist()):
        tokens = documents.tokens[first:end].tolist()
        pieces = streamed(text[starts[token] : starts[token + 1]] for token in tokens)
        steps += [len(piece.encode()) for piece in pieces[:-1]]
    return np.array(steps, np.int32)


@lru_cache(maxsize=3 * len(CORPORA))
def _documents(vocabulary: Vocabulary, corpus: str | Path, size: int, batch: int, seed: int) -> Documents:
    """Texts, generated or the user's, and their tokens by the reference."""
    if isinstance(corpus, Path):
        texts = [own_text(corpus)]
    else:
        texts = [generate(corpus, size, seed * 4096 + number) for number in range(batch)]
    ranks = load(vocabulary).ranks
    known: dict[str, list[int]] = {}
    tokens = [encode(text, ranks, vocabulary.pattern, known) for text in texts]
    data = [text.encode() for text in texts]
    return Documents(
        text=np.frombuffer(b"".join(data), np.uint8),
        starts=starts_of(map(len, data)),
        tokens=np.array([token for document in tokens for token in document], np.int32),
        token_starts=starts_of(map(len, tokens)),
    )


def error(problem: Problem, outputs: Mapping[str, Array]) -> float:
    """0 when every document has as many tokens or bytes as expected and all are the same, else inf."""
    starts = next(o.data for o in problem.operands if o.name == "starts")
    expected = problem.expected
    counts = outputs["counts"]
    if not np.array_equal(counts, expected["counts"]):
        return float("inf")
    for name in expected.keys() - {"counts"}:
        given = outputs[name] if name == "steps" else gathered(outputs[name], starts, counts)
        if not np.array_equal(given, expected[name]):
            return float("inf")
    return 0.0


KERNEL = Kernel(
    name="tokenization",
    version=2,
    summary="byte-level BPE of agents' texts, exact",
    cases=cases,
    problem=problem,
    error=error,
)
