"""Fixtures: the command as a process, and a package that brings a kernel of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.audit import pytest_collectreport as pytest_collectreport
from tests.audit import pytest_runtest_logreport as pytest_runtest_logreport
from tests.audit import pytest_sessionfinish as pytest_sessionfinish

Armbench = Callable[..., "subprocess.CompletedProcess[str]"]
REPO = Path(__file__).resolve().parent.parent


def clean_environment(**extra: str) -> dict[str, str]:
    """The environment without options of armbench and without foreign BLAS settings."""
    foreign = ("ARMBENCH_", "OPENBLAS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    kept.update({name: os.environ[name] for name in ("ARMBENCH_LIBRARY",) if name in os.environ})
    return {**kept, **extra}


@pytest.fixture
def armbench(tmp_path: Path) -> Armbench:
    """armbench(*words, env={…}): run the command in tmp_path."""

    def call(*words: object, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "armbench.bench", *map(str, words)],
            cwd=tmp_path,
            env=clean_environment(**(env or {})),
            capture_output=True,
            text=True,
            timeout=300,
        )

    return call


KERNEL = """
    import numpy as np
    from armbench.bench.model import Case, Kernel, Operand, Problem, Work, empty

    def cases(settings):
        return [Case("n8", {"n": 8}, operation="double", native_params=(8,))]

    def problem(case, settings, seed):
        x = np.random.default_rng(seed).standard_normal(8)
        operands = (Operand("x", x), Operand("y", empty(8, float), output=True))
        return Problem(operands, {"y": 2 * x}, 0.0, Work(flops=8, bytes_read=64, bytes_written=64))

    def error(problem, outputs):
        return float(np.abs(outputs["y"] - problem.expected["y"]).max())

    KERNEL = Kernel("faulty", 1, "doubles a vector, one way or another", cases, problem, error)
"""
VARIANT = """
    import os, signal, time
    import numpy as np
    from armbench.bench.model import Library

    def is_pipe(fd):
        path = f"/proc/self/fd/{fd}"
        return os.path.lexists(path) and os.readlink(path).startswith("pipe:")

    def bind(case, operands):
        x, y = operands["x"], operands["y"]
        state = {"calls": 0}
        def call():
            state["calls"] += 1
            BODY
        return call, lambda result: {"y": y}

    VARIANT = Library(package="numpy", bind=bind)
"""
BODIES = {
    "good": "np.multiply(x, 2.0, out=y)",
    "wrong": "np.multiply(x, 3.0, out=y)",
    "stale": "state['calls'] == 1 and np.multiply(x, 2.0, out=y)",
    "segv": "os.kill(os.getpid(), signal.SIGSEGV)",
    "illegal": "os.kill(os.getpid(), signal.SIGILL)",
    "memory": "raise MemoryError('wanted 1 TB')",
    "hang": "time.sleep(1000)",
    "raises": "raise RuntimeError('no luck')",
    "loud": r"os.write(2, b'\xff bad luck\n'); os._exit(3)",
    "orphan": "os.fork() or time.sleep(60); os.kill(os.getpid(), signal.SIGSEGV)",
    "garbles": r"[os.write(fd, b'\xff\n') for fd in range(3, 64) if is_pipe(fd)]; time.sleep(1000)",
}


@pytest.fixture
def faulty_kernel(tmp_path: Path) -> dict[str, str]:
    """Environment in which a foreign package adds the kernel `faulty`, a variant per fault."""
    home = tmp_path / "site"
    package = home / "faulty_kernel"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(textwrap.dedent(KERNEL))
    for name, body in BODIES.items():
        (package / f"{name}.py").write_text(textwrap.dedent(VARIANT).replace("BODY", body))
    info = home / "faulty_kernel-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty-kernel\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[armbench.kernels]\nfaulty = faulty_kernel\n")
    return {"PYTHONPATH": str(home)}
