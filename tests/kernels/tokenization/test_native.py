"""The native variants against the reference and against tiktoken."""

from __future__ import annotations

import ctypes
import mmap
import random
import string

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from armbench.bench.model import Array
from armbench.kernels.tokenization.corpora import CORPORA, generate
from armbench.kernels.tokenization.vocabulary import Loaded, table
from armbench.kernels.tokenization.vocabulary.classes import POINTS, classes
from armbench.kernels.tokenization.vocabulary.patterns import PATTERNS
from armbench.kernels.tokenization.vocabulary.reference import encode as reference
from tests.kernels.tokenization.conftest import Codec, Tokenize, in_order

BAD_TABLE, BAD_TOKEN = -1, -2

# --- texts ---------------------------------------------------------------------------------

SMALL = [
    "",
    "a",
    " ",
    "\n",
    "'",
    "é",
    "\U0001f44d",
    "hello world",
    "I'm sure WE'LL don'T x'\u017f it'Re",
    "0123456789",
]
SPACES = [
    "  a",
    " \n a",
    "\n  ",
    "\t\tx",
    "\r\n\r\n",
    " \u3000\u00a0b",
    "a  \n\n  b   ",
    "\x85 \x0b\x1c!",
    "//\n/\r/ /",
]
CASES = [
    "aBC",
    "ABCd",
    "ABCDe'S",
    "中ABC中d",
    "ǅǅx",
    "\u0301ABC",
    "\u0301\u0301",
    " \u0301a",
    "!\u0301!",
    "ʰAʰ",
    "中'll",
]
LONG = {
    "one letter": "a" * 100_000,
    "two letters": "ab" * 30_000,
    "random letters": "".join(random.Random(1).choices(string.ascii_lowercase, k=100_000)),
    "random capitals": "".join(random.Random(2).choices("ABCdef", k=50_000)),
    "spaces": " " * 60_000,
    "spaces and a letter": " " * 60_000 + "x",
    "newlines": "\n" * 50_000,
    "dashes": "=-" * 20_000,
    "Chinese": "".join(random.Random(3).choices("的一是不了人我在有他这中大来上国", k=20_000)),
    "accents": "e\u0301" * 20_000,
    "emoji": "👩‍💻" * 5_000,
}
CONTEXTS = [
    "{}",
    "a{}",
    "A{}",
    " {}",
    "1{}",
    "'{}",
    "{}a",
    "{}A",
    "{}1",
    "{}\n",
    "\n{}",
    "!{}",
    "{}!",
    "a{}b",
    "A{}a",
]
CONTEXTS += ["x'{}", "x'l{}", "x'{}e", " {} ", "\u0301{}", "{}\u0301", "中{}A", "{0}{0}", "  {}", "{}/"]
SEPARATOR = "\u2063\x01"  # format and control character: no word goes on over it


def in_context(context: str, points: list[int]) -> str:
    return SEPARATOR.join(context.format(chr(point)) for point in points)


def scalars(first: int = 0, last: int = POINTS - 1) -> list[int]:
    return [point for point in range(first, last + 1) if not 0xD800 <= point <= 0xDFFF]


def boundaries() -> list[int]:
    """The code points at both sides of both ends of every range of every class."""
    ends = {
        end + step for ranges in classes().values() for pair in ranges for end in pair for step in (-1, 0, 1)
    }
    return sorted(ends & set(scalars()))


# --- equality ------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [*SMALL, *SPACES, *CASES])
def test_small_texts(codec: Codec, loaded: Loaded, pattern: str, text: str) -> None:
    assert codec.encode(text, loaded) == reference(text, loaded.ranks, pattern)


@pytest.mark.parametrize("corpus", CORPORA)
def test_corpora_with_the_builtin_vocabulary(codec: Codec, builtin: Loaded, corpus: str) -> None:
    text = generate(corpus, 50_000, seed=11)
    assert codec.encode(text, builtin) == reference(text, builtin.ranks, "o200k")


