"""Every native variant as a function, and the vocabularies that it is tried with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
    """Both operations of one native variant."""

    encode_variant: native.NativeVariant
    decode_variant: native.NativeVariant

    def encode(self, text: str | bytes, loaded: Loaded) -> list[int]:
        data = np.frombuffer(text.encode() if isinstance(text, str) else text, np.uint8)
        tokens, count = self.run_encode(data, loaded.table)
        assert count >= 0
        return tokens[:count].tolist()

    def run_encode(self, data: Array, table: Array, ranks: int | None = None) -> tuple[Array, int]:
        tokens, count = np.full(len(data), -7, np.int32), np.zeros(1, np.int64)
        params = (len(data), ranks or header(table)["ranks"])
        native.Bound(self.encode_variant, params, (data, table, tokens, count))()
        return tokens, int(count[0])

    def decode(self, tokens: list[int], size: int, table: Array) -> tuple[bytes, int]:
        text, count = np.zeros(size, np.uint8), np.zeros(1, np.int64)
        operands = (np.array(tokens, np.int32), np.array([len(tokens)]), table, text, count)
        native.Bound(self.decode_variant, (size, header(table)["ranks"]), operands)()
        return text.tobytes(), int(count[0])


NAMES = [
    v.name for v in native.variants() if (v.kernel, v.operation) == ("tokenization", "encode") and v.supported
]


@pytest.fixture(scope="session", params=NAMES)
def codec(request: pytest.FixtureRequest) -> Codec:
    encode = native.find("tokenization", request.param, "encode")
    decode = native.find("tokenization", request.param, "decode")
    return Codec(encode, decode)


def in_order(loaded: Loaded) -> list[bytes]:
    """The tokens of a vocabulary without gaps."""
    return sorted(loaded.ranks, key=loaded.ranks.__getitem__)


def published(name: str) -> Loaded:
    """o200k or cl100k, where a copy is on this machine."""
    for candidate in vocabulary._PUBLISHED:
        for path in vocabulary._copies(candidate):
            if candidate.name == name:
                return vocabulary.load(vocabulary._known(candidate, path))
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

    return encoding_of(loaded.table).encode_ordinary
