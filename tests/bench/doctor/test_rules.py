"""Every rule fires on evidence that has the problem, and on none that has not."""

from __future__ import annotations

import re

import pytest

from armbench.bench.doctor import RULES, Evidence, Rule, findings
from armbench.bench.doctor.rule import NOTE, SLOW, WRONG
from armbench.bench.model import Machine
from tests.bench.doctor.cases import CASES, X86
from tests.bench.doctor.evidence import WELL

BY_CODE = {rule.code: rule for rule in RULES}


def test_every_rule_has_its_cases() -> None:
    assert sorted(rule.code for rule in RULES) == sorted(CASES)


@pytest.mark.parametrize(
    ("code", "evidence"),
    [(code, evidence) for code, (bad, _) in CASES.items() for evidence in bad],
    ids=[f"{code}-{i}" for code, (bad, _) in CASES.items() for i, _ in enumerate(bad)],
)
def test_it_fires(code: str, evidence: Evidence) -> None:
    (finding,) = (found for found in findings(RULES, evidence) if found.code == code)
    assert finding.text
    assert "None" not in finding.text
    assert "\n" not in finding.text
    assert len(finding.text) < 200


@pytest.mark.parametrize(
    ("code", "evidence"),
    [(code, evidence) for code, (_, good) in CASES.items() for evidence in good],
    ids=[f"{code}-{i}" for code, (_, good) in CASES.items() for i, _ in enumerate(good)],
)
def test_it_does_not(code: str, evidence: Evidence) -> None:
    assert BY_CODE[code].check(evidence) is None


def test_a_machine_that_is_set_up_well() -> None:
    assert [found.code for found in findings(RULES, WELL)] == ["many-cpus"]
    assert {found.code for found in findings(RULES, X86)} <= {
        "many-cpus",
        "smt",
        "blas-core-unknown",
        "shared-host",
    }


@pytest.mark.parametrize("machine", [WELL.machine, X86.machine], ids=lambda m: m.instance)
def test_a_machine_alone_is_evidence_enough(machine: Machine) -> None:
    assert all(found.severity == NOTE for found in findings(RULES, Evidence(machine)))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_says_what_it_should(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.code)
    assert rule.severity in (WRONG, SLOW, NOTE)
    assert re.fullmatch(r"https://[\w.-]+/?[\w./+~#-]*", rule.source)
    assert rule.when
    assert rule.remedy
    assert "\n" not in rule.when + rule.remedy


def test_the_worst_come_first() -> None:
    (evidence,) = (bad[0] for code, (bad, _) in CASES.items() if code == "blas-core-forced")
    severities = [found.severity for found in findings(RULES, evidence)]
    assert severities == sorted(severities, key=[WRONG, SLOW, NOTE].index)
    assert severities[0] == WRONG
