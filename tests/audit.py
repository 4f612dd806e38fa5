"""Which tests ran nowhere: skipped in every run that CI makes, on whatever machine.

Each run of pytest with ARMBENCH_SKIP_AUDIT=FILE adds what became of its tests to that file (hooks of
tests/conftest.py).  After the last, `python -m tests.audit FILE` fails and names the tests that passed
in none of them, but for those that skips.json excuses, with its reasons.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

VARIABLE = "ARMBENCH_SKIP_AUDIT"
EXCUSES = Path(__file__).with_name("skips.json")
_seen: list[tuple[str, str | None]] = []  # of this run: a test, and why it was skipped


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped:
        _seen.append((report.nodeid, _reason(report)))
    elif report.when == "call" and report.passed:
        _seen.append((report.nodeid, None))


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A module that skips itself."""
    if report.skipped:
        _seen.append((report.nodeid, _reason(report)))


def pytest_sessionfinish() -> None:
    path = os.environ.get(VARIABLE)
    if path and _seen:
        with open(path, "a") as file:  # one write, so that runs at a time do not mix
            file.write("".join(json.dumps(row) + "\n" for row in _seen))


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    told = report.longrepr
    return str(told[2] if isinstance(told, tuple) else told).removeprefix("Skipped: ")


# --- after the last run --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Audit:
    """ran: tests that passed somewhere; nowhere, excused: {test: why it was skipped, or is excused}."""

    ran: frozenset[str]
    nowhere: Mapping[str, str] = field(default_factory=dict)
    excused: Mapping[str, str] = field(default_factory=dict)

    def lines(self) -> list[str]:
        reasons = sorted(set(self.excused.values()))
        lines = [f"{len(self.ran)} tests ran, {len(self.nowhere) + len(self.excused)} ran nowhere"]
        lines += [f"  {list(self.excused.values()).count(reason)} excused: {reason}" for reason in reasons]
        lines += [f"  NOT excused: {test}: {reason}" for test, reason in sorted(self.nowhere.items())]
        return lines


def audit(rows: Sequence[tuple[str, str | None]], excuses: Mapping[str, str]) -> Audit:
    """rows: (test, why it was skipped or None); excuses: {glob of tests: reason}."""
    ran = frozenset(test for test, reason in rows if reason is None)
    skipped = {test: reason for test, reason in rows if reason is not None and test not in ran}
    excused = {
        test: excuse
        for test in skipped
        if (excuse := next((why for glob, why in excuses.items() if fnmatchcase(test, glob)), None))
    }
    return Audit(ran, {test: why for test, why in skipped.items() if test not in excused}, excused)


def beyond_this_cpu() -> list[str]:
    """This architecture's native variants that its CPU cannot run; the emulator has none of them either."""
    from armbench.bench import machine, registry
    from armbench.bench.facts import ISA

    arch = machine.detect().arch
    every = (variant for kernel in registry.kernels() for variant in registry.variants(kernel))
    return [f"{v.kernel}/{v.name}" for v in every if v.why_not and v.isa and ISA[v.isa]["arch"] == arch]


def main(path: Path) -> int:
    rows = [tuple(json.loads(line)) for line in path.read_text().splitlines()]
    found = audit(rows, json.loads(EXCUSES.read_text()))
    print("\n".join(found.lines()))
    if beyond := beyond_this_cpu():
        print(f"left to a CPU that has what they need: {', '.join(beyond)}")
    return 1 if found.nowhere or not found.ran else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
