"""The project's own tests on an emulated Arm CPU, in as many minutes as a change may cost.

What rests on the architecture runs: what the host is, who may run where, the native library and its
variants, the runner with its workers.  Left out is what computes on plain values (statistics, models,
reports from fixtures: the same on every architecture) and what times or interrupts itself.
"""

from __future__ import annotations

import pytest

from tests.arm import lab
from tests.arm.suite.root import Python

PARTS = (
    "tests/bench/machine",
    "tests/bench/report",
    "tests/bench/run",
    "tests/bench/test_results.py",
    "tests/bench/test_roofs.py",
    "tests/kernels",
)


@pytest.mark.parametrize("part", PARTS)
def test_own_tests(part: str, python: Python) -> None:
    done = python.run("-m", "pytest", "-q", "-rfEs", "-p", "no:cacheprovider", part, cwd=lab.ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
