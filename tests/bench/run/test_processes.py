"""Following worker processes, played here by scripts that say or do what a broken worker may."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from armbench.bench.run import processes
from armbench.bench.run.processes import Broken, Done, Event, Process, WorkerError, Workers

TELL = """
import json, os, signal, sys, time
def tell(**event):
    print(json.dumps(event), flush=True)
def measure(index):
    tell(start=index)
    tell(done=index, ticks=[[1]])
"""


def follow(*scripts: str, limit: float = 20.0, trials: int = 3) -> list[Event]:
    """What is heard of processes that run these scripts, one a rank."""
    workers = Workers([])
    for script in scripts:
        popen = subprocess.Popen(
            [sys.executable, "-c", TELL + script], stdout=subprocess.PIPE, start_new_session=True
        )
        errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  # kill() closes it
        workers.processes.append(Process(popen, errors))
    try:
        rows = [(index, range(len(scripts))) for index in range(trials)]
        return list(workers.follow(rows, lambda index: None, limit))
    finally:
        workers.kill()


ALL = "for i in range(3): measure(i)\n"
WAIT = "time.sleep(1000)"


def test_a_trial_is_over_when_every_process_says_so() -> None:
    events = follow(ALL, "time.sleep(0.3)\n" + ALL)
    assert [event.index for event in events] == [0, 1, 2]
    assert all(isinstance(event, Done) and event.ticks.tolist() == [[1, 1]] for event in events)


def test_the_trial_of_the_process_that_died_is_to_blame() -> None:
    """Not the latest that any process began."""
    ahead = "measure(0); measure(1); tell(start=2);" + WAIT
    dies = "tell(start=0); time.sleep(0.5); os.kill(os.getpid(), signal.SIGSEGV)"
    assert follow(ahead, dies) == [Broken(0, "killed by SIGSEGV")]


def test_the_oldest_unfinished_trial_is_to_blame_for_silence() -> None:
    ahead = "measure(0); measure(1); tell(start=2);" + WAIT
    done, broken = follow(ahead, "measure(0); tell(start=1);" + WAIT, limit=1.0)
    assert isinstance(done, Done)
    assert broken == Broken(1, "gave no result within 1 s (killed)")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("sys.stdout.buffer.write(b'\\xff\\xfe\\n'); sys.stdout.flush();", "wrote into"),
        ("print('[1, 2]', flush=True);", "wrote into"),
        ("print('{\"begin\": 1}', flush=True);", "wrote into"),
        ("os.close(1);", "closed its output (killed)"),
        ("os.kill(os.getpid(), 9);", "killed by SIGKILL (out of memory?)"),
        (f"os.kill(os.getpid(), {signal.SIGRTMIN + 3});", "killed by "),
        ("sys.exit(7);", "ended with status 7"),
        ("os.fork() and os._exit(7);", "ended with status 7"),  # the child holds the output open
    ],
)
def test_what_a_broken_process_does_ends_its_trial(script: str, reason: str) -> None:
    started = time.monotonic()
    done, broken = follow(f"measure(0); tell(start=1); {script} {WAIT}")
    assert isinstance(done, Done)
    assert isinstance(broken, Broken)
    assert (broken.index, broken.reason[: len(reason)]) == (1, reason)
    assert time.monotonic() - started < 15, "noticed, not timed out"


def test_noise_does_not_put_the_limit_off() -> None:
    (broken,) = follow("tell(start=0)\nwhile True: os.write(1, b'x'); time.sleep(0.1)", limit=1.0)
    assert broken == Broken(0, "gave no result within 1 s (killed)")


def test_processes_that_do_not_start_are_the_users_to_mend() -> None:
    with pytest.raises(WorkerError, match="ended with status 3"):
        follow("sys.exit(3)")


def test_what_a_worker_started_is_killed_with_it(tmp_path: object) -> None:
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    popen = subprocess.Popen(
        [sys.executable, "-c", f"import os, time; os.fork(); os.write({writer}, b'.'); time.sleep(1000)"],
        stdout=subprocess.PIPE,
        pass_fds=(writer,),
        start_new_session=True,
    )
    os.close(writer)
    assert os.read(reader, 1) == b"."
    process = Process(popen, tempfile.TemporaryFile("w+"))  # noqa: SIM115
    Workers([process]).kill()
    while os.read(reader, 1):  # the end comes when the last holder of the pipe is gone
        pass
    os.close(reader)


def test_signals_have_names() -> None:
    assert processes.signal_name(signal.SIGILL) == "SIGILL"
    assert processes.signal_name(200) == "signal 200"


def test_the_affinity_of_a_block_ends_with_it() -> None:
    before = os.sched_getaffinity(0)
    with processes.on_cpus([min(before)]):
        assert os.sched_getaffinity(0) == {min(before)}
    with processes.on_cpus(()), processes.on_cpus([100_000]):
        assert os.sched_getaffinity(0) == before
    assert os.sched_getaffinity(0) == before
