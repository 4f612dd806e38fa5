"""A rule: what is wrong when, how bad that is, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from armbench.bench.doctor.evidence import Evidence
from armbench.bench.model import Finding, Severity

WRONG: Severity = "wrong numbers"
SLOW: Severity = "slow"
NOTE: Severity = "note"

AWS = "https://github.com/aws/aws-graviton-getting-started/blob/main"
DUMPS = "https://github.com/SpareCores/sc-inspector-data"
KERNEL = "https://docs.kernel.org"
OPENBLAS = "https://github.com/OpenMathLib/OpenBLAS"


@dataclass(frozen=True, slots=True)
class Rule:
    """A pure function of the evidence with its constants.

    code      stable, kebab case
    when      when it fires, as the documentation says it
    remedy    one line, a command where one exists
    source    the URL that the rule rests on
    check     what is the matter on this machine, with its values; None when nothing is, or it cannot be known
    """

    code: str
    severity: Severity
    when: str
    remedy: str
    source: str
    check: Callable[[Evidence], str | None]


def findings(rules: Iterable[Rule], evidence: Evidence) -> tuple[Finding, ...]:
    """What the rules find, the worst first."""
    order = (WRONG, SLOW, NOTE)
    found = [
        Finding(rule.code, text, rule.remedy, rule.severity, rule.source)
        for rule in rules
        if (text := rule.check(evidence))
    ]
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity or NOTE)))


def count(number: float, noun: str) -> str:
    """ "1 CPU", "2 CPUs", "1.5 CPUs"."""
    return f"{number:.3g} {noun}{'' if number == 1 else 's'}"


def gib(size: float) -> str:
    return f"{size / 2**30:.3g} GiB"
