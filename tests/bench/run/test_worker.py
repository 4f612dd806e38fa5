"""What a worker does around its samples: threads of libraries, memory of teams."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from armbench.bench.model import Array, Library, Operand, Problem, Settings, Variant, Work, empty
from armbench.bench.run import worker
from armbench.bench.run.teams import Teams
from armbench.bench.run.worker import Job, ThreadsError, TrialJob
from armbench.kernels.matmul.numpy import VARIANT as NUMPY

CPUS = sorted(os.sched_getaffinity(0))


def unused(case: object, operands: object) -> tuple[Callable[[], Any], Callable[[Any], Mapping[str, Array]]]:
    raise AssertionError


def says(count: int | None) -> Variant:
    return Variant("k", "chatty", library=Library("numpy", unused, threads_used=lambda: count))


def test_threads_that_a_library_says_it_uses() -> None:
    assert worker._threads_used(says(2), 2) == 2
    assert worker._threads_used(says(1), 2) == 1, "fewer are a flag, not a failure"
    assert worker._threads_used(says(None), 2) is None
    assert worker._threads_used(Variant("k", "silent", library=Library("numpy", unused)), 2) is None
    assert worker._threads_used(Variant("k", "scalar", isa="scalar"), 2) is None


def test_more_threads_than_it_was_told_are_a_failure() -> None:
    with pytest.raises(ThreadsError, match="chatty uses 4 threads, though told to use 2"):
        worker._threads_used(says(4), 2)


def test_numpy_says_what_its_blas_is_set_to() -> None:
    assert NUMPY.threads_used is not None
    with threadpool_limits(1, "blas"):
        assert NUMPY.threads_used() in (1, None)


TRIAL = TrialJob(0, "k", "v", "c", "throughput", (), None, "local", 1, 0, "", "", "", "", None)
N = 1000


def problem() -> Problem:
    operands = (Operand("x", np.ones(N)), Operand("y", empty(N, float), output=True))
    return Problem(operands, {}, 0.0, Work())


def test_teams_keep_their_memory_until_there_is_no_room() -> None:
    one = 3 * 8 * N
    places = [tuple(CPUS[i % len(CPUS)] for i in range(count)) for count in (1, 2, 3)]
    teams = Teams(seed=1, room_bytes=4 * one)
    for cpus in places[:2]:
        teams.load(problem(), cpus, len(cpus), 1, one).data.close()
    assert list(teams.teams) == places[:2], "three copies have room"
    kept = teams.teams[places[0]]
    loaded = teams.load(problem(), places[0], 1, 1, one)
    assert loaded.team is kept
    assert loaded.data.arrays(0, 0)["x"].tolist() == [1.0] * N
    loaded.data.close()
    teams.load(problem(), places[2], 3, 1, one).data.close()
    assert list(teams.teams) == [places[0], places[2]], "the one that was not used for longest is gone"
    loaded = teams.load(problem(), places[1], 2, 1, one)
    assert loaded.data.arrays(1, 0)["x"].tolist() == [1.0] * N
    for team in teams.teams.values():
        team.close()


def test_a_job_survives_its_journey() -> None:
    trial = replace(TRIAL, mode="split", cpus=(3, 1, 3, 1), instances=2, memory="interleave")
    job = Job(
        3, {}, Settings(), (trial,), 1, 2, 7, 5e-3, 20e-3, memory_nodes=(0, 1), room_bytes=9, probe=True
    )
    assert worker.decode_job(worker.encode_job(job)) == job
    assert trial.place.teams == ((3, 1), (3, 1))
    assert trial.place.oversubscribed
