"""The native variants against the reference and against tiktoken."""

from __future__ import annotations

import ctypes
import mmap
import random
import re
import string

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from armbench.bench import native
from armbench.bench.model import Array
from armbench.kernels.tokenization.corpora import CORPORA, generate
from armbench.kernels.tokenization.corpora.documents import streamed
from armbench.kernels.tokenization.vocabulary import Loaded, table
from armbench.kernels.tokenization.vocabulary.classes import POINTS, classes
from armbench.kernels.tokenization.vocabulary.patterns import PATTERNS
from armbench.kernels.tokenization.vocabulary.reference import encode as reference
from armbench.kernels.tokenization.vocabulary.table import header
from tests.kernels.tokenization.conftest import Codec, Tokenize
from tests.kernels.tokenization.tricky import FILE, shape, tricky

# As encode.h has them.
BAD_TABLE, BAD_TOKEN, BAD_DOCUMENT, BAD_TEXT = -1, -2, -3, -16
REPAIR = 1

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
    tokens = codec.encode(text, builtin)
    assert tokens == reference(text, builtin.ranks, "o200k")
    assert codec.run_count(np.frombuffer(text.encode(), np.uint8), builtin.table) == len(tokens)


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
FUZZ = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


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


# --- words found many at a time ------------------------------------------------------------


def test_the_text_of_the_shapes_is_what_its_script_writes() -> None:
    assert FILE.read_bytes() == shape().encode()


@pytest.mark.parametrize("seed", range(100))
def test_tricky_texts(codec: Codec, builtin: Loaded, seed: int) -> None:
    """Longer than a window, so that the vectorised variants find words their own way."""
    text = tricky(1000 + seed, 300)
    assert codec.encode(text, builtin) == reference(text, builtin.ranks, "o200k")


@pytest.mark.parametrize("seed", range(60))
def test_tricky_texts_as_tiktoken(codec: Codec, loaded: Loaded, tiktoken_encode: Tokenize, seed: int) -> None:
    text = tricky(2000 + seed, 1000)
    assert codec.encode(text, loaded) == tiktoken_encode(text)


@FUZZ
@given(text=st.text(st.sampled_from("aB'sS\u017f \n\t/.1é\u201c中"), min_size=64, max_size=150))
def test_windows(codec: Codec, builtin: Loaded, text: str) -> None:
    assert codec.encode(text, builtin) == reference(text, builtin.ranks, "o200k")


# --- memory of words -----------------------------------------------------------------------


@pytest.mark.parametrize("slots", [1, 2, 4, 64, 8192])
@pytest.mark.parametrize("operation", ["encode", "count"])
def test_what_is_remembered_is_right(codec: Codec, loaded: Loaded, slots: int, operation: str) -> None:
    """Texts in turn by one binding, which keeps its memory: with few slots words drive each other out."""
    texts = [generate(corpus, 3000, seed=15).encode()[:2990] for corpus in CORPORA]
    texts = [text.decode(errors="ignore").encode().ljust(3000) for text in texts]
    warm, cold = (Bound(codec.name, operation, loaded.table, s) for s in (slots, 0))
    for text in [*texts, *texts[::-1], *texts]:
        assert warm.call(text) == cold.call(text)


def test_memory_of_another_vocabulary_is_forgotten(codec: Codec, builtin: Loaded) -> None:
    ranks = {token: 3 * rank + 5 for token, rank in builtin.ranks.items()}
    sparse = table.build(ranks, PATTERNS["o200k"].number)
    room = np.zeros(max(len(sparse), len(builtin.table)), np.uint8)
    bound = Bound(codec.name, "encode", room, 64, ranks=header(sparse)["ranks"])
    text = generate("mixed", 3000, seed=16).encode()
    given_tokens = []
    for contents in (builtin.table, sparse, builtin.table):
        room[: len(contents)] = contents
        given_tokens.append(bound.call(text))
    assert given_tokens[0] == given_tokens[2]
    assert given_tokens[1][:-1] == [3 * token + 5 for token in given_tokens[0][:-1]]


