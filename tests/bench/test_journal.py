from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from armbench.bench import journal, results
from armbench.bench.journal import Journal, assemble, read_journal
from armbench.bench.model import Failure, Finding, Result, Session, Skip
from armbench.bench.results import ResultError
from tests.bench.sessions import GRAVITON4, result, session

KEY = "matmul/neon/f32-n1024/throughput/0"
OTHER = "matmul/numpy/f32-n1024/throughput/0"
RESULTS = {KEY: result(rounds=3), OTHER: result(variant="numpy", rounds=3)}


def whole() -> Session:
    return session(tuple(RESULTS.values()))


def begin(path: Path) -> Journal:
    made = whole()
    header = {"session": made.session, "machine": GRAVITON4, "software": made.software, "seed": 7}
    opened = Journal.create(path, header)
    for finding in made.findings:
        opened.append("finding", finding)
    for key, trial in RESULTS.items():
        opened.append("result", {"key": key, "result": replace(trial, processes=())})
    return opened


def processes(opened: Journal, index: int, trials: dict[str, Result] = RESULTS) -> None:
    for key, trial in trials.items():
        opened.append("process", {"key": key, "process": trial.processes[index]})


def play(opened: Journal, index: int) -> None:
    processes(opened, index)
    opened.append("round", whole().rounds[index])
    opened.sync()


def test_a_finished_run_assembles_to_its_session(tmp_path: Path) -> None:
    path = tmp_path / "x.partial.jsonl"
    opened = begin(path)
    for index in range(3):
        play(opened, index)
    opened.append("session", {"partial": False})
    opened.close()
    opened.close()
    assert assemble(read_journal(path)) == whole()


def test_what_was_not_finished_is_partial(tmp_path: Path) -> None:
    opened = begin(tmp_path / "x.partial.jsonl")
    opened.append("skip", Skip("matmul", "avx2", "for x86_64"))
    opened.append("failure", Failure("matmul", "sve", "f32-n128", "killed by SIGILL"))
    opened.append("finding", Finding("steal", "…", "…"))
    play(opened, 0)
    processes(opened, 1)
    opened.close()
    made = assemble(read_journal(opened.path))
    assert made.session["partial"] is True
    assert [len(trial.processes) for trial in made.results] == [1, 1]
    assert [r.index for r in made.rounds] == [0]
    assert (len(made.skipped), len(made.failed), len(made.findings)) == (1, 1, 2)


def test_before_the_first_round_is_over_there_are_no_results(tmp_path: Path) -> None:
    opened = begin(tmp_path / "x.partial.jsonl")
    processes(opened, 0)
    opened.close()
    records = read_journal(opened.path)
    assert assemble(records).results == ()
    assert {key: len(r.processes) for key, r in journal.results_by_key(records).items()} == {KEY: 0, OTHER: 0}


@pytest.mark.parametrize("torn", [1, 20, 200])
def test_a_torn_last_line_is_ignored_and_cut_off(tmp_path: Path, torn: int) -> None:
    opened = begin(tmp_path / "x.partial.jsonl")
    play(opened, 0)
    processes(opened, 1)
    opened.close()
    path = opened.path
    path.write_bytes(path.read_bytes()[:-torn])
    assert len(assemble(read_journal(path)).results) == 2
    again, _ = Journal.reopen(path)
    play(again, 1)
    again.close()
    made = assemble(read_journal(path))
    assert made.results == tuple(replace(r, processes=r.processes[:2]) for r in RESULTS.values())


def test_a_resumed_run_forgets_the_unfinished_round(tmp_path: Path) -> None:
    """The round is done again: its first half must not count twice, nor with what failed since."""
    opened = begin(tmp_path / "x.partial.jsonl")
    play(opened, 0)
    processes(opened, 1)
    opened.close()
    again, _ = Journal.reopen(opened.path)
    processes(again, 1, {KEY: RESULTS[KEY]})
    again.append("round", whole().rounds[1])
    again.close()
    made = assemble(read_journal(opened.path))
    assert [[p.round for p in trial.processes] for trial in made.results] == [[0, 1], [0]]


def test_an_interrupted_round_is_done_again(tmp_path: Path) -> None:
    """What the second attempt measures replaces the first; what it does not reach stays."""
    opened = begin(tmp_path / "x.partial.jsonl")
    play(opened, 0)
    processes(opened, 1)
    opened.append("round", replace(whole().rounds[1], quality=("interrupted",)))
    opened.close()
    again, _ = Journal.reopen(opened.path)
    redone = replace(RESULTS[KEY].processes[1], pid=4711)
    again.append("process", {"key": KEY, "process": redone})
    again.append("round", whole().rounds[1])
    again.close()
    made = assemble(read_journal(opened.path))
    assert [r.index for r in made.rounds] == [0, 1]
    assert made.rounds == whole().rounds[:2]
    assert [[p.round for p in trial.processes] for trial in made.results] == [[0, 1], [0, 1]]
    assert made.results[0].processes[1] == redone
    assert made.results[1].processes[1] == RESULTS[OTHER].processes[1]


def test_pauses_between_the_parts_of_a_run_are_not_spent(tmp_path: Path) -> None:
    opened = begin(tmp_path / "x.partial.jsonl")
    play(opened, 0)
    opened.close()
    began = datetime.fromisoformat(whole().session["started"].replace("Z", "+00:00")).timestamp()
    os.utime(opened.path, (began + 30, began + 30))
    again, spent = Journal.reopen(opened.path)
    assert spent == pytest.approx(30, abs=0.01)
    reopened_at = time.time()
    again.append("session", {"ended": utc(reopened_at + 12)})
    again.close()
    os.utime(opened.path, (reopened_at + 12, reopened_at + 12))
    assert assemble(read_journal(opened.path)).session["seconds"] == pytest.approx(42, abs=1)
    _, spent = Journal.reopen(opened.path)
    assert spent == pytest.approx(42, abs=1)


def utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat().replace("+00:00", "Z")


def test_only_one_run_writes_a_journal(tmp_path: Path) -> None:
    opened = begin(tmp_path / "x.partial.jsonl")
    play(opened, 0)
    before = opened.path.read_bytes()
    with pytest.raises(ResultError, match="another armbench run"):
        Journal.reopen(opened.path)
    assert opened.path.read_bytes() == before
    opened.close()
    again, _ = Journal.reopen(opened.path)
    again.close()


def test_trials_that_were_never_reached_are_named(tmp_path: Path) -> None:
    opened = Journal.create(
        tmp_path / "x.partial.jsonl",
        {
            "session": whole().session,
            "machine": GRAVITON4,
            "software": whole().software,
            "trials": [
                KEY,
                OTHER,
                "k/v/failed/throughput/0,1",
                "k/v/large/throughput/0",
                "k/v/never/parallel/0,1",
                "k/v/broken/split:2/0,1,2,3",
                "k/v/broken/split:4/0,1,2,3",
                "k/v/whole/throughput/0,1",
                "k/v/whole/parallel/0,1",
            ],
        },
    )
    for key, trial in RESULTS.items():
        opened.append("result", {"key": key, "result": replace(trial, processes=())})
    opened.append("failure", Failure("k", "v", "failed", "…", "throughput", "0-1"))
    opened.append("failure", Failure("k", "v", "broken", "…", "split", "0-3", 2))
    opened.append("skip", Skip("k", "v", "too large", "large"))
    opened.append("skip", Skip("k", "v", "too large", "large"))
    opened.append("skip", Skip("k", "v", "one piece", "whole", "parallel"))
    processes(opened, 0, {KEY: RESULTS[KEY]})
    opened.append("round", whole().rounds[0])
    opened.append("session", {"partial": False})
    opened.close()
    made = assemble(read_journal(opened.path))
    assert made.session["unmeasured"] == [
        OTHER,
        "k/v/never/parallel/0,1",
        "k/v/broken/split:4/0,1,2,3",
        "k/v/whole/throughput/0,1",
    ]
    assert made.session["partial"] is True
    assert len(made.skipped) == 2


KILLED = """
import os, signal, sys
from datetime import datetime, timezone
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import test_journal as t
opened = t.begin(Path(sys.argv[1]))
t.play(opened, 0)
t.processes(opened, 1)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_loses_only_the_round_that_it_hits(tmp_path: Path) -> None:
    path = tmp_path / "x.partial.jsonl"
    ended = subprocess.run([sys.executable, "-c", KILLED, path, Path(__file__).parent], check=False)
    assert ended.returncode == -signal.SIGKILL
    made = assemble(read_journal(path))
    assert [[p.round for p in trial.processes] for trial in made.results] == [[0], [0]]


def test_the_last_word_on_a_trial_counts(tmp_path: Path) -> None:
    opened = begin(tmp_path / "x.partial.jsonl")
    play(opened, 0)
    opened.append("result", {"key": KEY, "result": replace(RESULTS[KEY], processes=(), stop="precision")})
    opened.close()
    assert assemble(read_journal(opened.path)).results[0].stop == "precision"


def test_a_damaged_line_in_the_middle_is_refused(tmp_path: Path) -> None:
    opened = begin(tmp_path / "x.partial.jsonl")
    play(opened, 0)
    opened.close()
    lines = opened.path.read_bytes().split(b"\n")
    lines[2] = lines[2][:30]
    opened.path.write_bytes(b"\n".join(lines))
    with pytest.raises(ResultError, match=r"x\.partial\.jsonl: line 3 is damaged"):
        read_journal(opened.path)


@pytest.mark.parametrize("content", ["", "{}\n", '{"kind": "round", "payload": {}}\n', "no\n"])
def test_what_is_no_journal_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.partial.jsonl"
    path.write_text(content)
    with pytest.raises(ResultError):
        read_journal(path)
    with pytest.raises(ResultError):
        Journal.reopen(path)
    assert path.read_text() == content


def test_a_journal_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.partial.jsonl"
    path.write_text('{"kind": "header", "payload": {"schema": "armbench/2"}}\n')
    with pytest.raises(ResultError, match="newer armbench"):
        read_journal(path)


def test_a_journal_is_never_overwritten(tmp_path: Path) -> None:
    opened = begin(tmp_path / "x.partial.jsonl")
    opened.close()
    with pytest.raises(ResultError, match="File exists"):
        begin(opened.path)


def test_an_assembled_session_is_a_valid_file(tmp_path: Path) -> None:
    opened = begin(tmp_path / "x.partial.jsonl")
    play(opened, 0)
    opened.close()
    results.write(assemble(read_journal(opened.path)), tmp_path / "r.json")
    assert results.validate(tmp_path / "r.json") == []


def test_of_a_finding_that_is_made_again_the_last_one_counts(tmp_path: Path) -> None:
    path = tmp_path / "x.partial.jsonl"
    opened = begin(path)
    play(opened, 0)
    later = Finding("thp", "huge pages are off now", "a remedy", "slow", "https://example.org/")
    opened.append("finding", Finding("busy", "others work", "wait", "slow", "https://example.org/"))
    opened.append("finding", later)
    opened.close()
    made = assemble(read_journal(path))
    assert [finding.code for finding in made.findings] == ["thp", "busy"]
    assert made.findings[0] == later
