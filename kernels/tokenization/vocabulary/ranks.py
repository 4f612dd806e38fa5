"""Rank files: a line `base64-of-the-token rank` for every token, as tiktoken distributes them."""

from __future__ import annotations

import base64
import gzip
import zlib
from pathlib import Path

from armbench.bench.errors import UserError
from armbench.kernels.tokenization.vocabulary import native
from armbench.kernels.tokenization.vocabulary.table import RANK_LIMIT, TOKEN_LIMIT, Tokens


class VocabularyError(UserError):
    """A vocabulary file that cannot be used; the message is one line with file, place and reason."""


def read(path: Path) -> bytes:
    """The contents of a file as they lie there.

    Raises VocabularyError when it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise VocabularyError(f"{path}: {error.strerror}") from error


def unpacked(contents: bytes, path: Path) -> bytes:
    """The same, unpacked when they are gzip.

    Raises VocabularyError when they are damaged.
    """
    try:
        return gzip.decompress(contents) if contents[:2] == b"\x1f\x8b" else contents
    except (OSError, EOFError, zlib.error) as error:
        raise VocabularyError(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def tokens(contents: bytes, path: Path) -> Tokens:
    """The tokens of a rank file, quickly when it is of the form that tiktoken's files have.

    Raises VocabularyError as parse() does, but not for a token that comes twice.
    """
    plain = native.read_ranks(contents, RANK_LIMIT)
    if plain is not None:
        found = Tokens(*plain)
        if found.count and found.lengths.max() <= TOKEN_LIMIT and not found.bytes_without():
            return found
    return Tokens.of(parse(contents, path))


def parse(contents: bytes, path: Path) -> dict[bytes, int]:
    """{token: rank} of the contents of a rank file; `path` is for messages.

    Raises VocabularyError for a line that is none, a token or a rank that comes twice, a rank
    of 2097152 or more, a token of over 4096 bytes, or a byte without a token (every text must be
    encodable).
    """
    ranks: dict[bytes, int] = {}
    lines: dict[int, int] = {}  # of each rank: where it was given
    number = 0
    for number, line in enumerate(contents.splitlines(), 1):
        try:
            if entry := _entry(line):
                token, rank = entry
                _check_new(token, rank, ranks, lines)
                ranks[token] = rank
                lines[rank] = number
        except ValueError as error:
            raise VocabularyError(f"{path}:{number}: {error}") from error
    for byte in range(256):
        if bytes([byte]) not in ranks:
            raise VocabularyError(f"{path}:{number}: the file ends without a token for byte 0x{byte:02x}")
    return ranks


def _entry(line: bytes) -> tuple[bytes, int] | None:
    """Token and rank of a line, None for an empty one."""
    fields = line.split()
    if not fields:
        return None
    if len(fields) != 2:
        raise ValueError("expected a token in base64, a space and a rank")
    token = base64.b64decode(fields[0], validate=True)
    if not token:
        raise ValueError("the token is empty")
    if len(token) > TOKEN_LIMIT:
        raise ValueError(f"the token has {len(token)} bytes, at most {TOKEN_LIMIT} are supported")
    if not fields[1].isdigit() or len(fields[1]) > 20:
        raise ValueError("the rank is not a number")
    return token, int(fields[1])


def _check_new(token: bytes, rank: int, ranks: dict[bytes, int], lines: dict[int, int]) -> None:
    if rank >= RANK_LIMIT:
        raise ValueError(f"rank {rank} is not below {RANK_LIMIT}")
    if rank in lines:
        raise ValueError(f"rank {rank} was given in line {lines[rank]} already")
    if token in ranks:
        raise ValueError(f"this token was given in line {lines[ranks[token]]} already")


def render(ranks: dict[bytes, int]) -> str:
    """The text of a rank file."""
    in_order = sorted(ranks.items(), key=lambda item: item[1])
    return "".join(f"{base64.b64encode(token).decode()} {rank}\n" for token, rank in in_order)
