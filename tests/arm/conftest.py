"""When the lab runs, and the table of what ran where: printed, and in build/arm-lab.md once it is whole.

Without qemu the lab is skipped aloud, unless ARMBENCH_ARM_LAB=required says that it must run
(make test-arm, CI).  On an Arm machine it is skipped: the tests of kernels/ run the real thing.
"""

from __future__ import annotations

import os
import platform

import pytest

from tests.arm import lab
from tests.arm.ledger import LEDGER

TABLE = lab.ROOT / "build" / "arm-lab.md"


@pytest.fixture(scope="session", autouse=True)
def _needs() -> None:
    if platform.machine() == "aarch64":
        pytest.skip("an Arm machine: tests/kernels runs the variants natively")
    need(lab.missing())


def need(reason: str | None) -> None:
    """Skip a test for this reason, or fail it where the lab must run."""
    if reason and os.environ.get("ARMBENCH_ARM_LAB") == "required":
        pytest.fail(reason, pytrace=False)
    if reason:
        pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if LEDGER.cells:
        terminalreporter.section("native variants on emulated CPUs")
        for line in LEDGER.lines():
            terminalreporter.write_line(line)
    if LEDGER.cells and not LEDGER.gaps():
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(LEDGER.markdown())
