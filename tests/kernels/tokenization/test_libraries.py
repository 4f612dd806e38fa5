"""The library variants: right where they run, and a reason where they do not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from armbench.bench import registry
from armbench.bench.model import Array, Case, Settings, Variant
from armbench.kernels.tokenization import KERNEL, KINDS, case_of, vocabulary
from armbench.kernels.tokenization.vocabulary import BUILTIN, Vocabulary, shared

LIBRARIES = {v.name: v for v in registry.variants("tokenization") if v.library}
NEVER = {
    "bpe_openai": {("stream", None), ("encode", "warm"), ("count", "warm")},
    "gigatoken": {("count", "cold"), ("count", "warm"), ("encode", "cold")},
    "rs_bpe": {("stream", None), ("encode", "warm"), ("count", "warm")},
    "tiktoken": {("count", "cold"), ("count", "warm"), ("encode", "warm")},
    "tokenizers": {("count", "cold"), ("count", "warm")},
}
SMALL = {"prose": 3, "code": 2, "json": 2}  # documents of 600 bytes


def found(name: str) -> Vocabulary:
    known = vocabulary.builtin() if name == "builtin" else vocabulary.published(name)
    return known or pytest.skip(f"no copy of {name}: pip install bpe-openai")


def small_cases(name: str) -> list[Case]:
    known = found(name)
    shapes = [(corpus, documents, kind) for corpus, documents in SMALL.items() for kind in KINDS]
    return [case_of(known, corpus, "600", 600, n, *kind) for corpus, n, kind in shapes]


def run(variant: Variant, case: Case, settings: Settings) -> float:
    problem = KERNEL.problem(case, settings, 3)
    operands: Mapping[str, Array] = {o.name: o.data for o in problem.operands}
    assert variant.library
    call, outputs = variant.library.bind(case, operands)
    call()
    return KERNEL.error(problem, outputs(call()))


def test_there_are_five() -> None:
    assert set(LIBRARIES) == set(NEVER)
    assert {v.extra for v in LIBRARIES.values()} == {"tokenizers"}


@pytest.mark.parametrize("name", ["builtin", "o200k", "cl100k"])
@pytest.mark.parametrize("library", NEVER)
def test_what_runs_is_right(library: str, name: str) -> None:
    variant, known = LIBRARIES[library], found(name)
    if variant.why_not:
        pytest.skip(variant.why_not)
    assert variant.library
    for case in small_cases(name):
        if variant.library.accepts(case) is None:
            assert run(variant, case, Settings(vocabulary=known.path)) == 0, case.name


@pytest.mark.parametrize("library", NEVER)
def test_what_does_not_run_has_a_reason(library: str) -> None:
    variant = LIBRARIES[library]
    assert variant.library
    known = Vocabulary("o200k", BUILTIN, "o200k", 1)
    for kind in KINDS:
        case = case_of(known, "prose", "2k", 2048, 64, *kind)
        reason = variant.library.accepts(case)
        assert (reason is not None) == (kind in NEVER[library]), (kind, reason)
        assert reason is None or len(reason) < 75


@pytest.mark.parametrize("library", ["bpe_openai", "rs_bpe"])
def test_vocabularies_that_a_library_cannot_take(library: str) -> None:
    library_ = LIBRARIES[library].library
    assert library_
    case = case_of(vocabulary.builtin(), "prose", "2k", 2048, 64, "encode", "cold")
    assert "has only o200k and cl100k, not builtin" in str(library_.accepts(case))


@pytest.mark.parametrize("library", NEVER)
def test_the_version_is_told(library: str) -> None:
    variant = LIBRARIES[library]
    if variant.why_not:
        pytest.skip(variant.why_not)
    assert variant.library
    assert (
        variant.library.detail() == f"{variant.library.package} {registry.installed(variant.library.package)}"
    )


def test_batches_on_several_cpus_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "threads", lambda: 2)
    case = case_of(vocabulary.builtin(), "mixed", "3x600", 600, 3, "encode", "cold")
    warm = case_of(vocabulary.builtin(), "mixed", "3x600", 600, 3, "encode", "warm")
    for name, chosen in (("tiktoken", case), ("tokenizers", warm), ("gigatoken", warm)):
        if not LIBRARIES[name].why_not:
            assert run(LIBRARIES[name], chosen, Settings(vocabulary=BUILTIN)) == 0, name


def test_a_difference_is_not_hidden() -> None:
    """One wrong token, one too few, one text that is not whole."""
    case = case_of(vocabulary.builtin(), "prose", "600", 600, 2, "encode", "cold")
    problem = KERNEL.problem(case, Settings(vocabulary=BUILTIN), 3)
    operands = {o.name: o.data for o in problem.operands}
    counts = problem.expected["counts"]
    documents = np.split(problem.expected["tokens"], np.cumsum(counts)[:-1])
    from armbench.kernels.tokenization.corpora.documents import tokens_result

    right = [d.tolist() for d in documents]
    assert KERNEL.error(problem, tokens_result(operands, right)) == 0
    for wrong in ([right[0], [*right[1][:-1], 7]], [right[0], right[1][:-1]], [right[0], [*right[1], 7]]):
        assert KERNEL.error(problem, tokens_result(operands, wrong)) == float("inf")
