"""Findings as people see them."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from armbench.bench.doctor import RULES, Evidence, findings
from armbench.bench.model import Budget, Finding
from armbench.bench.report.doctor import findings_document, print_doctor, summary, warnings
from armbench.bench.report.session import finding_lines
from tests.bench import golden
from tests.bench.doctor.cases import V3
from tests.bench.doctor.evidence import spoilt, with_blas
from tests.conftest import REPO

WRONG = Finding("a-code", "a text", "a remedy", "wrong numbers", "https://example.org/")
SLOW = replace(WRONG, code="b-code", severity="slow")
NOTE = replace(WRONG, code="c-code", severity="note")
OLD = Finding("d-code", "a text", "a remedy")


def printed(evidence: Evidence, width: int = 80) -> str:
    out = io.StringIO()
    print_doctor(evidence, findings(RULES, evidence), len(RULES), Console(file=out, width=width))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def bad_graviton5() -> Evidence:
    evidence = spoilt(
        **{**V3, "instance": "m9g.16xlarge"},
        cpus=64,
        budget=Budget(64, "all online CPUs"),
        huge_pages="never",
        others_busy=20.0,
    )
    cores = tuple(replace(core, cpus="0-63") for core in evidence.machine.cores)
    evidence = spoilt(evidence, cores=cores, clock_hz=3.3e9)
    return with_blas(evidence, version="0.3.31", core="armv8sve", threads=64)


def test_all_of_it() -> None:
    evidence = bad_graviton5()
    fixed = print_rules(evidence)
    golden.check("doctor-80.txt", fixed)


def print_rules(evidence: Evidence) -> str:
    """Without the number of rules, which grows."""
    return printed(evidence).replace(f"({len(RULES)} rules)", "(N rules)")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(len, printed(bad_graviton5(), width).splitlines())) <= width


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ([], "Nothing found (9 rules)."),
        ([WRONG], "1 finding makes numbers wrong, nothing makes them slow; no notes (9 rules)."),
        (
            [WRONG, WRONG, SLOW, NOTE],
            "2 findings make numbers wrong, 1 finding makes them slow; 1 note (9 rules).",
        ),
        ([NOTE, OLD], "Nothing makes numbers wrong, nothing makes them slow; 2 notes (9 rules)."),
    ],
)
def test_the_last_line(found: list[Finding], text: str) -> None:
    assert summary(found, 9) == text


def test_what_a_run_says_before() -> None:
    assert warnings([NOTE, OLD]) == []
    lines = [line for line, _ in warnings([WRONG, SLOW, replace(SLOW, code="e-code")])]
    assert lines == [
        "Wrong numbers, a-code: a text → a remedy",
        "Slow: b-code, e-code; armbench doctor says more",
    ]


def test_what_a_session_says_after() -> None:
    lines = [line for line, _ in finding_lines([NOTE, SLOW, OLD, WRONG])]
    assert lines == [
        "wrong numbers, a-code: a text",
        "slow, b-code: a text",
        "doctor's notes: c-code, d-code",
    ]


def test_the_document_is_that_of_the_rules() -> None:
    """The failure shows how to write it anew."""
    path = REPO / "docs/findings.md"
    wanted = findings_document(RULES)
    how = "from armbench.bench import doctor, report.doctor: print(findings_document(doctor.RULES))"
    assert path.read_text() == wanted, how
