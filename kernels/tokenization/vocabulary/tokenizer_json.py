"""Byte-level BPE as a tokenizer.json of Hugging Face's tokenizers gives it.

Taken is what means the same as a rank file: ids as ranks, a known split pattern, and merges in the
order of the ids that they make.  Everything else would give other tokens and is refused.  Added
tokens, special or not, become special tokens: no text becomes one unless it is asked for.
Not taken are the tokens that post_processor puts around a text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from armbench.kernels.tokenization.vocabulary import table
from armbench.kernels.tokenization.vocabulary.patterns import CL100K_OF_2023, Pattern, spelled
from armbench.kernels.tokenization.vocabulary.ranks import VocabularyError
from armbench.kernels.tokenization.vocabulary.table import RANK_BITS, RANK_LIMIT, TOKEN_LIMIT, U8

Json = Any
SHOWN: Final = 60  # characters of what is found in a file


class _FaultError(Exception):
    """Place in the file, in the notation of jq without the first dot, and reason."""

    def __init__(self, place: str, reason: str):
        super().__init__(f"{place}: {reason}")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A vocabulary whose merges have not been looked at.

    merges  int64 [n][2]: ranks of the two parts
    """

    pattern: Pattern
    ranks: Mapping[bytes, int]
    specials: Mapping[bytes, int]
    merges: np.ndarray[Any, np.dtype[np.int64]]
    whole_words: bool


def build(contents: bytes, path: Path) -> U8:
    """The table of a vocabulary; `path` is for messages.

    Raises VocabularyError, one line with file, place and reason, for what is no such vocabulary
    or would give other tokens than the file's own rules.
    """
    try:
        parsed = _parse(_document(contents))
        built = table.build(parsed.ranks, parsed.pattern.number, parsed.specials)
        _check_merges(built, parsed)
    except (_FaultError, table.TwiceError) as fault:
        raise VocabularyError(f"{path}: {fault}") from None
    except json.JSONDecodeError as error:
        raise VocabularyError(f"{path}:{error.lineno}: {error.msg}, column {error.colno}") from None
    except UnicodeDecodeError as error:
        raise VocabularyError(f"{path}: not UTF-8 at byte {error.start}") from None
    except ValueError as error:  # a number of thousands of digits
        raise VocabularyError(f"{path}: {str(error).partition(';')[0]}") from None
    except RecursionError:
        raise VocabularyError(f"{path}: nested too deeply") from None
    return built


def _document(contents: bytes) -> Json:
    def entries(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in found if names.count(name) > 1)
            raise _FaultError(_shown(twice), "the key comes twice in one object")
        return found

    return json.loads(contents.decode("utf-8-sig"), object_pairs_hook=entries)


def _parse(document: Json) -> Parsed:
    _check(document, dict, "top level", "an object")
    model = _check(document.get("model"), dict, "model", "an object")
    _check_model(model)
    for name in ("normalizer", "decoder"):
        _check_type(document.get(name), {"normalizer": (None,), "decoder": (None, "ByteLevel")}[name], name)
    pattern = _pattern(document.get("pre_tokenizer"))
    specials = dict(_specials(document.get("added_tokens") or []))
    ranks = _ranks(_check(model.get("vocab"), dict, "model.vocab", "an object"), specials)
    merges = _merges(_check(model.get("merges"), list, "model.merges", "a list"), model["vocab"])
    named = {name.encode(): rank for name, rank in specials.items()}
    return Parsed(pattern, ranks, named, merges, bool(model.get("ignore_merges")))


def _check(value: Json, kind: type, place: str, expected: str) -> Json:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _FaultError(place, f"expected {expected}, found {_shown(value)}")
    return value


