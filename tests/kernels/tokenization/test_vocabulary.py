"""Rank files, where they are found, the table made of them, and the files that scripts write."""

from __future__ import annotations

import gzip
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armbench.bench.model import Array, Settings
from armbench.kernels.tokenization import vocabulary
from armbench.kernels.tokenization.vocabulary import (
    BUILTIN,
    BUILTIN_RANKS,
    Loaded,
    native,
    ranks,
    reference,
    table,
    train,
    unicode,
)
from armbench.kernels.tokenization.vocabulary.classes import FILE, classes
from armbench.kernels.tokenization.vocabulary.ranks import VocabularyError
from armbench.kernels.tokenization.vocabulary.table import header
from tests.kernels.tokenization.conftest import Codec, in_order

BYTES = {bytes([byte]): byte for byte in range(256)}


# --- rank files ----------------------------------------------------------------------------


def rank_file(tmp_path: Path, lines: str, name: str = "mine.tiktoken") -> Path:
    path = tmp_path / name
    path.write_text(lines)
    return path


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("YWI=", "expected a token in base64, a space and a rank"),
        ("YWI= 256 1", "expected a token in base64, a space and a rank"),
        ("YW!= 256", "(?i)base64|padding|characters|digit"),
        (" 256", "expected a token in base64, a space and a rank"),
        ("YWI= x", "the rank is not a number"),
        ("YWI= -1", "the rank is not a number"),
        ("YWI= 255", "rank 255 was given in line 256 already"),
        ("YQ== 256", "this token was given in line 98 already"),
        ("YWI= 2097152", "rank 2097152 is not below 2097152"),
        ("==== 256", "(?i)the token is empty|padding|base64"),
        ("YWI= " + 30 * "9", "the rank is not a number"),
        (4 * "QUFB" * 342 + " 256", "the token has 4104 bytes, at most 4096 are supported"),
    ],
)
def test_a_bad_line(tmp_path: Path, line: str, reason: str) -> None:
    path = rank_file(tmp_path, ranks.render(BYTES) + line + "\n")
    with pytest.raises(VocabularyError, match=reason) as error:
        vocabulary.find(Settings(vocabulary=path))
    assert str(error.value).startswith(f"{path}:257: ")
    assert "\n" not in str(error.value)


def test_a_byte_without_a_token(tmp_path: Path) -> None:
    path = rank_file(tmp_path, ranks.render({t: r for t, r in BYTES.items() if t != b"q"}))
    with pytest.raises(VocabularyError, match=":255: the file ends without a token for byte 0x71"):
        vocabulary.find(Settings(vocabulary=path))


def test_files_that_are_none(tmp_path: Path) -> None:
    packed = tmp_path / "broken.gz"
    packed.write_bytes(gzip.compress(b"x" * 1000)[:-20])
    for path in (tmp_path / "missing", tmp_path, packed):
        with pytest.raises(VocabularyError, match=str(path)) as error:
            vocabulary.find(Settings(vocabulary=path))
        assert "\n" not in str(error.value)


FILES = st.dictionaries(st.binary(min_size=1, max_size=9), st.integers(0, 9999), max_size=20)
DAMAGE = st.sampled_from([b"", b"\n", b" ", b"\r\n", b"=", b"YWI= 5\n", b"A", b"0", b"\xff", b"-", b"\n\n"])


@given(tokens=FILES, damage=DAMAGE, at=st.integers(0, 5000), gone=st.integers(0, 3))
def test_files_are_read_quickly_as_line_by_line(
    tokens: dict[bytes, int], damage: bytes, at: int, gone: int
) -> None:
    """The same tokens, or the same fault, whatever is done to a file."""
    known = BYTES | {t: r + 256 for t, r in tokens.items() if len(t) > 1}
    contents = ranks.render(known).encode()
    contents = contents[:at] + damage + contents[at + gone :]
    try:
        expected = ranks.parse(contents, BUILTIN)
    except VocabularyError as error:
        with pytest.raises((VocabularyError, table.TwiceError)) as found:
            table.build(ranks.tokens(contents, BUILTIN), 2)
        assert isinstance(found.value, table.TwiceError) or str(found.value) == str(error)
    else:
        assert table.ranks_in(table.build(ranks.tokens(contents, BUILTIN), 2)) == expected


