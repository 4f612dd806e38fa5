"""`armbench run` as a user types it: crashes, hangs, interruption, resumption, bad input."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from armbench.bench import machine
from armbench.bench.model import Settings
from tests.conftest import Armbench, clean_environment

SMALL = ("matmul/numpy/f32-n128", "--cpus", "1", "--profile", "quick")


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def test_faults_are_contained_and_the_rest_goes_on(
    armbench: Armbench, faulty_kernel: dict[str, str], tmp_path: Path
) -> None:
    words = ("run", "faulty", "--cpus", "1", "--rounds", "2", "--limit", "3", "-o", "out.json")
    done = armbench(*words, env=faulty_kernel)
    assert done.returncode == 6, done.stderr
    document = load(tmp_path / "out.json")
    reasons = {failure["variant"]: failure["reason"] for failure in document["failed"]}
    assert {name: reasons[name] for name in reasons if name not in ("wrong", "stale")} == {
        "segv": "killed by SIGSEGV",
        "illegal": "killed by SIGILL",
        "memory": "out of memory: wanted 1 TB",
        "hang": "gave no result within 3 s (killed)",
        "raises": "RuntimeError: no luck",
        "loud": "ended with status 3: \ufffd bad luck",
        "orphan": "killed by SIGSEGV",
        "garbles": "wrote into its process's own channel to the suite (killed)",
    }
    assert reasons["wrong"].startswith("wrong result")
    assert reasons["stale"].startswith("wrong result"), "an output that no timed call wrote"
    (good,) = document["results"]
    assert good["variant"] == "good"
    assert [process["round"] for process in good["processes"]] == [0, 1]
    assert "FAILED faulty/segv/n8: killed by SIGSEGV" in done.stdout
    assert not document["session"]["partial"]


def test_a_fault_in_one_of_several_processes(
    armbench: Armbench, faulty_kernel: dict[str, str], tmp_path: Path
) -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two CPUs")
    faults = {"segv", "stale", "raises", "garbles", "orphan"}
    words = ("--cpus", "all", "--rounds", "1", "--limit", "10", "-o", "out.json")
    select = [f"faulty/{name}" for name in ("good", *faults)]
    done = armbench("run", *select, *words, env=faulty_kernel)
    assert done.returncode == 6, done.stderr
    document = load(tmp_path / "out.json")
    assert {failure["variant"] for failure in document["failed"]} == faults
    (good,) = document["results"]
    assert good["threads"] == len(os.sched_getaffinity(0))
    assert len(good["processes"][0]["samples"][0]) == min(3, good["threads"]) or good["threads"] <= 8


def test_a_run_writes_a_valid_file_where_it_says(armbench: Armbench, tmp_path: Path) -> None:
    done = armbench("run", *SMALL, "--rounds", "2")
    assert done.returncode == 0, done.stderr
    name = done.stderr.splitlines()[-1].removeprefix("Result file: ")
    checked = armbench("validate", name)
    assert checked.returncode == 0, checked.stdout
    assert not list(tmp_path.rglob("*.partial.jsonl"))
    shown = armbench("show", name)
    assert "f32-n128" in shown.stdout
    assert "\x1b" not in done.stdout + done.stderr + shown.stdout
    assert max(map(len, (done.stdout + shown.stdout).splitlines())) <= 80


def test_the_result_holds_what_was_measured(armbench: Armbench, tmp_path: Path) -> None:
    armbench("run", "matmul/scalar/f32-n128", "--rounds", "3", "-o", "out.json", "--seed", "7")
    document = load(tmp_path / "out.json")
    assert document["session"]["seed"] == 7
    assert [r["index"] for r in document["rounds"]] == [0, 1, 2]
    for result in document["results"]:
        assert result["verified"]["max_error"] <= result["verified"]["tolerance"]
        assert result["stop"] == "rounds"
        assert len({process["pid"] for process in result["processes"]}) == 3
        for process in result["processes"]:
            seconds = [row[0] / result["tick_hz"] for row in process["samples"]]
            assert len(seconds) == 10
            assert len(process["warmup"]) >= 3
            assert min(seconds) > 0


def interrupt_after_first_round(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "armbench.bench", "run", *words]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored in a script's background
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        journals = list(tmp_path.rglob("*.partial.jsonl"))
        if journals and '"kind": "round"' in journals[0].read_text():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)  # impatience must not cost the file
    out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def test_ctrl_c_keeps_what_was_measured_and_resume_goes_on(armbench: Armbench, tmp_path: Path) -> None:
    stopped = interrupt_after_first_round(
        tmp_path, *SMALL, "--rounds", "40", "--budget", "900", "-o", "out.json"
    )
    assert stopped.returncode == 130, stopped.stderr
    partial = load(tmp_path / "out.json")
    assert partial["session"]["partial"]
    before = len(partial["rounds"])
    assert 1 <= before < 40
    assert "PARTIAL" in stopped.stdout
    assert "--resume out.partial.jsonl" in stopped.stderr

    resumed = armbench("run", "--resume", "out.json")
    assert resumed.returncode == 0, resumed.stderr
    whole = load(tmp_path / "out.json")
    assert not whole["session"]["partial"]
    assert [r["index"] for r in whole["rounds"]] == list(range(40))
    (result,) = whole["results"]
    assert [process["round"] for process in result["processes"]] == list(range(40))
    assert not any("interrupted" in r["quality"] for r in whole["rounds"])
    assert result["processes"][: before - 1] == partial["results"][0]["processes"][: before - 1]


def test_a_killed_run_loses_at_most_a_round(armbench: Armbench, tmp_path: Path) -> None:
    limits = ("--rounds", "30", "--budget", "900", "-o", "out.json")
    command = [sys.executable, "-m", "armbench.bench", "run", *SMALL, *limits]
    process = subprocess.Popen(command, cwd=tmp_path, env=clean_environment(), stderr=subprocess.DEVNULL)
    journal = tmp_path / "out.partial.jsonl"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if journal.exists() and journal.read_text().count('"kind": "round"') >= 2:
            break
        time.sleep(0.05)
    process.kill()
    process.wait()
    resumed = armbench("run", "--resume", "out.partial.jsonl")
    assert resumed.returncode == 0, resumed.stderr
    assert [r["index"] for r in load(tmp_path / "out.json")["rounds"]] == list(range(30))
    assert not journal.exists()


def test_a_spent_budget_leaves_the_rest_unmeasured(armbench: Armbench, tmp_path: Path) -> None:
    done = armbench("run", "matmul", "--budget", "1", "--cpus", "1", "-o", "out.json")
    assert done.returncode == 0, done.stderr
    document = load(tmp_path / "out.json")
    unmeasured = document["session"]["unmeasured"]
    assert document["session"]["partial"]
    assert unmeasured
    assert f"PARTIAL: {len(unmeasured)} trial" in done.stdout
    assert {result["stop"] for result in document["results"]} <= {"budget"}
    assert armbench("validate", "out.json").returncode == 0


def test_resume_takes_no_other_option_and_no_second_run(armbench: Armbench, tmp_path: Path) -> None:
    interrupt_after_first_round(tmp_path, *SMALL, "--rounds", "40", "--budget", "900", "-o", "out")
    done = armbench("run", "--resume", "out", "--rounds", "3")
    assert (done.returncode, "give it alone" in done.stderr) == (2, True)
    with (tmp_path / "out.partial.jsonl").open() as journal:
        fcntl.flock(journal, fcntl.LOCK_EX)
        done = armbench("run", "--resume", "out.partial.jsonl")
    assert (done.returncode, "another armbench run" in done.stderr) == (2, True)
    assert armbench("run", "--resume", "out", env={"ARMBENCH_ROUNDS": "3"}).returncode == 0
    assert len(load(tmp_path / "out")["rounds"]) == 40
    assert armbench("validate", "out").returncode == 0


def test_a_reader_that_goes_away_is_no_error(armbench: Armbench, tmp_path: Path) -> None:
    def without_reader(*words: str, **streams: int) -> subprocess.CompletedProcess[str]:
        reader, writer = os.pipe()
        os.close(reader)
        try:
            command = [sys.executable, "-m", "armbench.bench", *words]
            kept = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **dict.fromkeys(streams, writer)}
            return subprocess.run(command, cwd=tmp_path, env=clean_environment(), text=True, **kept)  # type: ignore[call-overload, no-any-return]
        finally:
            os.close(writer)

    done = without_reader("list", stdout=1)
    assert (done.returncode, done.stderr) == (0, "")
    done = without_reader("run", *SMALL, "--rounds", "1", "-o", "out.json", stderr=1)
    assert done.returncode == 0
    assert "f32-n128" in done.stdout
    assert armbench("validate", "out.json").returncode == 0


@pytest.mark.parametrize("fact", ["boot", "machine", "build"])
def test_resume_refuses_another_host(armbench: Armbench, tmp_path: Path, fact: str) -> None:
    interrupt_after_first_round(tmp_path, *SMALL, "--rounds", "40", "--budget", "900", "-o", "out.json")
    journal = tmp_path / "out.partial.jsonl"
    header, *rest = journal.read_text().splitlines(keepends=True)
    record = json.loads(header)
    if fact == "boot":
        record["payload"]["session"]["boot_id"] = "another"
    elif fact == "machine":
        record["payload"]["machine"]["comparability_key"] = "another"
    else:
        record["payload"]["software"]["native"]["build_hash"] = "another"
    journal.write_text(json.dumps(record) + "\n" + "".join(rest))
    done = armbench("run", "--resume", "out.partial.jsonl")
    assert done.returncode == 4
    assert f"another {fact}" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "matmull"), "did you mean matmul?"),
        (("run", "--bogus"), "unknown option --bogus"),
        (("run", "matmul", "--cpus", "999"), "these may: "),
        (("run", "matmul", "--cpus", "0,0"), "name each once"),
        (("run", "matmul", "--cpus", "0-99999999999"), "give 1, all, ladder or a list"),
        (("run", "matmul", "--budget", "inf"), "at most 1,000,000"),
        (("run", "matmul", "--limit", "1e8"), "at most 1,000,000"),
        (("run", "matmul", "-o", "/proc/nope/x.json"), "give another file with -o"),
        (("show", "absent.json"), "absent.json: No such file"),
        (("list", "--corpus", "absent.txt"), "absent.txt: No such file"),
        (("list", "--vocabulary", "absent.tiktoken"), "absent.tiktoken: No such file"),
        (("machine", "--root", "absent"), "absent: no such folder"),
        (("validate", "absent.json"), "absent.json"),
        (("rnu",), "did you mean run?"),
        (("run", "--profile", "noise", "-o", "x.json"), "leave -o out"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(armbench: Armbench, words: tuple[str, ...], message: str) -> None:
    done = armbench(*words)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_own_text_becomes_a_case(armbench: Armbench, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("What is tokenized is what I gave: ünïcödé, 漢字, and 12345.\n" * 20)
    words = ("run", "tokenization/scalar/*-own-*", "--corpus", "mine.txt", "--cpus", "1", "--rounds", "1")
    done = armbench(*words, "-o", "out.json")
    assert done.returncode == 0, done.stderr
    results = load(tmp_path / "out.json")["results"]
    assert {r["params"]["direction"] for r in results} == {"encode", "count", "decode", "stream"}
    assert {r["params"]["bytes"] for r in results} == {(tmp_path / "mine.txt").stat().st_size}


def test_an_existing_file_is_not_overwritten(armbench: Armbench, tmp_path: Path) -> None:
    (tmp_path / "out.json").write_text("precious")
    done = armbench("run", *SMALL, "-o", "out.json")
    assert done.returncode == 2
    assert "out.json exists" in done.stderr
    assert (tmp_path / "out.json").read_text() == "precious"


def test_list_names_everything(armbench: Armbench) -> None:
    text = armbench("list").stdout
    assert "matmul" in text
    assert "for aarch64" in text or "for x86_64" in text
    document = json.loads(armbench("list", "--json").stdout)
    by_name = {kernel["name"]: kernel for kernel in document["kernels"]}
    variants = {variant["name"]: variant for variant in by_name["matmul"]["variants"]}
    assert variants["numpy"]["why_not"] is None


# --- placements ----------------------------------------------------------------------------


def test_splits_and_shared_cpus_are_measured_and_say_so(armbench: Armbench, tmp_path: Path) -> None:
    """Three threads on the CPUs of this machine, two at most, so that some share one."""
    cpus = machine.usable_cpus()[:2]
    listed = ",".join(map(str, cpus))
    words = ("matmul/scalar/f32-n128", "matmul/numpy/f32-n128", "--cpus", listed, "--rounds", "1")
    options = ("--mode", "split", "--profile", "quick", "-o", "split.json")
    done = armbench("run", *words, *options)
    assert done.returncode == 0, done.stderr
    found = load(tmp_path / "split.json")["results"]
    if len(cpus) == 2:
        assert {(r["variant"], r["instances"]) for r in found} == {
            ("scalar", 1), ("scalar", 2), ("numpy", 1), ("numpy", 2)
        }  # fmt: skip
        assert {r["placement"] for r in found} == {"list"}
        columns = {r["instances"]: len(r["processes"][0]["samples"][0]) for r in found}
        assert columns == {1: 1, 2: 2}
        used = {r["instances"]: r["processes"][0].get("library_threads") for r in found if not r["isa"]}
        assert used in ({1: 2, 2: 1}, {1: 1, 2: 1}, {1: None, 2: None}), "a BLAS without threads is one's own"
    shared = ("--mode", "both", "--oversubscribe", "1.5", "--profile", "quick", "-o", "shared.json")
    done = armbench("run", *words[:1], *words[2:], *shared)
    assert done.returncode == 0, done.stderr
    crowded = [r for r in load(tmp_path / "shared.json")["results"] if r["threads"] > len(cpus)]
    assert {r["mode"] for r in crowded} == {"throughput", "parallel"}
    assert all("oversubscribed" in r["processes"][0]["flags"] for r in crowded)
    assert "c: more threads than CPUs" in done.stdout
    for name in ("split.json", "shared.json"):
        checked = armbench("validate", name)
        assert checked.returncode == 0, checked.stdout


def test_threads_are_found_on_their_cpus(armbench: Armbench, tmp_path: Path) -> None:
    """By what they see of themselves, on the first and on all CPUs (up to four)."""
    cpus = ",".join(map(str, machine.usable_cpus()[:4]))
    for index, listed in enumerate((cpus.split(",")[0], cpus)):
        name = f"{index}.json"
        words = ("matmul/*/f32-n128", "tokenization/scalar/*base64*", "--mode", "both")
        options = ("--rounds", "1", "--profile", "quick")
        done = armbench("run", *words, "--cpus", listed, *options, "-o", name)
        assert done.returncode == 0, done.stderr
        for result in load(tmp_path / name)["results"]:
            (process,) = result["processes"]
            assert "moved" not in process["flags"], (result["variant"], result["cpus"])
            shares = process.get("page_nodes")
            assert shares is None or sum(shares.values()) == pytest.approx(1, abs=0.01)
            several = result["threads"] > 1 and (result["isa"] or result["mode"] == "throughput")
            assert ("start_spread_ticks" in process) == bool(several)


def test_memory_that_cannot_be_placed_is_refused_before_anything_is_measured(
    armbench: Armbench, tmp_path: Path
) -> None:
    done = armbench("run", *SMALL, "--memory", "node:1000")
    assert done.returncode == 2
    assert done.stderr.startswith("armbench: --memory node:1000: ")
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.rglob("*.jsonl"))


def test_a_run_that_began_before_there_were_placements_can_go_on() -> None:
    from armbench.bench.run.plan import PROFILES
    from armbench.bench.run.request import Request, request_json, request_of

    request = Request((), Settings(), PROFILES["quick"], "1", "throughput", 9.0, 1, "spread", "node:1", 1.5)
    document = json.loads(json.dumps(request_json(request)))
    assert request_of(document) == request
    for name in ("placement", "memory", "oversubscribe"):
        del document[name]
    assert request_of(document).placement == "compact"
