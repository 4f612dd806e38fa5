"""Every native variant as a function, and the vocabularies that it is tried with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from armbench.bench import native
from armbench.bench.model import Array
from armbench.kernels.tokenization import vocabulary
from armbench.kernels.tokenization.vocabulary import Loaded
from armbench.kernels.tokenization.vocabulary.table import header

Tokenize = Callable[[str], list[int]]


@dataclass(frozen=True)
class Codec:
    """All operations of one native variant, with one document.

    slots: of the word cache, 0 is cold.
    """

    name: str
    slots: int = 0

    def encode(self, text: str | bytes, loaded: Loaded) -> list[int]:
        tokens, count = self.run_encode(_bytes(text), loaded.table)
        assert count >= 0
        return tokens[:count].tolist()

    def run_encode(
        self, data: Array, table: Array, ranks: int | None = None, flags: int = 0, allowed: int = 0
    ) -> tuple[Array, int]:
        """(tokens with their room, count)"""
        tokens = np.full((3 if flags else 1) * len(data), -7, np.int32)
        return tokens, self._run("encode", data, table, [tokens], ranks, flags, allowed)

    def run_count(
        self, data: Array, table: Array, ranks: int | None = None, flags: int = 0, allowed: int = 0
    ) -> int:
        return self._run("count", data, table, [], ranks, flags, allowed)

    def _run(
        self,
        operation: str,
        data: Array,
        table: Array,
        outputs: list[Array],
        ranks: int | None,
        flags: int,
        allowed: int,
    ) -> int:
        size, counts = len(data), np.zeros(1, np.int64)
        params = (size, 1, size, ranks or header(table)["ranks"], self.slots, flags, allowed)
        operands = (data, np.array([0, size]), table, *outputs, counts)
        native.Bound(self._find(operation), params, operands)()
        return int(counts[0])

    def decode(self, tokens: list[int], size: int, table: Array) -> tuple[bytes, int]:
        """(room of `size` bytes, count)"""
        text, counts = np.zeros(size, np.uint8), np.zeros(1, np.int64)
        native.Bound(self._find("decode"), *self._tokens(tokens, size, table, text, counts))()
        return text.tobytes(), int(counts[0])

    def stream(self, tokens: list[int], size: int, table: Array) -> tuple[bytes, list[int], int]:
        """(room of `size` bytes, steps, count)"""
        text, counts = np.zeros(size, np.uint8), np.zeros(1, np.int64)
        steps = np.full(len(tokens), -7, np.int32)
        native.Bound(self._find("stream"), *self._tokens(tokens, size, table, text, steps, counts))()
        return text.tobytes(), steps.tolist(), int(counts[0])

    def _find(self, operation: str) -> native.NativeVariant:
        found = native.find("tokenization", self.name, operation)
        assert found
        return found

    @staticmethod
    def _tokens(
        tokens: list[int], size: int, table: Array, *outputs: Array
    ) -> tuple[tuple[int, ...], tuple[Array, ...]]:
        starts = (np.array([0, len(tokens)]), np.array([0, size]))
        return (size, 1, header(table)["ranks"]), (np.array(tokens, np.int32), *starts, table, *outputs)


def _bytes(text: str | bytes) -> Array:
    return np.frombuffer(text.encode() if isinstance(text, str) else text, np.uint8)


NAMES = [
    v.name for v in native.variants() if (v.kernel, v.operation) == ("tokenization", "encode") and v.supported
]


@pytest.fixture(scope="session", autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test finds or leaves tables in the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(home))
        yield home


@pytest.fixture(scope="session", params=NAMES)
def codec(request: pytest.FixtureRequest) -> Codec:
    return Codec(request.param)


def in_order(loaded: Loaded) -> list[bytes]:
    """The tokens of a vocabulary without gaps."""
    return sorted(loaded.ranks, key=loaded.ranks.__getitem__)


def published(name: str) -> Loaded:
    """o200k or cl100k, where a copy is on this machine."""
    if found := vocabulary.published(name):
        return vocabulary.load(found)
    pytest.skip(f"no copy of {name}: pip install bpe-openai")


@pytest.fixture(scope="session")
def builtin() -> Loaded:
    return vocabulary.load(vocabulary.builtin())


@pytest.fixture(scope="session", params=["o200k", "cl100k"])
def pattern(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def loaded(pattern: str) -> Loaded:
    return published(pattern)


@pytest.fixture(scope="session")
def tiktoken_encode(loaded: Loaded) -> Tokenize:
    pytest.importorskip("tiktoken")
    from armbench.kernels.tokenization.tiktoken import encoding_of

    encode = encoding_of(loaded.table).encode_ordinary

    @lru_cache(maxsize=1000)
    def once_for_all_variants(text: str) -> Array:
        return np.array(encode(text), np.int32)

    return lambda text: once_for_all_variants(text).tolist()