def test_the_plain_form_needs_no_python(builtin: Loaded) -> None:
    read = native.read_ranks(BUILTIN.read_bytes(), table.RANK_LIMIT)
    assert read is not None
    assert table.ranks_in(table.build(table.Tokens(*read), 2)) == builtin.ranks


def test_what_is_rendered_is_read() -> None:
    tokens = BYTES | {b"ab": 256, b"\xff\x00": 999}
    assert ranks.parse(ranks.render(tokens).encode(), BUILTIN) == tokens
    assert ranks.parse(b"\n" + ranks.render(tokens).replace("\n", "\r\n\r\n").encode(), BUILTIN) == tokens


# --- which one -----------------------------------------------------------------------------


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any vocabulary."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(vocabulary, "find_spec", lambda name: None)
    return tmp_path / "cache"


def test_the_builtin_one_is_the_last_resort(nowhere: Path) -> None:
    found = vocabulary.find(Settings())
    assert (found.name, found.path, found.ranks) == ("builtin", BUILTIN, BUILTIN_RANKS)


def test_a_file_of_the_user(tmp_path: Path) -> None:
    path = rank_file(tmp_path, ranks.render(BYTES | {b"ab": 300}), "my vocabulary.v2.tiktoken")
    found = vocabulary.find(Settings(vocabulary=path))
    assert (found.name, found.pattern, found.ranks) == ("my_vocabulary.v2", "o200k", 301)


@pytest.mark.parametrize("published", vocabulary._PUBLISHED, ids=lambda p: p.name)
def test_published_ones_are_known_by_their_contents(
    nowhere: Path, tmp_path: Path, published: vocabulary._Published
) -> None:
    package = pytest.importorskip("bpe_openai")
    copy = tmp_path / "whatever.bin"
    shutil.copy(f"{package.__path__[0]}/data/{published.packaged}", copy)
    found = vocabulary.find(Settings(vocabulary=copy))
    assert (found.name, found.pattern, found.ranks) == (published.name, published.name, published.ranks)
    loaded = vocabulary.load(found)
    assert header(loaded.table)["ranks"] == published.ranks
    assert loaded.specials == {name.encode(): rank for name, rank in published.specials}

    nowhere.mkdir()
    cached = nowhere / published.cached_as
    cached.write_bytes(ranks.unpacked(ranks.read(copy), copy))
    assert vocabulary.find(Settings()).path == cached
    cached.write_bytes(bytes(published.bytes))  # as long, but something else
    with pytest.raises(VocabularyError, match="remove the file"):
        vocabulary.load(vocabulary.find(Settings()))
    cached.write_bytes(b"cut off")
    assert vocabulary.find(Settings()).name == "builtin"


def test_the_package_is_found_without_importing_it() -> None:
    pytest.importorskip("bpe_openai")
    assert vocabulary.find(Settings()).name == "o200k"


# --- what scripts write --------------------------------------------------------------------


def test_the_builtin_vocabulary_is_what_training_gives() -> None:
    assert BUILTIN.read_text("ascii") == ranks.render(train.train(train.words(), BUILTIN_RANKS))


def test_training() -> None:
    counts = {b"abab": 5, b"abc": 3, b"xy": 4}
    trained = train.train(counts, 260)
    # ab 13 times, then abab 5 before xy 4 and abc 3
    assert list(trained)[256:] == [b"ab", b"abab", b"xy", b"abc"]
    assert train.train(counts, 1000) == trained  # nothing is left to merge


