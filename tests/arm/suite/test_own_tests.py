"""The project's own tests on an emulated Arm CPU: those that rest on the architecture, in a few minutes.

They are what reads this host, the native library with its teams, what a worker does, and kernels in
Python.  Left out, besides what PARTS says: values that are the same on every CPU (statistics, models,
fixtures of machines, reports); the run as a user types it and faults in it, whose limits are seconds
(test_commands runs two cases); comparisons (an emulator gets no verdict); and every variant on every
shape, which tests/arm/test_variants_on_arm.py has without a Python.
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
MACHINE, RUN, KERNELS = "tests/bench/machine", "tests/bench/run", "tests/kernels"
PARTS = {
    "machine": Part(
        (
            *(f"{MACHINE}/test_{name}.py" for name in ("budget", "comparability", "condition", "features")),
            *(f"{MACHINE}/test_{name}.py" for name in ("machine_here", "machine_watch", "pages", "probe")),
            f"{MACHINE}/software",
        ),
        {
            "this_host_is_real": "it is not",
            "without_the_native_library": "/proc/cpuinfo is that of the host",
            "bad_import": "numpy has six seconds to load, and the emulator a word on killed processes",
        },
    ),
    "native": Part(
        (f"{KERNELS}/test_native.py",),
        {
            "192_threads": "they wait for each other on few CPUs, each turn an emulated one",
            "many_times": "the same",
        },
    ),
    "tokenization": Part(
        (f"{KERNELS}/tokenization/test_native.py",),
        {
            "o200k": "its vocabulary is in a library that only x86 tests install",
            "tiktoken": "the same",
            "windows": "hundreds of texts by chance, a minute",
            "stream_gives": "the same",
        },
    ),
    "run": Part(
        tuple(f"{RUN}/test_{name}.py" for name in ("memory", "problems", "sampling", "worker"))
        + tuple(f"{KERNELS}/test_{name}.py" for name in ("chains", "formats", "matmul")),
        {},
    ),
}
Runs = Mapping[str, Future[subprocess.CompletedProcess[str]]]


@pytest.fixture(scope="module")
def runs(python: Python) -> Iterator[Runs]:
    """All parts on Graviton2's CPU, as many at once as there are CPUs; what ran counts for the audit of skips."""
    words: tuple[str, ...] = (
        "-m",
        "pytest",
        "-q",
        "-rfEs",
        "-p",
        "no:cacheprovider",
        "--hypothesis-profile=ci",
    )
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
