"""How long `compare` takes, and how much memory, over made-up files of many results.

    python -m tests.comparisons.compare_speed

Two files of 2000 results, then 200 files of 200: 100 sessions of either side, in a folder each.
"""

from __future__ import annotations

import resource
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
    """The command's seconds, its largest memory, and its last line."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "armbench.bench", "compare", *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.monotonic() - began
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return f"{seconds:.2f} s, {megabytes:.0f} MB: {done.stdout.splitlines()[-1]}"


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for seed in (0, 1):
            write(folder / f"{seed}.json", 2000, seed)
        print(f"2 files of 2000 results: {compare(folder / '0.json', folder / '1.json')}")
        for seed in range(200):
            write(folder / "ab"[seed % 2] / f"{seed}.json", 200, seed)
        print(f"200 files of 200 results: {compare(folder / 'a', folder / 'b')}")


if __name__ == "__main__":
    main()