@pytest.mark.parametrize("corpus", CORPORA)
def test_corpora(codec: Codec, loaded: Loaded, pattern: str, tiktoken_encode: Tokenize, corpus: str) -> None:
    text = generate(corpus, 100_000, seed=12)
    tokens = codec.encode(text, loaded)
    assert tokens == tiktoken_encode(text)
    assert tokens == reference(text, loaded.ranks, pattern)


@pytest.mark.parametrize("name", LONG)
def test_long_words(codec: Codec, loaded: Loaded, pattern: str, name: str) -> None:
    assert codec.encode(LONG[name], loaded) == reference(LONG[name], loaded.ranks, pattern)


@pytest.mark.parametrize("name", LONG)
def test_long_words_as_tiktoken(codec: Codec, loaded: Loaded, tiktoken_encode: Tokenize, name: str) -> None:
    assert codec.encode(LONG[name], loaded) == tiktoken_encode(LONG[name])


@pytest.mark.parametrize("context", ["a{0}A{0} {0}1", "{}"])
def test_every_code_point_as_tiktoken(
    codec: Codec, loaded: Loaded, tiktoken_encode: Tokenize, context: str
) -> None:
    text = in_context(context, scalars())
    assert codec.encode(text, loaded) == tiktoken_encode(text)


@pytest.mark.parametrize("context", CONTEXTS)
def test_ends_of_classes_in_context(
    codec: Codec, loaded: Loaded, tiktoken_encode: Tokenize, context: str
) -> None:
    text = in_context(context, boundaries())
    assert codec.encode(text, loaded) == tiktoken_encode(text)


@pytest.mark.parametrize("context", ["a{0}A {0}1{0}\n", "{}"])
def test_ends_of_classes_as_the_reference(codec: Codec, builtin: Loaded, context: str) -> None:
    text = in_context(context, boundaries())
    assert codec.encode(text, builtin) == reference(text, builtin.ranks, "o200k")


LETTERS = st.text(
    st.sampled_from("aAbs\u017fStTlLrReEvVdm'\u2019 \n\r\t/!.1²٣中ʰあǅ\u0301\u00a0\u3000é👍\x00")
)
TEXTS = st.one_of(st.text(), LETTERS, st.text(st.characters(max_codepoint=0x3000), min_size=20))
FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(text=TEXTS)
def test_any_text(codec: Codec, loaded: Loaded, pattern: str, text: str) -> None:
    tokens = codec.encode(text, loaded)
    assert tokens == reference(text, loaded.ranks, pattern)
    assert codec.decode(tokens, len(text.encode()), loaded.table)[0] == text.encode()


@FUZZ
@given(text=TEXTS)
def test_any_text_as_tiktoken(codec: Codec, loaded: Loaded, tiktoken_encode: Tokenize, text: str) -> None:
    assert codec.encode(text, loaded) == tiktoken_encode(text)


# --- vocabularies that no training makes ---------------------------------------------------


def odd_vocabulary(seed: int, alphabet: bytes, tokens: int, longest: int) -> Loaded:
    """Random strings in random order: merges come before their parts, and many are unreachable."""
    draw = random.Random(seed)
    strings = {bytes(draw.choices(alphabet, k=draw.randint(2, longest))) for _ in range(tokens)}
    everything = sorted({bytes([b]) for b in range(256)} | strings)
    draw.shuffle(everything)
    ranks = {token: rank for rank, token in enumerate(everything)}
    return Loaded(ranks, table.build(ranks, PATTERNS["o200k"].number))


