"""The corpora: the same bytes everywhere, of the size asked for."""

from __future__ import annotations

import hashlib

import pytest

from armbench.kernels.tokenization import corpora
from armbench.kernels.tokenization.corpora import CORPORA, Slot, generate

# SHA-256 of 20000 bytes with seed 1.  A change of a corpus changes what is measured: the kernel's
# version goes up, and the built-in vocabulary is trained anew.
GOLDEN = {
    "prose": "10d2ae16c3a13f2b",
    "code": "34c34a0ed6f1b753",
    "json": "e190cbbc31fb3900",
    "cjk": "7b6b57ca3af73789",
    "arabic": "f687b5b22923d0b2",
    "base64": "9fb78a2e9ae44cb0",
    "mixed": "a2c7ad3e56fd55d1",
}


@pytest.mark.parametrize("corpus", CORPORA)
def test_golden(corpus: str) -> None:
    assert hashlib.sha256(generate(corpus, 20_000, 1).encode()).hexdigest()[:16] == GOLDEN[corpus]


@pytest.mark.parametrize("corpus", CORPORA)
@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 2048, 30_001])
def test_size(corpus: str, size: int) -> None:
    assert len(generate(corpus, size, 5).encode()) == size


def test_seeds_and_sizes_differ() -> None:
    texts = {generate("prose", size, seed)[:100] for size in (2048, 4096) for seed in range(5)}
    assert len(texts) == 10


def test_every_rule_exists_and_says_something() -> None:
    rules = corpora._rules()
    for name, rule in rules.items():
        assert len(rule.limits) == len(rule.alternatives) - 1
        for alternative in rule.alternatives:
            assert alternative, name
            for part in alternative:
                assert not isinstance(part, Slot) or part.bytes or part.rule in rules, (name, part)


def test_grammar_files_are_all_used() -> None:
    from importlib.resources import files

    assert {f.name for f in files(corpora).iterdir() if f.name.endswith(".txt")} == {
        f"{c}.txt" for c in CORPORA
    }


@pytest.mark.parametrize(
    ("corpus", "low", "high"),
    [
        ("prose", 0.95, 1.0),
        ("code", 0.99, 1.0),
        ("json", 0.99, 1.0),
        ("cjk", 0.0, 0.25),
        ("arabic", 0.0, 0.35),
    ],
)
def test_scripts(corpus: str, low: float, high: float) -> None:
    """How much of the text is ASCII."""
    text = generate(corpus, 50_000, 2)
    assert low <= sum(c.isascii() for c in text) / len(text) <= high


def test_words_are_as_uneven_as_in_natural_text() -> None:
    """The commonest word of prose has some percent of all, and a third of all words come once."""
    from collections import Counter

    words = Counter(generate("prose", 100_000, 3).lower().split())
    (_, most), *_ = words.most_common(1)
    assert 0.03 < most / words.total() < 0.15
    assert sum(n == 1 for n in words.values()) > len(words) / 3
