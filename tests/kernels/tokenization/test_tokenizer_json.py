"""tokenizer.json: what is taken, and what is refused and how."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from armbench.bench.model import Settings
from armbench.kernels.tokenization import vocabulary
from armbench.kernels.tokenization.vocabulary import BUILTIN, Loaded, ranks, table, tokenizer_json
from armbench.kernels.tokenization.vocabulary.patterns import CL100K_OF_2023, PATTERNS
from armbench.kernels.tokenization.vocabulary.ranks import VocabularyError
from tests.conftest import Armbench

Json = Any
SMALL = [b"ab", b"abc", b" a", b"\xc3\xa9", b" abc"]
RANKS = {bytes([byte]): byte for byte in range(256)} | {token: 256 + i for i, token in enumerate(SMALL)}


def name(token: bytes) -> str:
    return token.decode("latin-1").translate(tokenizer_json.visible())


def document(known: dict[bytes, int] = RANKS, pattern: str = "o200k") -> Json:
    """As Hugging Face's conversions write it."""
    by_rank = {rank: token for token, rank in known.items()}
    merges = table.merges_in(table.build(known, PATTERNS[pattern].number))
    split = {"type": "Split", "pattern": {"Regex": PATTERNS[pattern].oniguruma}}
    split |= {"behavior": "Isolated", "invert": False}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    special = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {
        "version": "1.0",
        "added_tokens": [{"id": 300, "content": "<|end|>", "special": True, **special}],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]},
        "post_processor": level,
        "decoder": {**level, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "ignore_merges": True,
            "vocab": {name(token): rank for token, rank in known.items()},
            "merges": [[name(by_rank[left]), name(by_rank[right])] for left, right in merges],
        },
    }


def loaded_from(path: Path, contents: Json) -> Loaded:
    path.write_text(json.dumps(contents))
    return vocabulary.load(vocabulary.find(Settings(vocabulary=path)))


@pytest.mark.parametrize("pattern", ["o200k", "cl100k"])
def test_a_vocabulary(tmp_path: Path, pattern: str) -> None:
    loaded = loaded_from(tmp_path / "mine.json", document(pattern=pattern))
    assert np.array_equal(loaded.table, table.build(RANKS, PATTERNS[pattern].number, {b"<|end|>": 300}))
    assert loaded.ranks == RANKS and loaded.specials == {b"<|end|>": 300}


def test_its_name_and_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "my-model 3"
    folder.mkdir()
    loaded_from(folder / "tokenizer.json", document(pattern="cl100k"))
    found = vocabulary.find(Settings(vocabulary=folder / "tokenizer.json"))
    assert (found.name, found.pattern, found.ranks) == ("my_model_3", "cl100k", 301)


def test_merges_as_strings_and_packed(tmp_path: Path) -> None:
    older = document()
    older["model"]["merges"] = [" ".join(pair) for pair in older["model"]["merges"]]
    packed = tmp_path / "mine.json.gz"
    packed.write_bytes(gzip.compress(json.dumps(older).encode()))
    assert vocabulary.load(vocabulary.find(Settings(vocabulary=packed))).ranks == RANKS


def test_a_special_token_in_the_vocabulary_too(tmp_path: Path) -> None:
    both = document()
    both["model"]["vocab"]["<|end|>"] = 300
    assert loaded_from(tmp_path / "mine.json", both).ranks == RANKS


def test_more_merges_than_are_needed(tmp_path: Path) -> None:
    """Conversions list every way to put a token together."""
    more = document()
    at = next(i for i, (a, b) in enumerate(more["model"]["merges"]) if a + b == "abc")
    more["model"]["merges"].insert(at, ["a", "bc"])
    more["model"]["merges"].append(["b", "c"])
    more["model"]["vocab"]["bc"] = 400
    loaded = loaded_from(tmp_path / "mine.json", more | {"added_tokens": []})
    assert loaded.ranks == RANKS | {b"bc": 400}


def test_what_tokenizers_writes_is_read_back(tmp_path: Path, builtin: Loaded) -> None:
    pytest.importorskip("tokenizers")
    from armbench.kernels.tokenization.tokenizers import tokenizer_of

    path = tmp_path / "saved.json"
    tokenizer_of(builtin.table, 0).save(str(path))
    loaded = vocabulary.load(vocabulary.find(Settings(vocabulary=path)))
    assert np.array_equal(loaded.table, builtin.table)


