"""Byte-level BPE of one document: encode to tokens, decode to text.

An agent's prompts are long and mixed, and their tokenization is a good part of the time to the
first token.  Every variant has the same vocabulary and split pattern and must give exactly the
tokens of the reference (vocabulary/reference.py).

The state is cold: no word is remembered from an earlier one.  What a processor remembers is
another matter: a document of 2 KB that is encoded again and again is learnt by its branch
predictor and stays in its first caches; one of 100 KB shows what a new text costs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from armbench.bench.errors import UserError
from armbench.bench.model import Array, Case, Kernel, Operand, Problem, Settings, Work, empty
from armbench.kernels.tokenization.corpora import CORPORA, generate
from armbench.kernels.tokenization.vocabulary import Vocabulary, find, load
from armbench.kernels.tokenization.vocabulary.reference import encode

SIZES: Final = {"2k": 2048, "100k": 102400}
DIRECTIONS: Final = ("encode", "decode")
# Every corpus in short documents, and in long ones those that differ most from their short ones.
CORE_LONG: Final = {("encode", "prose"), ("encode", "code"), ("encode", "mixed"), ("decode", "mixed")}
OWN: Final = "own"  # the corpus of the user's file


def cases(settings: Settings) -> Sequence[Case]:
    """Every direction, corpus and size, with the best vocabulary there is; the user's text whole.

    Raises UserError for a vocabulary or a text that cannot be used.
    """
    vocabulary = find(settings)
    documents = [(corpus, size) for corpus in CORPORA for size in SIZES.values()]
    if settings.corpus:
        documents.append((OWN, len(own_text(settings.corpus).encode())))
    return [case_of(vocabulary, *document, direction) for direction in DIRECTIONS for document in documents]


def case_of(vocabulary: Vocabulary, corpus: str, size: int, direction: str) -> Case:
    """A document of `size` bytes of a corpus."""
    name = next((name for name, known in SIZES.items() if known == size), str(size))
    short = name == "2k" and direction == "encode"
    core = short or corpus == OWN or (name == "100k" and (direction, corpus) in CORE_LONG)
    return Case(
        f"{vocabulary.name}-{corpus}-{name}-{direction}",
        {
            "vocabulary": vocabulary.name,
            "corpus": corpus,
            "bytes": size,
            "batch": 1,
            "direction": direction,
            "state": "cold",
        },
        operation=direction,
        native_params=(size, vocabulary.ranks),
        tier="core" if core else "full",
    )


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


def problem(case: Case, settings: Settings, seed: int) -> Problem:
    """A document and its tokens, one the question and the other the answer.

    encode: text uint8 [bytes] -> tokens int32 [bytes], of which the first count[0] are meant;
    decode: tokens int32 [length[0]] -> text uint8 [bytes], likewise.
    """
    vocabulary = find(settings)
    table = load(vocabulary).table
    own = settings.corpus if case.params["corpus"] == OWN else None
    text, tokens = _document(vocabulary, own or str(case.params["corpus"]), case.native_params[0], seed)
    question: tuple[Operand, ...]
    if case.operation == "encode":
        question, expected = (Operand("text", text),), {"tokens": tokens}
        answer = Operand("tokens", empty(text.shape, np.int32), output=True)
    else:
        question = (Operand("tokens", tokens), Operand("length", np.array([len(tokens)])))
        answer, expected = Operand("text", empty(text.shape, np.uint8), output=True), {"text": text}
    count = Operand("count", empty(1, np.int64), output=True)
    work = Work(
        bytes_read=question[0].data.nbytes,
        bytes_written=sum(array.nbytes for array in expected.values()),
        items=len(tokens),
        item="token",
    )
    return Problem((*question, Operand("table", table), answer, count), expected, 0.0, work)


@lru_cache(maxsize=2 * len(CORPORA))
def _document(vocabulary: Vocabulary, corpus: str | Path, size: int, seed: int) -> tuple[Array, Array]:
    """A text, generated or the user's, as uint8, and its tokens, int32, by the reference."""
    text = own_text(corpus) if isinstance(corpus, Path) else generate(corpus, size, seed)
    tokens = encode(text, load(vocabulary).ranks, vocabulary.pattern)
    return np.frombuffer(text.encode(), np.uint8), np.array(tokens, np.int32)


def error(problem: Problem, outputs: Mapping[str, Array]) -> float:
    """0 when as many tokens or bytes as expected were written and all are the same, else inf."""
    ((name, expected),) = problem.expected.items()
    count = int(outputs["count"][0])
    same = count == len(expected) and np.array_equal(outputs[name][:count], expected)
    return 0.0 if same else float("inf")


KERNEL = Kernel(
    name="tokenization",
    version=1,
    summary="byte-level BPE of agents' texts, exact",
    cases=cases,
    problem=problem,
    error=error,
)
