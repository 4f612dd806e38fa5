"""tests/comparisons/tokenization_identity.py, a few seconds of it, and that it finds differences."""

from __future__ import annotations

import random
from itertools import islice

import pytest

from armbench.kernels.tokenization import vocabulary
from armbench.kernels.tokenization.corpora import CORPORA
from armbench.kernels.tokenization.vocabulary.classes import POINTS
from tests.comparisons import tokenization_identity as identity


@pytest.fixture(scope="module")
def tables() -> identity.Tables:
    pytest.importorskip("tiktoken")
    if not vocabulary.published("o200k") or not vocabulary.published("cl100k"):
        pytest.skip("no copy of o200k and cl100k: pip install bpe-openai")
    return identity.vocabularies(("o200k", "cl100k"))


def test_corpora(tables: identity.Tables) -> None:
    texts = identity.corpora_texts(len(CORPORA), seed=100, size=30_000)
    assert identity.compare(texts, 2, tables) == (len(CORPORA), 30_000 * len(CORPORA))


def test_points(tables: identity.Tables) -> None:
    points = [*range(0x180), *random.Random(5).sample(range(POINTS), 300), POINTS - 1, 0xD7FF, 0xE000]
    count, _ = identity.compare(identity.point_texts(points), 5000, tables)
    assert count == len(identity.CONTEXTS) * sum(p not in identity.SURROGATES for p in points)


def test_random_strings(tables: identity.Tables) -> None:
    assert identity.compare(identity.random_texts(20_000, seed=6), 7000, tables)[0] == 20_000


def test_random_strings_are_of_many_kinds() -> None:
    texts = list(islice(identity.random_texts(5000, seed=7), 5000))
    assert len(texts) == 5000 and len(set(texts)) > 4800
    assert {len(text) for text in texts} == set(range(1, identity.LONGEST + 1))
    assert 0.1 < sum(text.isascii() for text in texts) / 5000 < 0.5
    assert all(text.encode().decode() == text for text in texts)


@pytest.mark.parametrize("text", ["hello world", "I'm 2023"])
def test_a_difference_is_shown(tables: identity.Tables, text: str) -> None:
    table, tokenize = tables["o200k"]
    wrong = {"o200k": (table, lambda t: [*tokenize(t)[:-1], 5])}
    with pytest.raises(identity.DifferenceError, match=f"tokens of {text!r}"):
        identity.compare(iter(["fine", text]), 2, {"o200k": (table, lambda t: (
            tokenize(t) if t == "fine" else wrong["o200k"][1](t)))})  # fmt: skip
    with pytest.raises(identity.DifferenceError, match=f"number of tokens of {text!r}"):
        identity.compare(iter([text]), 1, {"o200k": (table, lambda t: tokenize(t)[:-1])})


def test_a_long_token_list_and_text_are_cut(tables: identity.Tables) -> None:
    table, _ = tables["o200k"]
    with pytest.raises(identity.DifferenceError) as error:
        identity.compare(iter(["word " * 5000]), 1, {"o200k": (table, lambda t: [1] * 5000)})
    assert len(str(error.value)) < 1200
