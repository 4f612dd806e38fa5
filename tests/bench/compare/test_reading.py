"""What is read without decoding every process is what decoding them gives."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from armbench.bench import codec, estimates, results
from armbench.bench.compare.observed import Reduced, reduced
from armbench.bench.compare.reading import from_bytes
from armbench.bench.model import Result
from tests.bench.sessions import result, session

KINDS: dict[str, Result] = {
    "one thread": result(),
    "three threads": result(threads=3, case="b"),
    "many threads": result(threads=12, case="c"),
    "parallel": result(threads=4, mode="parallel", case="d"),
    "split": result(threads=4, mode="split", instances=2, case="e"),
    "a single process": result(rounds=1, case="f"),
    "few samples": result(samples=3, case="g"),
}
RAGGED = replace(
    result(case="h"), processes=(*result(rounds=3).processes, *result(samples=4, rounds=2).processes)
)


def document(*trials: Result) -> Any:
    return json.loads(results.layout(results.to_json(session(trials))))


def read(made: Any) -> Reduced:
    return from_bytes(json.dumps(made).encode())


@pytest.mark.parametrize("made", [*KINDS.values(), RAGGED], ids=[*KINDS, "ragged"])
def test_values_are_those_of_the_samples(made: Result) -> None:
    (fast,) = read(document(made)).trials
    (slow,) = reduced(session([made])).trials
    for found in (fast, slow):
        assert np.exp(found.logs) == pytest.approx(estimates.process_seconds(made), rel=1e-12)
        assert found.log.value == pytest.approx(estimates.estimate(made).value, rel=1e-12)
        assert found.log.low == pytest.approx(estimates.estimate(made).low, rel=1e-12)
        assert found.rounds == tuple(p.round for p in made.processes)
        assert found.flags == tuple(p.flags for p in made.processes)
        assert found.result == replace(made, processes=())


def test_trials_keep_their_order() -> None:
    trials = [*KINDS.values(), RAGGED]
    assert [t.result.case for t in read(document(*trials)).trials] == [t.case for t in trials]


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("samples", [[1.5]], "expected rows of positive whole ticks"),
        ("samples", [[0]], "expected rows of positive whole ticks"),
        ("samples", [[True]], "expected rows of positive whole ticks"),
        ("samples", [[-1]], "expected rows of positive whole ticks"),
        ("samples", [[]], "expected rows of positive whole ticks"),
        ("samples", [], "expected rows of positive whole ticks"),
        ("samples", [[1, 2]], "expected 1 columns of ticks, found"),
        ("samples", "ticks", "expected rows of positive whole ticks"),
        ("round", "one", "expected an integer"),
        ("flags", None, "expected an array"),
    ],
)
def test_what_is_damaged_is_said_where(place: str, value: Any, said: str) -> None:
    damaged = document(result(rounds=3))
    damaged["results"][0]["processes"][1][place] = value
    with pytest.raises(codec.DecodeError, match=said) as caught:
        read(damaged)
    assert "$.results[0].processes[1]" in str(caught.value)


@pytest.mark.parametrize("value", [[], None, {}, [None]])
def test_a_result_without_processes(value: Any) -> None:
    damaged = document(result(rounds=3))
    damaged["results"][0]["processes"] = value
    with pytest.raises(codec.DecodeError, match=r"\$\.results\[0\]\.processes"):
        read(damaged)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("calls", "many", "calls: expected an integer"),
        ("cpus", "0-", "cpus: expected a CPU list"),
        ("mode", "solo", "mode: expected 'throughput' or"),
        ("work", None, "work: expected an object"),
    ],
)
def test_a_damaged_result_is_named(name: str, value: Any, said: str) -> None:
    damaged = document(result(), result(case="b"))
    damaged["results"][1][name] = value
    with pytest.raises(codec.DecodeError, match=said) as caught:
        read(damaged)
    assert "$.results[1]" in str(caught.value)


def test_files_of_ours_are_read_without_their_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else every test here would pass by the slow way alone."""
    monkeypatch.setattr(results, "decode_whole", None)
    assert len(read(document(*KINDS.values())).trials) == len(KINDS)
    with pytest.raises(TypeError):
        read(document(RAGGED))


def test_spaces_do_not_matter() -> None:
    made = document(result(threads=3))
    (loose,) = from_bytes(json.dumps(made, indent=4).encode()).trials
    (tight,) = from_bytes(json.dumps(made, separators=(",", ":")).encode()).trials
    assert loose.logs.tolist() == tight.logs.tolist()