class Bound:
    """An operation bound once to a text of 3000 bytes, which changes from call to call."""

    def __init__(
        self, name: str, operation: str, contents: Array, slots: int, ranks: int | None = None
    ) -> None:
        found = native.find("tokenization", name, operation)
        assert found
        self.text, self.counts = np.zeros(3000, np.uint8), np.zeros(1, np.int64)
        self.tokens = np.zeros(3000, np.int32)
        outputs = (self.tokens, self.counts) if operation == "encode" else (self.counts,)
        params = (3000, 1, 3000, ranks or header(contents)["ranks"], slots, 0, 0)
        self._bound = native.Bound(found, params, (self.text, np.array([0, 3000]), contents, *outputs))

    def call(self, text: bytes) -> list[int]:
        """The tokens, as many zeros for a count, and their number."""
        self.text[:] = np.frombuffer(text, np.uint8)
        self.counts[0] = -1
        self._bound()
        return [*self.tokens[: self.counts[0]].tolist(), int(self.counts[0])]


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


BYTES = st.one_of(
    st.binary(),
    st.binary(min_size=50),
    st.lists(
        st.sampled_from(
            [b"\xf0\x9f", b"\xe4\xb8\xad", b"\xed\xa0\x80", b"\xff", b"ab ", b"\xf4\x90\x80", b"\xe0\x80"]
        )
    ).map(b"".join),
)


def valid_bytes(data: bytes) -> int:
    """How many there are before the first that is no UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return len(data)


@FUZZ
@given(data=BYTES)
def test_what_is_no_text_is_refused_with_its_offset(codec: Codec, builtin: Loaded, data: bytes) -> None:
    array = np.frombuffer(data, np.uint8)
    _, count = codec.run_encode(array, builtin.table)
    if (valid := valid_bytes(data)) < len(data):
        assert count == BAD_TEXT - valid
        assert codec.run_count(array, builtin.table) == BAD_TEXT - valid
    else:
        assert count >= 0


@FUZZ
@given(data=BYTES)
def test_what_is_no_text_is_replaced(codec: Codec, builtin: Loaded, data: bytes) -> None:
    array = np.frombuffer(data, np.uint8)
    tokens, count = codec.run_encode(array, builtin.table, flags=REPAIR)
    assert tokens[:count].tolist() == reference(data.decode(errors="replace"), builtin.ranks, "o200k")
    assert codec.run_count(array, builtin.table, flags=REPAIR) == count


@pytest.mark.parametrize("offset", [0, 1, 7, 8, 31, 63, 64, 65, 200])
@pytest.mark.parametrize("wrong", [b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe4\xb8"])
@pytest.mark.parametrize("fill", ["a", "é", "中"])
def test_the_first_wrong_byte(codec: Codec, builtin: Loaded, offset: int, wrong: bytes, fill: str) -> None:
    before = (fill * offset).encode()
    data = before + wrong + b" and more\xff" * 20
    assert codec.run_count(np.frombuffer(data, np.uint8), builtin.table) == BAD_TEXT - len(before)


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
    "é".encode(),
    "中".encode(),
    "👍".encode(),
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
    wrong = BAD_TOKEN if len(tokens) < 6 else BAD_DOCUMENT
    assert codec.decode(tokens, 5, builtin.table)[1] == wrong
    assert codec.stream(tokens, 5, builtin.table)[2] == wrong


def test_a_document_longer_than_stated(codec: Codec, builtin: Loaded) -> None:
    found = native.find("tokenization", codec.name, "count")
    assert found
    for starts in ([0, 5], [5, 0]):
        counts = np.zeros(1, np.int64)
        operands = (np.zeros(5, np.uint8), np.array(starts), builtin.table, counts)
        native.Bound(found, (5, 1, 4, header(builtin.table)["ranks"], 0, 0, 0), operands)()
        assert counts[0] == BAD_DOCUMENT


# --- streams -------------------------------------------------------------------------------


@FUZZ
@given(pieces=st.lists(st.binary(min_size=1, max_size=2) | st.sampled_from([b"\xf0", b"\x9f", b"\xe4"])))
def test_a_stream_gives_what_is_whole(codec: Codec, builtin: Loaded, pieces: list[bytes]) -> None:
    """Tokens of one byte, so that every cut occurs."""
    assume(not re.search(rb"\xed[\xa0-\xbf]", b"".join(pieces)))  # see the next test
    tokens = [builtin.ranks[bytes([byte])] for piece in pieces for byte in piece]
    expected = [part.encode() for part in streamed(bytes([byte]) for piece in pieces for byte in piece)]
    text, steps, count = codec.stream(tokens, 3 * len(tokens), builtin.table)
    assert (text[:count], steps) == (b"".join(expected), [len(part) for part in expected[:-1]])


def test_half_a_surrogate_is_not_held_back(codec: Codec, builtin: Loaded) -> None:
    """As anything that cannot become a character; Python's decoder waits for its third byte."""
    tokens = [builtin.ranks[bytes([byte])] for byte in b"\xed\xa0a"]
    assert codec.stream(tokens, 9, builtin.table)[1:] == ([0, 6, 1], 7)


