"""Texts for tokenization, with the built-in vocabulary: every corpus in short and odd lengths, and
a text of everything that decides where words end."""

from __future__ import annotations

from collections.abc import Iterator

from armbench.bench.model import Case, Settings
from armbench.kernels.tokenization import KINDS, OWN, case_of
from armbench.kernels.tokenization.corpora import CORPORA
from armbench.kernels.tokenization.vocabulary import BUILTIN, builtin
from tests.kernels.tokenization.tricky import FILE

ALIGNED = {"table": 64}  # whose sections are (table.h)
SETTINGS = Settings(vocabulary=BUILTIN, corpus=FILE)
LENGTHS = (1, 2, 3, 5, 15, 16, 17, 63, 64, 65, 255, 1000, 5000)
BATCH = 3


def cases() -> Iterator[Case]:
    for direction, state in KINDS:
        for corpus in CORPORA:
            for length in LENGTHS:
                yield case_of(builtin(), corpus, str(length), length, 1, direction, state)
            yield case_of(builtin(), corpus, f"{BATCH}x700", 700, BATCH, direction, state)
        yield case_of(builtin(), OWN, "tricky", FILE.stat().st_size, 1, direction, state)
