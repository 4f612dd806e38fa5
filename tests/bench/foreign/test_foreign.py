"""Files that other tools wrote (trimmed; llama-bench's by its documentation), read as sessions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from armbench.bench import estimates, foreign
from armbench.bench.compare import compare, exit_code
from armbench.bench.results import ResultError
from tests.conftest import Armbench

HERE = Path(__file__).parent
FILES = sorted(path.name for path in HERE.glob("*.json"))


def raw(name: str) -> Any:
    return json.loads((HERE / name).read_text())


def edited(tmp_path: Path, name: str, **changes: Any) -> Path:
    path = tmp_path / name
    path.write_text(json.dumps({**raw(name), **changes}))
    return path


def test_pytest_benchmark_keeps_every_sample_of_its_one_process() -> None:
    session = foreign.read(HERE / "pytest-benchmark.json")
    names = [result.case for result in session.results]
    assert names == ["test_b.py::test_sum", "test_b.py::test_sorted"]
    (process,) = session.results[0].processes
    data = raw("pytest-benchmark.json")["benchmarks"][0]["stats"]["data"]
    assert [row[0] / session.results[0].tick_hz for row in process.samples] == pytest.approx(data, rel=1e-6)
    assert session.machine.chip == "Intel(R) Xeon(R) Processor"
    assert [finding.text for finding in session.findings] == [
        "all its samples are of one process, which cannot tell the noise between processes"
    ]


def test_pytest_benchmark_without_samples_says_so() -> None:
    session = foreign.read(HERE / "pytest-benchmark-without-samples.json")
    assert "--benchmark-save-data" in session.findings[0].text
    (process,) = session.results[0].processes
    assert len(process.samples) == 1


def test_pyperf_has_processes() -> None:
    session = foreign.read(HERE / "pyperf.json")
    runs = [run for run in raw("pyperf.json")["benchmarks"][0]["runs"] if "values" in run]
    result = session.results[0]
    assert (result.case, len(result.processes)) == ("sum", len(runs))
    middle = sorted(runs[0]["values"])[len(runs[0]["values"]) // 2]
    assert estimates.process_seconds(result)[0] == pytest.approx(middle, rel=1e-6)


def test_google_benchmark_takes_repetitions_and_leaves_aggregates() -> None:
    session = foreign.read(HERE / "google-benchmark.json")
    assert [result.case for result in session.results] == ["BM_sum/64", "BM_sum/1024"]
    (process,) = session.results[0].processes
    assert len(process.samples) == 8
    first = raw("google-benchmark.json")["benchmarks"][0]
    assert process.samples[0][0] == round(first["real_time"] * 1000)


def test_hyperfine_starts_a_process_for_each_sample() -> None:
    session = foreign.read(HERE / "hyperfine.json")
    assert [len(result.processes) for result in session.results] == [12, 12]


@pytest.mark.parametrize("lines", [False, True])
def test_llama_bench_names_tests_as_its_tables_do(lines: bool, tmp_path: Path) -> None:
    path = tmp_path / "llama.json"
    tests = raw("llama-bench.json")
    path.write_text("\n".join(map(json.dumps, tests)) if lines else json.dumps(tests))
    session = foreign.read(path)
    assert [r.case for r in session.results] == [
        "llama 7B Q4_K - Medium pp512",
        "llama 7B Q4_K - Medium tg128",
    ]
    prompt, generated = map(estimates.summarize, session.results)
    assert prompt.rate.value == pytest.approx(512 / 17)
    assert generated.rate.unit == "token/s"


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_no_different_from_itself(name: str) -> None:
    session = foreign.read(HERE / name)
    found = compare([session], [session])
    assert {row.verdict for row in found.rows} <= {"same", "undecided"}
    assert all(row.matched for row in found.rows)
    assert found.lacks
    assert exit_code([found], gate=True) == 0


def test_a_slower_run_of_hyperfine_is_found(tmp_path: Path) -> None:
    slower = raw("hyperfine.json")["results"]
    for result in slower:
        result["times"] = [2 * seconds for seconds in result["times"]]
    new = edited(tmp_path, "hyperfine.json", results=slower)
    found = compare([foreign.read(HERE / "hyperfine.json")], [foreign.read(new)])
    assert {row.verdict for row in found.rows} == {"slower"}


def test_one_process_gives_a_ratio_and_no_verdict(armbench: Armbench) -> None:
    path = HERE / "google-benchmark.json"
    done = armbench("compare", path, path)
    assert done.returncode == 0, done.stderr
    assert "0.0 %" in done.stdout
    assert "the benchmark library itself was built for debugging" in " ".join(done.stdout.split())
    assert armbench("compare", path, path, "--strict").returncode == 3
    assert armbench("compare", path, HERE / "hyperfine.json").returncode == 5


def test_show_takes_them_too(armbench: Armbench) -> None:
    done = armbench("show", HERE / "llama-bench.json")
    assert done.returncode == 0, done.stderr
    assert "pp512" in done.stdout


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("hyperfine.json", {"results": [{"command": "x", "mean": 1}]}),
        ("pyperf.json", {"benchmarks": [{"runs": [{"values": ["fast"]}], "metadata": {"name": "x"}}]}),
        ("pyperf.json", {"benchmarks": [{"runs": []}]}),
        ("google-benchmark.json", {"benchmarks": [{"name": "x", "real_time": 1, "time_unit": "h"}]}),
        ("pytest-benchmark.json", {"benchmarks": [{"name": "x", "stats": {"data": [0.0]}}]}),
        ("pytest-benchmark.json", {"benchmarks": []}),
    ],
)
def test_a_damaged_file_is_one_line_that_names_it(name: str, changes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ResultError) as raised:
        foreign.read(edited(tmp_path, name, **changes))
    assert str(raised.value).startswith(f"{tmp_path / name}: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "{", '{"a": 1}', "[1, 2]", "null", '[{"a": 1}]'])
def test_a_file_of_nobody(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(ResultError):
        foreign.read(path)
