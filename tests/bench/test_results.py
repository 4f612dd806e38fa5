from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armbench.bench import codec, estimates, model, results
from armbench.bench.model import Failure, Json, Process, Result, Session, Skip
from armbench.bench.results import ResultError
from tests.bench.sessions import GRAVITON4, XEON, result, session


def placed(made: Result) -> Result:
    """With what its processes say of where they ran."""
    said = {"start_spread_ticks": 12.5, "page_nodes": {"0": 0.75, "1": 0.25}, "library_threads": 3}
    return replace(made, processes=tuple(replace(p, **said) for p in made.processes))


def full() -> Session:
    """A session with every kind of thing in it."""
    return session(
        [
            result(rounds=3),
            result(variant="numpy", rounds=2, threads=2, mode="parallel", cpus=(3, 1), side="a"),
            result(rounds=2, threads=12, page_bytes=None, stop=None),
            placed(result(rounds=2, mode="split", cpus=(2, 3, 0, 1, 2, 3), instances=2)),
        ],
        skipped=(
            Skip("matmul", "avx2", "for x86_64"),
            Skip("matmul", "scalar", "too slow", "f32-n2048"),
            Skip("tokenization", "scalar", "one piece", "prose", "parallel"),
        ),
        failed=(
            Failure("matmul", "sve", "f32-n128", "killed by SIGILL"),
            Failure("matmul", "numpy", "f32-n128", "out of memory", "split", "0-3", 2),
        ),
        facts={"sides": {"a": "env:X=1", "b": "env:X=2"}},
    )


def document() -> Json:
    return json.loads(json.dumps(results.to_json(full())))


def write_json(path: Path, content: Json) -> Path:
    path.write_text(json.dumps(content))
    return path


# --- round trip ----------------------------------------------------------------------------


@pytest.mark.parametrize("made", [full(), session(), session([result()], XEON)])
def test_what_is_written_is_read(made: Session, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    results.write(made, path)
    assert results.read(path) == made
    assert results.read(path).path == path
    assert results.validate(path) == []


def test_above_eight_threads_ticks_are_rows_of_three(tmp_path: Path) -> None:
    results.write(full(), tmp_path / "r.json")
    raw = json.loads((tmp_path / "r.json").read_text())["results"][2]["processes"][0]
    assert {len(row) for row in raw["samples"]} == {3}
    assert len(raw["threads"]["median"]) == 12


names = st.text("abc-1", min_size=1, max_size=4)
ticks = st.integers(1, 2**53)


@given(st.data())
def test_any_ticks_survive(data: st.DataObject) -> None:
    threads = data.draw(st.integers(1, 12))
    rows = data.draw(st.lists(st.lists(ticks, min_size=threads, max_size=threads), min_size=2, max_size=4))
    warmup, samples, medians = estimates.compress(np.array(rows, np.int64), 1)
    process = Process(0, data.draw(st.integers(0, 9)), warmup, samples, (data.draw(names),), medians)
    made = session([replace(result(threads=threads), processes=(process,), variant=data.draw(names))])
    assert results.from_json(json.loads(results.layout(results.to_json(made)))) == made


def test_summaries_are_computed_anew(tmp_path: Path) -> None:
    raw = document()
    raw["results"][0]["summary"]["seconds"] = 1e9
    made = results.read(write_json(tmp_path / "r.json", raw))
    assert results.to_json(made)["results"][0]["summary"]["seconds"] == pytest.approx(10e-3, rel=0.01)


def test_a_result_has_the_keys_of_the_format_in_order() -> None:
    wanted = (
        "kernel kernel_version variant isa case params side mode cpus threads placement memory page_bytes"
    )
    wanted += " tick_hz calls overhead_ticks work verified processes stop summary"
    raw = document()["results"][1]
    assert list(raw) == wanted.split()
    assert (raw["cpus"], raw["threads"]) == ("3,1", 2)
    assert list(raw["summary"]) == ["seconds", "low", "high", "confidence", "rate", "of_roof"]
    assert list(raw["processes"][0]) == ["round", "pid", "warmup", "samples", "flags"]


def test_a_split_says_how_many_problems_ran_side_by_side() -> None:
    raw = document()["results"][3]
    assert (raw["mode"], raw["instances"], raw["threads"], raw["cpus"]) == ("split", 2, 6, "2-3,0-3")
    assert {len(row) for row in raw["processes"][0]["samples"]} == {2}
    assert raw["processes"][0]["page_nodes"] == {"0": 0.75, "1": 0.25}
    assert set(raw["summary"]["fairness"]) == {"slowest", "fastest", "jain"}


@pytest.mark.parametrize("instances", [None, 0, 4])
def test_instances_divide_the_threads(instances: int | None, tmp_path: Path) -> None:
    raw = document()
    raw["results"][3]["instances"] = instances
    with pytest.raises(ResultError, match=r"results\[3\].instances: expected a divisor of 6 threads"):
        results.read(write_json(tmp_path / "r.json", raw))


def test_the_file_has_a_line_for_each_result(tmp_path: Path) -> None:
    results.write(full(), tmp_path / "r.json")
    lines = (tmp_path / "r.json").read_text().splitlines()
    assert sum(line.startswith('{"kernel":') and '"samples":' in line for line in lines) == 4


# --- the schema ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("machine", model.Machine),
        ("core", model.Core),
        ("cache", model.Cache),
        ("node", model.Node),
        ("finding", model.Finding),
        ("round", model.Round),
        ("work", model.Work),
        ("skip", model.Skip),
        ("failure", model.Failure),
    ],
)
def test_the_schema_names_the_fields_of_the_types(name: str, kind: type) -> None:
    assert list(results.schema()["$defs"][name]["properties"]) == [f.name for f in fields(kind)]


