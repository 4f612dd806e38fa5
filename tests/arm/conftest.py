"""When the lab runs, and the table of what ran where.

Without qemu the lab is skipped aloud, unless ARMBENCH_ARM_LAB=required says that it must run
(make test-arm, CI).  On an Arm machine it is skipped: the tests of kernels/ run the real thing.
"""

from __future__ import annotations

import os
import platform

import pytest

from tests.arm import lab
from tests.arm.ledger import LEDGER


@pytest.fixture(scope="session", autouse=True)
def _needs() -> None:
    if platform.machine() == "aarch64":
        pytest.skip("an Arm machine: tests/kernels runs the variants natively")
    if reason := lab.missing():
        if os.environ.get("ARMBENCH_ARM_LAB") == "required":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if LEDGER.cells:
        terminalreporter.section("native variants on emulated CPUs")
        for line in LEDGER.lines():
            terminalreporter.write_line(line)