def _shown(value: Json) -> str:
    text = json.dumps(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def _check_type(value: Json, known: tuple[str | None, ...], place: str) -> None:
    kind = None if value is None else _check(value, dict, place, "an object").get("type")
    if kind not in known:
        raise _FaultError(
            place, f"{kind} is not supported: it gives other tokens or text than byte-level BPE"
        )


def _check_model(model: Mapping[str, Json]) -> None:
    if model.get("type", "BPE") != "BPE":
        raise _FaultError("model.type", f"expected BPE, found {_shown(model['type'])}")
    for name in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"):
        if model.get(name):
            raise _FaultError(
                f"model.{name}", f"{_shown(model[name])} is not supported: it is no byte-level BPE"
            )


# --- the split pattern ---------------------------------------------------------------------


def _pattern(value: Json) -> Pattern:
    """The pattern of a Split by a regular expression followed by a ByteLevel that does not split."""
    place = "pre_tokenizer"
    steps = _check(value, dict, place, "an object").get("pretokenizers")
    if value.get("type") != "Sequence" or not isinstance(steps, list) or len(steps) != 2:
        raise _FaultError(
            place, f"expected a Sequence of Split and ByteLevel, found {_shown(value.get('type'))}"
        )
    split, level = steps
    at = f"{place}.pretokenizers"
    _check_values(split, {"type": "Split", "behavior": "Isolated", "invert": False}, f"{at}[0]")
    _check_values(level, {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}, f"{at}[1]")
    expression = _check(split.get("pattern"), dict, f"{at}[0].pattern", "an object").get("Regex")
    pattern = spelled(_check(expression, str, f"{at}[0].pattern.Regex", "a string"))
    if pattern is None:
        reason = f"not that of o200k or cl100k: {_shown(expression)}"
        if expression == CL100K_OF_2023:
            reason = "that of cl100k before 2024, which ends texts otherwise"
        raise _FaultError(f"{at}[0].pattern.Regex", f"the pattern is not supported: {reason}")
    return pattern


def _check_values(value: Json, expected: Mapping[str, Json], place: str) -> None:
    _check(value, dict, place, "an object")
    for name, wanted in expected.items():
        if value.get(name) != wanted:
            found = _shown(value.get(name))
            raise _FaultError(f"{place}.{name}", f"expected {_shown(wanted)}, found {found}")


# --- tokens --------------------------------------------------------------------------------


@cache
def visible() -> Mapping[int, int]:
    """The character that stands for each byte: GPT-2's table, which gives every byte a visible one."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in shown]
    return {byte: byte for byte in shown} | {byte: 256 + i for i, byte in enumerate(others)}


def _specials(added: Json) -> Iterator[tuple[str, int]]:
    seen: set[str] = set()
    for number, token in enumerate(_check(added, list, "added_tokens", "a list")):
        place = f"added_tokens[{number}]"
        _check(token, dict, place, "an object")
        content = _check(token.get("content"), str, f"{place}.content", "a string")
        if not content or content in seen:
            raise _FaultError(f"{place}.content", "comes twice" if content else "the token is empty")
        _check_bytes(content, f"{place}.content")
        for name in ("single_word", "lstrip", "rstrip"):
            if token.get(name):
                raise _FaultError(
                    f"{place}.{name}", "is not supported: the token would depend on what is around it"
                )
        seen.add(content)
        yield content, _id(token.get("id"), f"{place}.id")


def _check_bytes(content: str, place: str) -> bytes:
    try:
        token = content.encode()
    except UnicodeEncodeError:
        raise _FaultError(place, "has half of a surrogate pair") from None
    if len(token) > TOKEN_LIMIT:
        raise _FaultError(place, f"has {len(token)} bytes, at most {TOKEN_LIMIT} are supported")
    return token


def _id(value: Json, place: str) -> int:
    number: int = _check(value, int, place, "a number")
    if not 0 <= number < RANK_LIMIT:
        raise _FaultError(place, f"{number} is not from 0 to {RANK_LIMIT - 1}")
    return number


def _ranks(vocab: Mapping[str, Json], specials: Mapping[str, int]) -> dict[bytes, int]:
    """{token: rank} of the ordinary tokens; those that are added as well are none."""
    bytes_of = {character: byte for byte, character in visible().items()}
    ranks: dict[bytes, int] = {}
    names = {rank: name for name, rank in specials.items()}
    if len(names) < len(specials):
        raise _FaultError("added_tokens", "an id is that of two tokens")
    for name, value in vocab.items():
        place = f"model.vocab[{_shown(name)}]"
        number = _id(value, place)
        if specials.get(name) == number:
            continue
        try:
            token = name.translate(bytes_of).encode("latin-1")
        except UnicodeEncodeError:
            raise _FaultError(place, "has a character that stands for no byte") from None
        if not token or len(token) > TOKEN_LIMIT:
            raise _FaultError(place, f"has {len(token)} bytes; 1 to {TOKEN_LIMIT} are supported")
        if number in names or name in specials:
            raise _FaultError(place, f"{number} is the id of {_shown(names.get(number, name))} too")
        names[number] = name
        ranks[token] = number
    for byte, character in visible().items():
        if bytes([byte]) not in ranks:
            raise _FaultError("model.vocab", f"no token for byte 0x{byte:02x} ({_shown(chr(character))})")
    return ranks


# --- merges --------------------------------------------------------------------------------


def _merges(merges: list[Json], vocab: Mapping[str, int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The ids of each pair; their tokens are made in the order of ids."""
    pairs: list[tuple[int, int]] = []
    made = -1
    for number, merge in enumerate(merges):
        place = f"model.merges[{number}]"
        parts = merge.split(" ") if isinstance(merge, str) else merge
        if not isinstance(parts, list) or len(parts) != 2 or not all(isinstance(p, str) for p in parts):
            raise _FaultError(place, f"expected two tokens, found {_shown(merge)}")
        for name in (*parts, "".join(parts)):
            if name not in vocab:
                raise _FaultError(place, f"{_shown(name)} is not in model.vocab")
        merged = vocab["".join(parts)]
        if merged < made:
            raise _FaultError(
                place, f"makes token {merged} after token {made}; merges must be in the order of ids"
            )
        made = merged
        pairs.append((vocab[parts[0]], vocab[parts[1]]))
    return np.array(pairs, np.int64).reshape(-1, 2)


def _check_merges(built: U8, parsed: Parsed) -> None:
    """The merges that follow from ranks, which the table has, are those of the file.

    Given the order of ids, more in the file do not matter: of two pairs that make one token,
    merging reaches the last two parts of its bytes in one way only.
    """
    needed = np.array(table.merges_in(built), np.int64).reshape(-1, 2)
    given = parsed.merges[:, 0] << RANK_BITS | parsed.merges[:, 1]
    missing = needed[~np.isin(needed[:, 0] << RANK_BITS | needed[:, 1], given)]
    text, starts = table.tokens_in(built)
    if len(missing):
        pair = [text[starts[rank] : starts[rank + 1]].decode("latin-1") for rank in missing[0].tolist()]
        names = _shown([name.translate(visible()) for name in pair])
        raise _FaultError("model.merges", f"lack {names}; only merges that follow from ids are supported")
    reached = len(needed) + 256
    if not parsed.whole_words and reached < len(parsed.ranks):
        count = len(parsed.ranks) - reached
        raise _FaultError(
            "model.ignore_merges", f"must be true: {count} tokens of model.vocab are made by no merge"
        )