def test_the_schema_is_one() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(results.schema())


def test_machine_json_reads_back() -> None:
    assert codec.decode(model.Machine, json.loads(json.dumps(codec.encode(GRAVITON4)))) == GRAVITON4


# --- files that are none -------------------------------------------------------------------


def cut(text: str) -> str:
    return text[: len(text) // 2]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the file is empty"),
        ("hello", "not JSON: invalid character (byte 0)"),
        ("\x80\x81", "not JSON"),
        ("[1, 2]", "not a result file of armbench"),
        ('{"benchmarks": []}', "not a result file of armbench"),
        ('{"schema": 1}', "not a result file of armbench"),
        ('{"schema": "armbench/2"}', "format armbench/2 is of a newer armbench: upgrade"),
        (cut(results.layout(results.to_json(full()))), "truncated"),
        (results.layout(results.to_json(full()))[:-3], "truncated"),
    ],
)
def test_what_is_no_result_file_is_named_in_one_line(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    path.write_bytes(content.encode("latin-1", "replace"))
    with pytest.raises(ResultError) as caught:
        results.read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert said in message
    assert "\n" not in message
    with pytest.raises(ResultError, match=re.escape(message)):
        results.validate(path)


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    text = results.layout(results.to_json(session([result(rounds=1, samples=1)])))
    path = tmp_path / "cut.json"
    for length in range(0, len(text) - 2, 97):
        path.write_text(text[:length])
        with pytest.raises(ResultError, match=r"truncated|empty"):
            results.read(path)


def test_a_missing_file_and_an_unfinished_run(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="No such file"):
        results.read(tmp_path / "none.json")
    path = tmp_path / "x.partial.jsonl"
    path.write_text("{}")
    with pytest.raises(ResultError, match="--resume"):
        results.read(path)


def put(raw: Json, path: str, value: Json) -> None:
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in parents:
        raw = raw[part]
    if value is KeyError:
        del raw[last]
    else:
        raw[last] = value


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("session", KeyError, "$: session is missing"),
        ("machine.arch", KeyError, "$.machine: arch is missing"),
        ("machine.caches.1.level", "1", "$.machine.caches[1].level: expected an integer, found '1'"),
        ("machine.emulated", 0, "$.machine.emulated: expected true or false, found 0"),
        ("session.id", KeyError, "$.session: id is missing"),
        ("software.native", KeyError, "$.software: native is missing"),
        ("results", {}, "$.results: expected an array"),
        ("results.0", 7, "$.results[0]: expected an object"),
        ("results.1.calls", KeyError, "$.results[1]: calls is missing"),
        ("results.1.calls", 2.5, "$.results[1].calls: expected an integer, found 2.5"),
        ("results.1.calls", True, "$.results[1].calls: expected an integer, found True"),
        (
            "results.1.mode",
            "both",
            "$.results[1].mode: expected 'throughput' or 'parallel' or 'split', found 'both'",
        ),
        ("results.1.cpus", "x", "$.results[1].cpus: expected a CPU list"),
        ("results.1.work.item", 3, "$.results[1].work.item: expected a string, found 3"),
        ("results.1.params", [], "$.results[1].params: expected an object, found an array"),
        ("results.1.params.m", [1], "$.results[1].params.m: expected a single value"),
        ("results.1.processes", [], "$.results[1].processes: expected an array of at least one"),
        ("results.1.processes.0", 3, "$.results[1].processes[0]: expected an object"),
        ("results.1.processes.0.samples", [], "$.results[1].processes[0].samples: expected rows"),
        ("results.1.processes.0.samples", [[0]], "samples: expected rows of positive whole ticks"),
        ("results.1.processes.0.samples", [[1.5]], "samples: expected rows of positive whole ticks"),
        ("results.1.processes.0.samples", [[]], "samples: expected rows of positive whole ticks"),
        ("results.1.processes.0.samples", [1], "samples: expected rows of positive whole ticks"),
        ("results.1.processes.0.samples", [[1, 2]], "$.results[1].processes[0]: expected 1 columns"),
        ("results.1.processes.0.warmup", KeyError, "warmup: expected rows"),
        ("results.2.processes.0.threads", {"median": 3}, "threads.median: expected an array"),
        ("results.2.processes.0.threads", KeyError, "expected 12 columns of ticks, found [3]"),
    ],
)
def test_what_does_not_fit_is_named_with_its_path(path: str, value: Json, said: str, tmp_path: Path) -> None:
    raw = document()
    put(raw, path, value)
    with pytest.raises(ResultError) as caught:
        results.read(write_json(tmp_path / "r.json", raw))
    assert said in str(caught.value)


