"""How long `compare` takes, and how much memory, over made-up files of many results.

    python -m tests.comparisons.compare_speed

Two files of 2000 results, then 200 files of 200: 100 sessions of either side, in a folder each.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from armbench.bench import results
from tests.bench.sessions import result, session

ROUNDS, SAMPLES = 20, 10


def write(path: Path, count: int, seed: int) -> None:
    """A session of `count` results, whose times differ from seed to seed by noise alone."""
    measured = [
        result(case=f"f32-n{number}", rounds=ROUNDS, samples=SAMPLES, seed=seed) for number in range(count)
    ]
    path.parent.mkdir(exist_ok=True)
    results.write(session(measured, name=f"s{seed}"), path)


def compare(*paths: Path) -> str:
    """The command's seconds (the least of three), its largest memory, and its last line."""
    seconds, memory, last = [], [], ""
    for _ in range(3):
        began = time.monotonic()
        command = [sys.executable, "-m", "armbench.bench", "compare", *map(str, paths)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            told = child.stdout.read()
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{' '.join(command[:4])} ended with {child.returncode}")
        last = told.splitlines()[-1]
        seconds.append(time.monotonic() - began)
        memory.append(used.ru_maxrss / 1024)
    return f"{min(seconds):.2f} s, {max(memory):.0f} MB: {last}"


def make(folder: str) -> None:
    """The files of both comparisons, in folders of `folder`."""
    for seed in range(2):
        write(Path(folder, "two", f"{seed}.json"), 2000, seed)
    for seed in range(200):
        write(Path(folder, "ab"[seed % 2], f"{seed}.json"), 200, seed)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own: a command's largest memory counts from that of the process which
        # starts it, and making the files takes more than comparing them.
        maker = multiprocessing.get_context("spawn").Process(target=make, args=(folder,))
        maker.start()
        maker.join()
        if maker.exitcode:
            raise SystemExit("the files could not be made")
        print(f"2 files of 2000 results: {compare(*sorted(Path(folder, 'two').iterdir()))}")
        print(f"200 files of 200 results: {compare(Path(folder, 'a'), Path(folder, 'b'))}")


if __name__ == "__main__":
    main()