# --- what is refused -----------------------------------------------------------------------

Change = Callable[[Json], object]


def at(*keys: str | int) -> Callable[[Json], Change]:
    """at(keys)(value) sets what lies under the keys."""

    def put(value: Json) -> Change:
        def change(contents: Json) -> None:
            for key in keys[:-1]:
                contents = contents[key]
            contents[keys[-1]] = value

        return change

    return put


SPLIT = ("pre_tokenizer", "pretokenizers", 0)
ADDED = ("added_tokens", 0)
TWO_WAYS = {b"ab": 256, b"bc": 257, b"abc": 258}

REFUSED: list[tuple[Change, str]] = [
    (at("model")(None), r"model: expected an object, found null"),
    (at("model", "type")("WordPiece"), r"model\.type: expected BPE, found \"WordPiece\""),
    (at("model", "dropout")(0.1), r"model\.dropout: 0\.1 is not supported"),
    (at("model", "byte_fallback")(True), r"model\.byte_fallback: true is not supported"),
    (at("model", "vocab")([]), r"model\.vocab: expected an object, found \[\]"),
    (at("model", "vocab", "ab")("256"), r"model\.vocab\[\"ab\"\]: expected a number, found \"256\""),
    (at("model", "vocab", "ab")(True), r"model\.vocab\[\"ab\"\]: expected a number, found true"),
    (at("model", "vocab", "ab")(-1), r"model\.vocab\[\"ab\"\]: -1 is not from 0 to 2097151"),
    (at("model", "vocab", "ab")(2097152), r"model\.vocab\[\"ab\"\]: 2097152 is not from 0 to 2097151"),
    (at("model", "vocab", "ab")(97), r"model\.vocab\[\"ab\"\]: 97 is the id of \"a\" too"),
    (at("model", "vocab", "ab")(300), r"model\.vocab\[\"ab\"\]: 300 is the id of \"<|end|>\" too"),
    (at("model", "vocab", "\u20ac")(301), r"model\.vocab\[.*\]: has a character that stands for no byte"),
    (at("model", "vocab", "")(301), r"model\.vocab\[\"\"\]: has 0 bytes"),
    (at("model", "vocab", "<|end|>")(7777), r"model\.vocab\[\"<\|end\|>\"\]: 7777 is the id"),
    (lambda d: d["model"]["vocab"].pop("q"), r"model\.vocab: no token for byte 0x71 \(\"q\"\)"),
    (at("model", "merges")({}), r"model\.merges: expected a list, found \{\}"),
    (at("model", "merges", 1)("a b c"), r"model\.merges\[1\]: expected two tokens, found \"a b c\""),
    (at("model", "merges", 1)(["a"]), r"model\.merges\[1\]: expected two tokens"),
    (at("model", "merges", 1)(["a", 5]), r"model\.merges\[1\]: expected two tokens"),
    (at("model", "merges", 1)(["a", "xyz"]), r"model\.merges\[1\]: \"xyz\" is not in model\.vocab"),
    (at("model", "merges", 1)(["a", "q"]), r"model\.merges\[1\]: \"aq\" is not in model\.vocab"),
    (lambda d: d["model"]["merges"].reverse(), r"model\.merges\[1\]: makes token 25\d after token 26\d"),
    (lambda d: d["model"]["merges"].pop(1), r"model\.merges: lack \[\"ab\", \"c\"\]"),
    (lambda d: d["model"].update(ignore_merges=False, vocab={**d["model"]["vocab"], "xyz": 400}),
     r"model\.ignore_merges: must be true: 1 tokens of model"),
    (at("normalizer")({"type": "NFC"}), r"normalizer: NFC is not supported"),
    (at("normalizer")("NFC"), r"normalizer: expected an object"),
    (at("decoder")({"type": "Metaspace"}), r"decoder: Metaspace is not supported"),
    (at("pre_tokenizer")(None), r"pre_tokenizer: expected an object, found null"),
    (at("pre_tokenizer")({"type": "ByteLevel"}), r"pre_tokenizer: expected a Sequence of Split and ByteLevel"),
    (at(*SPLIT, "behavior")("Removed"), r"pretokenizers\[0\]\.behavior: expected \"Isolated\""),
    (at(*SPLIT, "pattern")({"String": " "}), r"pretokenizers\[0\]\.pattern\.Regex: expected a string"),
    (at(*SPLIT, "pattern")({"Regex": r"\w+"}), r"pattern\.Regex: .* not that of o200k or cl100k: \"\\\\w\+\""),
    (at(*SPLIT, "pattern")({"Regex": PATTERNS["cl100k"].expression}), r"pattern\.Regex: .* not that of"),
    (at(*SPLIT, "pattern")({"Regex": CL100K_OF_2023}), r"pattern\.Regex: .* that of cl100k before 2024"),
    (at("pre_tokenizer", "pretokenizers", 1, "use_regex")(True), r"\[1\]\.use_regex: expected false"),
    (at("added_tokens")({"a": 1}), r"added_tokens: expected a list"),
    (at(*ADDED)("<s>"), r"added_tokens\[0\]: expected an object"),
    (at(*ADDED, "content")(""), r"added_tokens\[0\]\.content: the token is empty"),
    (at(*ADDED, "content")("\ud800"), r"added_tokens\[0\]\.content: has half of a surrogate pair"),
    (at(*ADDED, "id")(None), r"added_tokens\[0\]\.id: expected a number, found null"),
    (at(*ADDED, "lstrip")(True), r"added_tokens\[0\]\.lstrip: is not supported"),
    (lambda d: d["added_tokens"].append(d["added_tokens"][0]), r"added_tokens\[1\]\.content: comes twice"),
    (lambda d: d["added_tokens"].append({"content": "<s>", "id": 300}), r"added_tokens: an id is that of two"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "reason"), REFUSED, ids=[reason[:50] for _, reason in REFUSED])