@pytest.mark.parametrize("seed", range(12))
def test_odd_vocabularies(codec: Codec, seed: int) -> None:
    alphabet = (b"ab", b"abc", b"abcdefgh")[seed % 3]
    loaded = odd_vocabulary(seed, alphabet, tokens=(12, 60, 400)[seed // 4], longest=3 + seed)
    draw = random.Random(seed)
    lengths = [1, 2, 3, 10, 40, 63, 64, 65, 66, 130, 1000, 5000]
    text = " ".join("".join(draw.choices(alphabet.decode(), k=length)) for length in lengths)
    tokens = codec.encode(text, loaded)
    assert tokens == reference(text, loaded.ranks, "o200k")
    assert codec.decode(tokens, len(text), loaded.table)[0] == text.encode()


def test_ranks_with_gaps(codec: Codec, builtin: Loaded) -> None:
    ranks = {token: 3 * rank + 5 for token, rank in builtin.ranks.items()}
    sparse = Loaded(ranks, table.build(ranks, PATTERNS["o200k"].number))
    text = generate("mixed", 5000, seed=13)
    tokens = codec.encode(text, sparse)
    assert tokens == [3 * rank + 5 for rank in codec.encode(text, builtin)]
    assert codec.decode(tokens, 5000, sparse.table)[0] == text.encode()
    assert codec.decode([4], 5000, sparse.table)[1] == BAD_TOKEN


# --- what is not text, and what is no table ------------------------------------------------


@FUZZ
@given(
    data=st.one_of(
        st.binary(),
        st.binary(min_size=50),
        st.lists(st.sampled_from([b"\xf0\x9f", b"\xe4\xb8\xad", b"\xed\xa0\x80", b"\xff", b"ab "])).map(
            b"".join
        ),
    )
)
def test_bytes_that_are_no_text_come_back(codec: Codec, builtin: Loaded, data: bytes) -> None:
    tokens = codec.encode(data, builtin)
    assert codec.decode(tokens, len(data), builtin.table) == (data, len(data))


def test_a_stray_byte_is_a_punctuation_mark(codec: Codec, builtin: Loaded) -> None:
    stray = codec.encode(b"a\xe4 b\xff1\xed\xa0\x80", builtin)
    expected = [b"a", b"\xe4", b" b", b"\xff", b"1", b"\xed", b"\xa0", b"\x80"]
    assert [in_order(builtin)[token] for token in stray] == expected


@pytest.fixture(scope="module")
def page() -> Array:
    """A page of memory behind which nothing may be touched."""
    size = mmap.PAGESIZE
    memory = mmap.mmap(-1, 2 * size)
    view = np.frombuffer(memory, np.uint8)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    assert libc.mprotect(view.ctypes.data + size, size, 0) == 0
    return view[:size]


ENDS = [
    b"a",
    b"ab",
    b"hello",
    b"hello world ",
    b" internationalization",
    b"x" * 70,
    b"I'",
    b"I'l",
    "\u017f'".encode(),
]
ENDS += [
    "é".encode()[:1],
    "中".encode()[:2],
    "👍".encode()[:3],
    "中文".encode(),
    b"   ",
    b"\n\n",
    b"12345",
    b"!!//",
]


@pytest.mark.parametrize("end", ENDS)
def test_nothing_is_read_behind_the_text(codec: Codec, builtin: Loaded, page: Array, end: bytes) -> None:
    page[-len(end) :] = np.frombuffer(end, np.uint8)
    text = page[-len(end) :]
    tokens, count = codec.run_encode(text, builtin.table)
    assert codec.decode(tokens[:count].tolist(), len(end), builtin.table)[0] == end


@pytest.mark.parametrize(("field", "value"), [("magic", 1), ("pattern", 99)])
def test_tables_that_are_none(codec: Codec, builtin: Loaded, field: str, value: int) -> None:
    broken = builtin.table.copy()
    broken[: 8 * len(table.HEADER)].view(np.uint64)[table.HEADER.index(field)] = value
    assert codec.run_encode(np.frombuffer(b"hello", np.uint8), broken)[1] == BAD_TABLE


def test_a_table_of_more_ranks_than_the_case_says(codec: Codec, builtin: Loaded) -> None:
    assert codec.run_encode(np.frombuffer(b"hello", np.uint8), builtin.table, ranks=4095)[1] == BAD_TABLE


@pytest.mark.parametrize("tokens", [[-1], [4096], [1 << 30], [104, 4096], [104] * 6])
def test_tokens_that_are_none(codec: Codec, builtin: Loaded, tokens: list[int]) -> None:
    assert codec.decode(tokens, 5, builtin.table)[1] == BAD_TOKEN