def test_a_later_writer_may_add_to_the_machine(tmp_path: Path) -> None:
    raw = document()
    raw["machine"]["colour"] = "blue"
    raw["machine"]["cores"][0]["efficiency"] = 3
    path = write_json(tmp_path / "r.json", raw)
    assert results.read(path) == full()
    assert results.validate(path) == []


# --- validate ------------------------------------------------------------------------------


def test_validate_lists_every_problem_with_its_path(tmp_path: Path) -> None:
    raw = document()
    raw["results"][0]["calls"] = 0
    raw["results"][1]["extra"] = 1
    del raw["machine"]["arch"]
    raw["rounds"][0]["started"] = "yesterday"
    raw["results"][2]["summary"]["confidence"] = 95
    problems = results.validate(write_json(tmp_path / "r.json", raw))
    assert sorted(problem.split(": ")[0] for problem in problems) == [
        "$.machine",
        "$.results[0].calls",
        "$.results[1]",
        "$.results[2].summary.confidence",
        "$.rounds[0].started",
    ]
    assert any("'arch' is a required property" in problem for problem in problems)
    assert all("\n" not in problem for problem in problems)


def wrong_threads(raw: Json) -> None:
    raw["results"][0]["threads"] = 2


def stray_round(raw: Json) -> None:
    raw["rounds"].pop()


def edited_summary(raw: Json) -> None:
    raw["results"][0]["summary"]["seconds"] *= 0.9


def wrong_columns(raw: Json) -> None:
    raw["results"][0]["processes"][0]["samples"] = [[1, 2]]


@pytest.mark.parametrize(
    ("spoil", "path"),
    [
        (wrong_threads, "$.results[0].threads"),
        (stray_round, "$.results[0].processes"),
        (edited_summary, "$.results[0].summary.seconds"),
        (wrong_columns, "$.results[0].processes[0]"),
    ],
)
def test_validate_finds_what_a_schema_cannot(
    spoil: Callable[[Json], None], path: str, tmp_path: Path
) -> None:
    raw = document()
    spoil(raw)
    problems = results.validate(write_json(tmp_path / "r.json", raw))
    assert [problem.split(": ")[0] for problem in problems] == [path]


# --- writing -------------------------------------------------------------------------------


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    results.write(full(), path)
    before = path.read_text()
    spoiled = replace(full(), software={**full().software, "x": float("nan")})
    with pytest.raises(ValueError):
        results.write(spoiled, path)
    assert path.read_text() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.json"]


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="No such file or directory"):
        results.write(full(), tmp_path / "no" / "r.json")


def test_a_write_that_fails_late_cleans_up(tmp_path: Path) -> None:
    (tmp_path / "r.json").mkdir()
    with pytest.raises(ResultError, match="Is a directory"):
        results.write(full(), tmp_path / "r.json")
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.json"]


def test_encode_leaves_its_argument_alone() -> None:
    made = full()
    before = copy.deepcopy(made)
    results.to_json(made)["software"]["libraries"].clear()
    assert made == before
