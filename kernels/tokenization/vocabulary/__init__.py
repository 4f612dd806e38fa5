"""Which vocabulary the cases use, and how it is loaded.

Nothing is fetched: o200k and cl100k are used where a copy is on this machine already, else a small
vocabulary that train.py made from the suite's own corpora.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from armbench.bench.model import Array, Settings
from armbench.kernels.tokenization.vocabulary import ranks, table
from armbench.kernels.tokenization.vocabulary.patterns import PATTERNS
from armbench.kernels.tokenization.vocabulary.ranks import VocabularyError


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A rank file: found, not read.

    pattern  name of the split pattern
    ranks    above all its ranks
    sha256   of its contents when it must be a certain one
    """

    name: str
    path: Path
    pattern: str
    ranks: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class _Published:
    """A vocabulary that everyone has the same: how to know it and where tiktoken caches it.

    cached_as  name of the file in tiktoken's cache: SHA-1 of the address it is loaded from
    packaged   name of the file in the data folder of the package bpe-openai
    """

    name: str
    bytes: int
    ranks: int
    sha256: str
    cached_as: str
    packaged: str


_PUBLISHED: Final = (
    _Published(
        "o200k",
        bytes=3613922,
        ranks=199998,
        sha256="446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        cached_as="fb374d419588a4632f3f557e76b4b70aebbca790",
        packaged="o200k_base.tiktoken.gz",
    ),
    _Published(
        "cl100k",
        bytes=1681126,
        ranks=100256,
        sha256="223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        cached_as="9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        packaged="cl100k_base.tiktoken.gz",
    ),
)
BUILTIN: Final = Path(str(files(__package__) / "builtin.tiktoken"))
BUILTIN_RANKS: Final = 4096
DEFAULT_PATTERN: Final = "o200k"


def find(settings: Settings) -> Vocabulary:
    """The file given, else o200k, else cl100k, else the built-in vocabulary.

    Raises VocabularyError when the file given cannot be used.
    """
    if settings.vocabulary:
        return _given(settings.vocabulary)
    for published in _PUBLISHED:
        for path in _copies(published):
            return _known(published, path)
    return builtin()


def builtin() -> Vocabulary:
    return Vocabulary("builtin", BUILTIN, DEFAULT_PATTERN, BUILTIN_RANKS)


def _known(published: _Published, path: Path) -> Vocabulary:
    return Vocabulary(published.name, path, published.name, published.ranks, published.sha256)


def _copies(published: _Published) -> Iterator[Path]:
    """Files that should be this vocabulary; their contents are checked when they are read."""
    cached = _tiktoken_cache() / published.cached_as
    if cached.is_file() and cached.stat().st_size == published.bytes:
        yield cached
    package = find_spec("bpe_openai")
    for folder in (package and package.submodule_search_locations) or ():
        packaged = Path(folder) / "data" / published.packaged
        if packaged.is_file():
            yield packaged


def _tiktoken_cache() -> Path:
    """As tiktoken/load.py has it."""
    for name in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        if name in os.environ:
            return Path(os.environ[name])
    return Path(tempfile.gettempdir()) / "data-gym-cache"


@cache
def _given(path: Path) -> Vocabulary:
    """A file of the user's, read now: its ranks must be known, and its faults are best told at once."""
    contents = ranks.read(path)
    digest = hashlib.sha256(contents).hexdigest()
    for published in _PUBLISHED:
        if published.sha256 == digest:
            return _known(published, path)
    stem = re.sub(r"\.(gz|tiktoken)", "", path.name)
    name = re.sub(r"[^A-Za-z0-9._]+", "_", stem)
    return Vocabulary(name, path, DEFAULT_PATTERN, max(ranks.parse(contents, path).values()) + 1, digest)


# --- reading -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Loaded:
    """The rank of each token, and vocabulary and split pattern as the C code's table."""

    ranks: Mapping[bytes, int]
    table: Array


@cache
def load(vocabulary: Vocabulary) -> Loaded:
    """Read a vocabulary, once in a process.

    Raises VocabularyError for a file that is damaged or none.
    """
    contents = ranks.read(vocabulary.path)
    if vocabulary.sha256 not in (None, hashlib.sha256(contents).hexdigest()):
        raise VocabularyError(f"{vocabulary.path}: not the {vocabulary.name} it should be; remove the file")
    parsed = ranks.parse(contents, vocabulary.path)
    return Loaded(parsed, table.build(parsed, PATTERNS[vocabulary.pattern].number))