def test_what_is_refused(tmp_path: Path, change: Change, reason: str) -> None:
    contents, path = document(), tmp_path / "mine.json"
    change(contents)
    with pytest.raises(VocabularyError, match=reason) as error:
        loaded_from(path, contents)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_merges_that_do_not_follow_from_ranks_are_refused(tmp_path: Path) -> None:
    """abc of a and bc, although ab comes first: no merging by ranks gives that."""
    known = {bytes([byte]): byte for byte in range(256)} | TWO_WAYS
    contents = document(known)
    contents["model"]["merges"] = [["a", "b"], ["b", "c"], ["a", "bc"]]
    with pytest.raises(VocabularyError, match=r'model\.merges: lack \["ab", "c"\]'):
        loaded_from(tmp_path / "mine.json", contents)


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (b'{"model":\n {"type": "BPE",}}', r":2: .*column \d+$"),
        (b"{", r":1: .*column 2$"),
        (b'{"model": "\xff"}', r": not UTF-8 at byte 11$"),
        (b'{"a": 1, "a": 2}', r': "a": the key comes twice in one object$'),
        (b"{" + b'"a":[' * 200_000, r": nested too deeply$|:1: "),
        (b'{"model": {"vocab": {"a": 1' + b"0" * 5000 + b"}}}", r": .*(digits|is not from 0)"),
    ],
)
def test_what_is_no_json(tmp_path: Path, contents: bytes, reason: str) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(contents)
    with pytest.raises(VocabularyError, match=reason) as error:
        vocabulary.find(Settings(vocabulary=path))
    assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)


def test_the_command_tells_it_in_one_line(tmp_path: Path, armbench: Armbench) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(document() | {"normalizer": {"type": "NFC"}}))
    done = armbench("list", "--vocabulary", path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and f"{path}: normalizer: NFC is not supported" in done.stderr


def test_the_builtin_vocabulary_survives_the_way_through_json(tmp_path: Path, builtin: Loaded) -> None:
    loaded = loaded_from(tmp_path / "mine.json", document(dict(builtin.ranks)) | {"added_tokens": []})
    assert np.array_equal(loaded.table, builtin.table)
    assert loaded.ranks == ranks.parse(BUILTIN.read_bytes(), BUILTIN)
