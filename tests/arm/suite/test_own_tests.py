"""The project's own tests on an emulated Arm CPU: those that rest on the architecture, in a few minutes.

They are what reads this host, the native library with its teams, the workers and the run as a user
types it.  Left out, besides what PARTS says: values that are the same on every CPU (statistics,
models, fixtures of machines, reports), comparisons (an emulator gets no verdict, which test_commands
has), and every variant on every shape (tests/arm/test_variants_on_arm.py, without a Python).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.arm import lab
from tests.arm.suite.root import Python


@dataclass(frozen=True, slots=True)
class Part:
    """Tests in a process of their own; {a word in their names: why they are left out}."""

    paths: tuple[str, ...]
    without: Mapping[str, str]


CPU = "neoverse-n1"  # the fewest variants to play, and its features are those of a real part
HERE = "tests/bench/machine"
PARTS = {
    "machine": Part(
        (
            *(f"{HERE}/test_{name}.py" for name in ("budget", "comparability", "condition", "features")),
            *(f"{HERE}/test_{name}.py" for name in ("machine_here", "machine_watch", "pages", "probe")),
            f"{HERE}/software",
        ),
        {
            "this_host_is_real": "it is not",
            "without_the_native_library": "/proc/cpuinfo is that of the host",
            "bad_import": "numpy has six seconds to load, and the emulator a word on killed processes",
        },
    ),
    "native": Part(
        ("tests/kernels/test_native.py",),
        {
            "192_threads": "they wait for each other on a few CPUs, each slice played slowly",
            "many_times": "the same",
        },
    ),
}
Runs = Mapping[str, Future[subprocess.CompletedProcess[str]]]


@pytest.fixture(scope="module")
def runs(python: Python) -> Iterator[Runs]:
    """All parts on Graviton2's CPU, as many at once as there are CPUs; what ran counts for the audit of skips."""
    words = ("-m", "pytest", "-q", "-rfEs", "-p", "no:cacheprovider", "--hypothesis-profile=ci")
    audit = {"ARMBENCH_SKIP_AUDIT": os.environ.get("ARMBENCH_SKIP_AUDIT", "")}
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        yield {
            name: pool.submit(
                python.run, *words, *part.paths, "-k", " and ".join(f"not {word}" for word in part.without),
                cwd=lab.ROOT, cpu=CPU, **audit,
            )
            for name, part in PARTS.items()
        }  # fmt: skip
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("part", PARTS)
def test_own_tests(part: str, runs: Runs) -> None:
    done = runs[part].result()
    assert done.returncode == 0, done.stdout + done.stderr
