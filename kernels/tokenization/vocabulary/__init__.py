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
from functools import cache, cached_property
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from armbench.bench.model import Array, Settings
from armbench.kernels.tokenization.vocabulary import cachefile, ranks, table, tokenizer_json
from armbench.kernels.tokenization.vocabulary.patterns import PATTERNS, numbered
from armbench.kernels.tokenization.vocabulary.ranks import VocabularyError


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A file with a vocabulary: found, not read.

    pattern   name of the split pattern
    ranks     above all its ranks, those of special tokens too
    sha256    of its contents, unpacked, when they must be certain ones
    specials  special tokens of which the file does not tell, and their ranks
    """

    name: str
    path: Path
    pattern: str
    ranks: int
    sha256: str | None = None
    specials: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class _Published:
    """A vocabulary that everyone has the same: how to know it and where tiktoken caches it.

    cached_as  name of the file in tiktoken's cache: SHA-1 of the address it is loaded from
    packaged   name of the file in the data folder of the package bpe-openai
    specials   from tiktoken 0.14, tiktoken_ext/openai_public.py
    """

    name: str
    bytes: int
    ranks: int
    sha256: str
    cached_as: str
    packaged: str
    specials: tuple[tuple[str, int], ...]


_PUBLISHED: Final = (
    _Published(
        "o200k",
        bytes=3613922,
        ranks=200019,
        sha256="446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        cached_as="fb374d419588a4632f3f557e76b4b70aebbca790",
        packaged="o200k_base.tiktoken.gz",
        specials=(("<|endoftext|>", 199999), ("<|endofprompt|>", 200018)),
    ),
    _Published(
        "cl100k",
        bytes=1681126,
        ranks=100277,
        sha256="223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        cached_as="9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        packaged="cl100k_base.tiktoken.gz",
        specials=(
            ("<|endoftext|>", 100257),
            ("<|fim_prefix|>", 100258),
            ("<|fim_middle|>", 100259),
            ("<|fim_suffix|>", 100260),
            ("<|endofprompt|>", 100276),
        ),
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
    return next(filter(None, (published(known.name) for known in _PUBLISHED)), None) or builtin()


def published(name: str) -> Vocabulary | None:
    """o200k or cl100k, where a copy is on this machine."""
    for known in _PUBLISHED:
        if known.name == name:
            return next((_known(known, path) for path in _copies(known)), None)
    return None


def builtin() -> Vocabulary:
    return Vocabulary("builtin", BUILTIN, DEFAULT_PATTERN, BUILTIN_RANKS)


def _known(known: _Published, path: Path) -> Vocabulary:
    return Vocabulary(known.name, path, known.name, known.ranks, known.sha256, known.specials)


def _copies(known: _Published) -> Iterator[Path]:
    """Files that should be this vocabulary; their contents are checked when they are read."""
    cached = _tiktoken_cache() / known.cached_as
    if cached.is_file() and cached.stat().st_size == known.bytes:
        yield cached
    package = find_spec("bpe_openai")
    for folder in (package and package.submodule_search_locations) or ():
        packaged = Path(folder) / "data" / known.packaged
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
    digest = hashlib.sha256(ranks.unpacked(contents, path)).hexdigest()
    for known in _PUBLISHED:
        if known.sha256 == digest:
            return _known(known, path)
    fields = table.header(_table(contents, path, DEFAULT_PATTERN))
    stem = re.sub(r"(\.gz|\.tiktoken|\.json)+$", "", path.name)
    if stem == "tokenizer":  # as all of them are called; the folder has the model's name
        stem = path.absolute().parent.name
    name = re.sub(r"[^A-Za-z0-9._]+", "_", stem)
    return Vocabulary(name, path, numbered(fields["pattern"]).name, fields["ranks"], digest)


# --- reading -------------------------------------------------------------------------------


class Loaded:
    """Vocabulary and split pattern as the C code's table, and the rank of each ordinary token."""

    def __init__(self, ranks: Mapping[bytes, int] | None, table: Array):
        self.table = table
        if ranks is not None:
            self.ranks = ranks

    @cached_property
    def ranks(self) -> Mapping[bytes, int]:  # read from the table when asked for: it takes a while
        return table.ranks_in(self.table)

    @cached_property
    def specials(self) -> Mapping[bytes, int]:
        """{special token: rank}, in the order of the bits by which they are allowed."""
        return table.specials_in(self.table)


@cache
def load(vocabulary: Vocabulary) -> Loaded:
    """Read a vocabulary, once in a process; from the cache folder when it was built before.

    Raises VocabularyError for a file that is damaged or none.
    """
    contents = ranks.read(vocabulary.path)
    return Loaded(
        None, _table(contents, vocabulary.path, vocabulary.pattern, vocabulary.specials, vocabulary)
    )


def _table(
    contents: bytes,
    path: Path,
    pattern: str,
    specials: tuple[tuple[str, int], ...] = (),
    wanted: Vocabulary | None = None,
) -> Array:
    """The table of a file with these contents, with the pattern unless the file tells its own."""
    kept = cachefile.path_for(contents, f"{DEFAULT_PATTERN} {specials}")
    found = cachefile.read(kept)
    if found is None:
        unpacked = ranks.unpacked(contents, path)
        if wanted and wanted.sha256 not in (None, hashlib.sha256(unpacked).hexdigest()):
            raise VocabularyError(f"{path}: not the {wanted.name} it should be; remove the file")
        found = _build(unpacked, path, pattern, specials)
        cachefile.write(kept, found)
    return found


def _build(contents: bytes, path: Path, pattern: str, specials: tuple[tuple[str, int], ...]) -> Array:
    if contents.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        return tokenizer_json.build(contents, path)
    named = {name.encode(): rank for name, rank in specials}
    number = PATTERNS[pattern].number
    try:
        return table.build(ranks.tokens(contents, path), number, named)
    except table.TwiceError:
        return table.build(ranks.parse(contents, path), number, named)  # which tells the line