def test_the_unicode_classes_are_what_their_script_writes() -> None:
    unicodedata2 = pytest.importorskip("unicodedata2")
    if unicodedata2.unidata_version != unicode.VERSION:
        pytest.skip(f"unicodedata2 is of {unicodedata2.unidata_version}")
    assert FILE.read_text("ascii") == unicode.render(unicodedata2.category)


def test_the_unicode_classes_are_apart() -> None:
    points = [p for ranges in classes().values() for a, b in ranges for p in range(a, b + 1)]
    assert len(points) == len(set(points))
    assert set(classes()) == set(table.CLASS_BITS)


# --- the table -----------------------------------------------------------------------------


def naive(word: bytes, known: dict[bytes, int], parts_left: int = 1) -> list[bytes]:
    """Merging by the book: look at all pairs, merge the first of the lowest, again."""
    parts = [word[i : i + 1] for i in range(len(word))]
    while len(parts) > parts_left:
        found = [(known[a + b], i) for i, (a, b) in enumerate(pairwise(parts)) if a + b in known]
        if not found:
            break
        _, i = min(found)
        parts[i : i + 2] = [parts[i] + parts[i + 1]]
    return parts


@given(word=st.binary(min_size=1) | st.text("abc").filter(bool).map(str.encode), data=st.data())
def test_the_reference_merges_by_the_book(word: bytes, data: st.DataObject) -> None:
    tokens = data.draw(st.lists(st.text("abc", min_size=2, max_size=5).map(str.encode), unique=True))
    order = data.draw(st.permutations([*BYTES, *tokens]))
    known = {token: rank for rank, token in enumerate(order)}
    assert reference.merge(word, known) == naive(word, known)


def test_each_token_has_the_merge_that_makes_it(builtin: Loaded) -> None:
    tokens = in_order(builtin)
    merges = [(tokens[a], tokens[b]) for a, b in table.merges_in(builtin.table)]
    assert merges == [tuple(naive(token, builtin.ranks, 2)) for token in tokens if len(token) > 1]


def test_tokens_can_be_read_back(builtin: Loaded) -> None:
    text, starts = table.tokens_in(builtin.table)
    assert [text[a:b] for a, b in pairwise(starts)] == in_order(builtin)


@given(data=st.data())
def test_any_vocabulary_has_the_merges_of_the_book(data: st.DataObject) -> None:
    tokens = data.draw(st.lists(st.text("abc", min_size=2, max_size=6).map(str.encode), unique=True))
    order = data.draw(st.permutations([*BYTES, *tokens]))
    known = {token: rank for rank, token in enumerate(order)}
    built = table.build(known, 2)
    made = {order[a] + order[b]: [order[a], order[b]] for a, b in table.merges_in(built)}
    parts = {token: naive(token, known, 2) for token in tokens}
    assert made == {token: pair for token, pair in parts.items() if len(pair) == 2}
    assert table.ranks_in(built) == known


