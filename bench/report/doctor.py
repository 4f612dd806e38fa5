"""Findings for people, and as a document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from armbench.bench import codec
from armbench.bench.doctor import Evidence, Rule
from armbench.bench.machine.software import Installed
from armbench.bench.model import Finding, Json
from armbench.bench.report.headline import headline

HEADINGS = {
    "wrong numbers": ("Wrong numbers", "bold red", "what is measured here is not what it claims to be"),
    "slow": ("Slow", "bold yellow", "the numbers are right, and lower than they need be"),
    "note": ("Notes", "bold cyan", "to know when comparing"),
}


def print_doctor(evidence: Evidence, findings: Sequence[Finding], rules: int, console: Console) -> None:
    """The machine, its libraries, the findings by severity, and a line that sums up.

    rules: how many were looked at.
    """
    console.print(headline(evidence.machine), style="bold")
    for line in _software(evidence):
        console.print(Text(line, style="dim"))
    for severity, (name, style, meaning) in HEADINGS.items():
        group = [finding for finding in findings if (finding.severity or "note") == severity]
        if group:
            console.print()
            console.print(Text.assemble((name, style), (f"  {meaning}", "dim")))
            for finding in group:
                entry = _entry(finding, style, console.width - 6)
                console.print(Padding(entry, (0, 0, 0, 2), expand=False))
    console.print()
    console.print(Text(summary(findings, rules), style="bold"))


def _software(evidence: Evidence) -> list[str]:
    """ "numpy 2.4.6: openblas 0.3.33 neoversev2", below what they stand on."""
    base = evidence.software
    native = base["native"]["compiler"] if base else None
    stack = [base["python"], base["libc"], native and f"native library by {native}"] if base else []
    variables = [f"{name}={value}" for name, value in evidence.environment.items()]
    libraries = (
        f"{found.name} {found.version}{f': {found.detail}' if found.detail else ''}"
        for found in evidence.libraries.values()
    )
    lines = [" · ".join(part for part in stack if part), *libraries, " ".join(variables)]
    return [line for line in lines if line]


def _entry(finding: Finding, style: str, width: int) -> Table:
    """The code in its own column would leave too little for the text in 80: it goes before it."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(width=1, no_wrap=True)
    table.add_column()
    table.add_row(Text("•", style=style), Text.assemble((finding.code, style), f"  {finding.text}"))
    table.add_row("", Text(f"→ {finding.remedy}"))
    for part in _broken_url(finding.source or "", width):
        table.add_row("", Text(part, style=f"dim link {finding.source}", overflow="fold"))
    return table


def _broken_url(url: str, width: int) -> list[str]:
    """A URL that is too long for a line, broken behind a slash."""
    if len(url) <= width:
        return [url] if url else []
    at = url.rfind("/", 0, width) + 1
    return [url[:at], *_broken_url(url[at:], width)] if at else [url]


def summary(findings: Iterable[Finding], rules: int) -> str:
    """ "1 finding makes numbers wrong, nothing makes them slow; 3 notes (92 rules)."."""
    counts = dict.fromkeys(HEADINGS, 0)
    for finding in findings:
        counts[finding.severity or "note"] += 1
    wrong, slow, notes = counts.values()
    if not wrong + slow + notes:
        return f"Nothing found ({rules} rules)."
    parts = [_making(wrong, "numbers wrong"), _making(slow, "them slow").lower()]
    return f"{', '.join(parts)}; {notes or 'no'} note{'s' * (notes != 1)} ({rules} rules)."


def _making(number: int, what: str) -> str:
    """ "2 findings make numbers wrong"."""
    if number == 0:
        return f"Nothing makes {what}"
    return f"{number} finding{'s' * (number > 1)} make{'s' * (number == 1)} {what}"


def warnings(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    """(line, style) before a run: what makes numbers wrong, with its remedy; what makes them slow."""
    wrong = [f for f in findings if f.severity == "wrong numbers"]
    slow = [f.code for f in findings if f.severity == "slow"]
    lines = [(f"Wrong numbers, {f.code}: {f.text} → {f.remedy}", HEADINGS["wrong numbers"][1]) for f in wrong]
    more = f"Slow: {', '.join(slow)}; armbench doctor says more"
    return lines + ([(more, HEADINGS["slow"][1])] if slow else [])


def doctor_json(evidence: Evidence, findings: Sequence[Finding]) -> dict[str, Json]:
    """The document of `armbench doctor --json`: as a result file has them, and more of the libraries."""
    software: Json = codec.encode(evidence.software)
    if software:
        software["libraries"] = [_library_json(found) for found in evidence.libraries.values()]
    return {
        "findings": codec.encode(findings),
        "machine": codec.encode(evidence.machine),
        "software": software,
    }


def _library_json(found: Installed) -> Json:
    return {
        "name": found.name,
        "version": found.version,
        "detail": found.detail,
        "pools": codec.encode(found.pools),
        "facts": {name: value for name, value in found.facts.items() if name != "detail"},
        "problem": found.problem,
    }


def findings_document(rules: Iterable[Rule]) -> str:
    """docs/findings.md: every rule, by severity."""
    lines = [
        "# What `armbench doctor` finds",
        "",
        "Written from the rules in `bench/doctor/`; a test holds them equal. A result file names findings by",
        "these codes. One that makes numbers wrong ends `armbench doctor` with exit code 7.",
    ]
    listed = list(rules)
    for severity, (name, _, meaning) in HEADINGS.items():
        lines += ["", f"## {name}: {meaning}", "", "| code | found when | remedy |", "|---|---|---|"]
        lines += [
            f"| [{rule.code}]({rule.source}) | {_cell(rule.when)} | {_cell(rule.remedy)} |"
            for rule in listed
            if rule.severity == severity
        ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
