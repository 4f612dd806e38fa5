"""The tokenization kernel: its cases, problems and library variants."""

from __future__ import annotations

import numpy as np
import pytest

from armbench.bench import registry
from armbench.bench.model import Array, Case, Problem, Settings
from armbench.kernels import tokenization
from armbench.kernels.tokenization import KERNEL, vocabulary
from armbench.kernels.tokenization.vocabulary import BUILTIN
from armbench.kernels.tokenization.vocabulary.reference import encode

BUILTIN_ONLY = Settings(vocabulary=BUILTIN)
SMALL = [case for case in tokenization.cases(BUILTIN_ONLY) if case.params["batch"] == 64]


def filled(problem: Problem) -> dict[str, Array]:
    """Operands as a harness lays them out: outputs are memory."""
    return {o.name: np.zeros(o.data.shape, o.data.dtype) if o.output else o.data for o in problem.operands}


def test_cases() -> None:
    cases = tokenization.cases(BUILTIN_ONLY)
    assert len({case.name for case in cases}) == len(cases)
    assert len([case for case in cases if case.tier == "core"]) == 16
    assert cases[0].name == "builtin-prose-2k-encode-cold"
    assert cases[-1].name == "builtin-mixed-512x2k-stream"
    keys = {"vocabulary", "corpus", "bytes", "batch", "direction", "state"}
    assert all(set(case.params) == keys for case in cases)


def test_cases_do_not_load_the_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise AssertionError("read")

    monkeypatch.setattr(vocabulary.ranks, "read", fail)
    assert tokenization.cases(Settings())


@pytest.mark.parametrize("case", SMALL, ids=lambda c: c.name)
def test_problem(case: Case) -> None:
    problem = tokenization.problem(case, BUILTIN_ONLY, 3)
    operands = {operand.name: operand.data for operand in problem.operands}
    documents = case.params["batch"]
    assert len(operands["starts"]) == documents + 1 and operands["starts"][-1] == 2048 * documents
    assert problem.work.item == "token" and problem.work.flops == 0
    assert problem.work.items == sum(right_outputs(problem)["counts"]) or "text" in problem.expected
    assert KERNEL.error(problem, filled(problem)) == float("inf")
    assert KERNEL.error(problem, right_outputs(problem)) == 0.0
    for name in problem.expected:
        wrong = right_outputs(problem)
        wrong[name][0] += 1
        assert KERNEL.error(problem, wrong) == float("inf"), name


def right_outputs(problem: Problem) -> dict[str, Array]:
    """What a variant should write: every document at its start."""
    outputs = filled(problem)
    counts, starts = problem.expected["counts"], outputs["starts"]
    at = np.concatenate(([0], np.cumsum(counts)))
    for name, expected in problem.expected.items():
        if name in ("counts", "steps"):
            outputs[name][:] = expected
        else:
            for start, first, count in zip(starts, at, counts, strict=False):
                outputs[name][start : start + count] = expected[first : first + count]
    return outputs


@pytest.mark.parametrize("count", [-1, 0, 1])
def test_a_wrong_count_is_wrong(count: int) -> None:
    problem = tokenization.problem(SMALL[0], BUILTIN_ONLY, 3)
    outputs = right_outputs(problem)
    outputs["counts"][-1] = count
    assert KERNEL.error(problem, outputs) == float("inf")


def test_the_documents_of_a_batch_differ() -> None:
    problem = tokenization.problem(SMALL[0], BUILTIN_ONLY, 3)
    documents = problem.operands[0].data.reshape(-1, 2048)
    assert len({document.tobytes() for document in documents}) == len(documents) > 1


def test_seeds_give_different_documents() -> None:
    one, two = (tokenization.problem(SMALL[0], BUILTIN_ONLY, seed).operands[0].data for seed in (1, 2))
    assert not np.array_equal(one, two)


@pytest.mark.parametrize("name", ["tiktoken", "tokenizers"])
@pytest.mark.parametrize("case", SMALL, ids=lambda c: c.name)
def test_libraries(name: str, case: Case) -> None:
    pytest.importorskip(name)
    (variant,) = (v for v in registry.variants("tokenization") if v.name == name)
    assert variant.library and not variant.why_not and variant.extra == "tokenizers"
    if reason := variant.library.accepts(case):
        pytest.skip(reason)
    problem = tokenization.problem(case, BUILTIN_ONLY, 4)
    call, outputs = variant.library.bind(case, filled(problem))
    call()
    assert KERNEL.error(problem, outputs(call())) == 0.0


@pytest.mark.parametrize("name", ["tiktoken", "tokenizers"])
@pytest.mark.parametrize("pattern", ["o200k", "cl100k"])
def test_libraries_have_the_split_pattern(name: str, pattern: str) -> None:
    """Where the syntax of their regular expressions differs it must not show."""
    pytest.importorskip(name)
    ranks = vocabulary.load(vocabulary.builtin()).ranks
    number = vocabulary.PATTERNS[pattern].number
    table = vocabulary.table.build(ranks, number)
    text = "It's 1234567 o'clock,  ABCdef\n \n x!!!\n\nI'LL  12\u0301\u00a0b // \r\n/a中文ABC \t end \n  "
    expected = encode(text, ranks, pattern)
    (variant,) = (v for v in registry.variants("tokenization") if v.name == name)
    data = np.frombuffer(text.encode(), np.uint8)
    operands = {"text": data, "starts": np.array([0, len(data)]), "table": table}
    call, outputs = variant.library.bind(SMALL[0], operands)
    assert outputs(call())["tokens"][: len(expected)].tolist() == expected
