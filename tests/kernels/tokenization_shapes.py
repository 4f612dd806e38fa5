"""Texts for tokenization: every corpus in short and odd lengths, with the built-in vocabulary."""

from __future__ import annotations

from collections.abc import Iterator

from armbench.bench.model import Case, Settings
from armbench.kernels.tokenization import KINDS, case_of
from armbench.kernels.tokenization.corpora import CORPORA
from armbench.kernels.tokenization.vocabulary import BUILTIN, builtin

SETTINGS = Settings(vocabulary=BUILTIN)
LENGTHS = (1, 2, 3, 5, 15, 16, 17, 63, 64, 65, 255, 1000, 5000)
BATCH = 3


def cases() -> Iterator[Case]:
    for direction, state in KINDS:
        for corpus in CORPORA:
            for length in LENGTHS:
                yield case_of(builtin(), corpus, str(length), length, 1, direction, state)
            yield case_of(builtin(), corpus, f"{BATCH}x700", 700, BATCH, direction, state)
