"""Many seeded sessions on simulated 192-core machines: how often is found what was given?

    python tests/comparisons/scaling_recovery.py [SEEDS] [FIRST SEED]

Prints for each machine, case and parameter in how many sessions the interval held the truth.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.simulator.recovery import NODE_BYTES_PER_SECOND, Check, checks, tally
from tests.simulator.session import chip_of


def run(name: str, bytes_per_second: float, seeds: range) -> Iterator[Check]:
    with tempfile.TemporaryDirectory() as folder:
        chip = chip_of(name, Path(folder), bytes_per_second)
        for seed in seeds:
            target = Path(folder) / "session.json"
            yield from checks(chip, target, crc32(name.encode()) + seed)
            target.unlink()


def main(count: int = 200, first: int = 1) -> None:
    for name, bytes_per_second in NODE_BYTES_PER_SECOND.items():
        print(f"{name}, seeds {first} to {first + count - 1}")
        for (case, what), (found, total) in tally(
            run(name, bytes_per_second, range(first, first + count))
        ).items():
            print(f"  {case:30} {what:14} {found:4} of {total}  {100 * found / total:5.1f} %", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