def test_hash_tables_take_the_room_that_they_need(builtin: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def fill(built: Array, slots: tuple[int, int], ordinary: Array) -> int:
        tried.append(slots[0])
        return native.NO_ROOM if len(tried) < 3 else filled(built, slots, ordinary)

    filled = native.fill
    monkeypatch.setattr(native, "fill", fill)
    assert table.ranks_in(table.build(builtin.ranks, 2)) == builtin.ranks
    assert tried == sorted(set(tried)) and len(tried) == 3


@given(at=st.integers(0), value=st.integers(1, 255))
def test_no_byte_changes_unnoticed(builtin: Loaded, at: int, value: int) -> None:
    changed = builtin.table.copy()
    assert table.is_sound(changed)
    changed[at % len(changed)] ^= value
    assert not table.is_sound(changed)


@pytest.mark.parametrize("size", [0, 8, 64, 192, -64, -1])
def test_a_table_that_was_cut_off_is_none(builtin: Loaded, size: int) -> None:
    assert not table.is_sound(builtin.table[:size])


def test_the_tables_of_o200k_are_small(loaded: Loaded) -> None:
    assert loaded.table.nbytes <= 64 << 20


# --- special tokens ------------------------------------------------------------------------


SPECIALS = {b"<|end|>": 5000, b"<|endless|>": 4096, "<|Ende \u00fc|>".encode(): 4099}


def test_special_tokens_are_in_no_hash_table(builtin: Loaded) -> None:
    built = table.build(builtin.ranks, 2, SPECIALS)
    assert table.specials_in(built) == SPECIALS
    assert list(table.specials_in(built)) == list(SPECIALS)
    assert table.ranks_in(built) == builtin.ranks
    assert table.merges_in(built) == table.merges_in(builtin.table)
    assert header(built)["ranks"] == 5001


def test_special_tokens_in_a_gap() -> None:
    tokens = {bytes([b]): 3 * b + 1 for b in range(256)}
    built = table.build(tokens, 1, {b"<s>": 0, b"</s>": 3, b"<pad>": 900})
    assert table.ranks_in(built) == tokens
    assert table.specials_in(built) == {b"<s>": 0, b"</s>": 3, b"<pad>": 900}


def test_a_special_token_with_the_rank_of_another() -> None:
    with pytest.raises(table.TwiceError, match="5 is the rank of two tokens"):
        table.build(BYTES, 1, {b"<s>": 5})


def test_special_tokens_are_allowed_by_name(builtin: Loaded) -> None:
    built = table.build(builtin.ranks, 2, SPECIALS)
    assert table.allowed_bits(built, []) == 0
    assert table.allowed_bits(built, ["<|endless|>", "<|endless|>"]) == 2
    assert table.allowed_bits(built, [name.decode() for name in SPECIALS]) == -1
    with pytest.raises(KeyError, match="other"):
        table.allowed_bits(built, ["<|other|>"])


@pytest.mark.parametrize("allowed", [[], ["<|endoftext|>"], ["<|endofprompt|>", "<|endoftext|>"]])
def test_special_tokens_as_tiktoken(codec: Codec, pattern: str, loaded: Loaded, allowed: list[str]) -> None:
    tiktoken = pytest.importorskip("tiktoken")
    specials = {name.decode(): rank for name, rank in loaded.specials.items()}
    encoding = tiktoken.Encoding(
        pattern,
        pat_str=vocabulary.PATTERNS[pattern].expression,
        mergeable_ranks=dict(loaded.ranks),
        special_tokens=specials,
    )
    text = "a <|endoftext|>b  <|endofprompt|>\n<|endoftext|><|endoftext| <|fim_prefix|>x<|endoftext|>"
    data = np.frombuffer(text.encode(), np.uint8)
    bits = table.allowed_bits(loaded.table, allowed)
    tokens, count = codec.run_encode(data, loaded.table, allowed=bits)
    expected = encoding.encode(text, allowed_special=set(allowed), disallowed_special=())
    assert tokens[:count].tolist() == expected
    assert codec.decode(expected, len(data), loaded.table)[0] == text.encode()


def test_published_special_tokens_are_those_of_tiktoken(pattern: str) -> None:
    """As its own constructors have them, with nothing fetched."""
    public = pytest.importorskip("tiktoken_ext.openai_public")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(public, "load_tiktoken_bpe", lambda *args, **kwargs: {})
        theirs = getattr(public, f"{pattern}_base")()
    (known,) = (p for p in vocabulary._PUBLISHED if p.name == pattern)
    assert dict(known.specials) == theirs["special_tokens"]
    assert theirs["pat_str"] == vocabulary.PATTERNS[pattern].expression


# --- digests -------------------------------------------------------------------------------


def test_the_digest_tells_vocabularies_apart() -> None:
    first = BYTES | {b"ab": 256}
    digests = {
        table.header(table.build(r, p))["digest"] for r in (first, BYTES | {b"ac": 256}) for p in (1, 2)
    }
    assert len(digests) == 4
