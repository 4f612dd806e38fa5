"""The memory file that a session's workers share."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import numpy as np
import pytest

from armbench.bench.model import Operand, Problem, Work, empty
from armbench.bench.run.problems import ProblemFile


@pytest.fixture
def file() -> Iterator[ProblemFile]:
    made = ProblemFile.create()
    yield made
    made.close()


def problem(*shared: Operand) -> Problem:
    x = np.arange(2000, dtype=np.int32).reshape(20, 100)
    operands = (Operand("x", x), *shared, Operand("y", empty((3, 4), np.float32), output=True))
    expected = {"y": np.ones((3, 4)), "nothing": np.empty((0, 2))}
    return Problem(operands, expected, 0.5, Work(flops=7, items=2, item="token"))


def elsewhere(file: ProblemFile) -> ProblemFile:
    """As a worker sees it: the table came as JSON."""
    return ProblemFile(file.fd, json.loads(json.dumps(file.table)))


def test_a_problem_comes_back_as_it_was(file: ProblemFile) -> None:
    before = problem()
    file.add_problem("p", before)
    after = elsewhere(file).problem("p")
    assert (after.tolerance, after.work) == (before.tolerance, before.work)
    for one, other in zip(before.operands, after.operands, strict=True):
        assert (one.name, one.output, one.data.dtype) == (other.name, other.output, other.data.dtype)
        assert np.array_equal(one.data, other.data)
    for name, array in before.expected.items():
        assert np.array_equal(array, after.expected[name])
        assert array.shape == after.expected[name].shape


def test_inputs_cannot_be_changed(file: ProblemFile) -> None:
    file.add_problem("p", problem())
    with pytest.raises(ValueError, match="read-only"):
        elsewhere(file).problem("p").operands[0].data[:] = 0


def test_what_problems_share_is_stored_once(file: ProblemFile) -> None:
    table = Operand("table", np.ones(1 << 20, np.uint8))
    for name in "pqr":
        file.add_problem(name, problem(table))
    assert os.fstat(file.fd).st_size < 2 << 20


def test_room_is_shared_and_zeroed(file: ProblemFile) -> None:
    file.reserve("room", 100)
    file.reserve("room", 5)
    elsewhere(file).room("room")[7] = 9
    assert file.room("room").size == 100
    assert file.room("room")[7] == 9
    file.zero("room")
    assert not file.room("room").any()