@pytest.mark.parametrize("corpus", CORPORA)
def test_streams(codec: Codec, loaded: Loaded, corpus: str) -> None:
    text = generate(corpus, 20_000, seed=14).encode()
    streamed_text, steps, count = codec.stream(codec.encode(text, loaded), len(text), loaded.table)
    assert (streamed_text, sum(steps), count) == (text, len(text), len(text))
    ends = np.cumsum(steps)
    assert all(end == len(text) or text[end] & 0xC0 != 0x80 for end in ends)


# --- special tokens ------------------------------------------------------------------------

SPECIALS = {b"<|end|>": 5000, b"<|end": 5001, b"@@@": 5003}


@pytest.fixture(scope="module")
def special_table(builtin: Loaded) -> Array:
    return table.build(builtin.ranks, PATTERNS["o200k"].number, SPECIALS)


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (0, ["a  <|end|> b@@@<|end"]),
        (-1, ["a  ", 5000, " b", 5003, 5001]),
        (1, ["a  ", 5000, " b@@@<|end"]),
        (2, ["a  ", 5001, "|> b@@@", 5001]),
        (4, ["a  <|end|> b", 5003, "<|end"]),
    ],
)
def test_special_tokens(
    codec: Codec, builtin: Loaded, special_table: Array, allowed: int, expected: list[str | int]
) -> None:
    """A text is encoded as if it ended where a special token begins."""
    data = np.frombuffer(b"a  <|end|> b@@@<|end", np.uint8)
    tokens, count = codec.run_encode(data, special_table, allowed=allowed)
    wanted = []
    for part in expected:
        wanted += [part] if isinstance(part, int) else reference(part, builtin.ranks, "o200k")
    assert tokens[:count].tolist() == wanted
    assert codec.run_count(data, special_table, allowed=allowed) == count
    assert codec.decode(wanted, len(data), special_table)[0] == data.tobytes()


def test_special_tokens_as_tiktoken(codec: Codec, builtin: Loaded, special_table: Array) -> None:
    tiktoken = pytest.importorskip("tiktoken")
    names = {name.decode(): rank for name, rank in SPECIALS.items() if name != b"<|end"}
    encoding = tiktoken.Encoding(
        "x", pat_str=PATTERNS["o200k"].expression, mergeable_ranks=dict(builtin.ranks), special_tokens=names
    )
    draw = random.Random(5)
    for _ in range(200):
        text = "".join(draw.choices([*names, "<|", "a ", "\n", "  ", "|>", "word"], k=12))
        data = np.frombuffer(text.encode(), np.uint8)
        tokens, count = codec.run_encode(data, special_table, allowed=0b101)
        assert tokens[:count].tolist() == encoding.encode(text, allowed_special="all")
