"""Which sessions make a side: those of one machine and one set-up, each once."""

from __future__ import annotations

from collections.abc import Sequence

from armbench.bench.compare.comparable import ONE_TYPE, grade, residue
from armbench.bench.errors import UserError
from armbench.bench.model import Session
from armbench.bench.results import FOREIGN

# What may differ between sessions of one set-up: how much was measured, and what comes and goes.
PASSING = {"profile", "partial"}


def pooled(sides: Sequence[Sequence[Session]]) -> list[list[Session]]:
    """The sides, those of one set-up together, in the order of their first.

    Files of other tools stay apart: they do not say with what they were measured.
    """
    found: list[list[Session]] = []
    for side in sides:
        alike = next((other for other in found if _one_setup(other[0], side[0])), None)
        if alike is None:
            found.append(list(side))
        else:
            alike.extend(side)
    return found


def refuse_repeats(sessions: Sequence[Session]) -> None:
    """Raise UserError for a session that a side has twice: its noise would count as a second's."""
    seen: dict[str, Session] = {}
    for session in sessions:
        name = str(session.session["id"])
        if name in seen and not _is_foreign(session):
            raise UserError(f"{session.path or name}: the same session as {seen[name].path or name}")
        seen[name] = session


def _one_setup(a: Session, b: Session) -> bool:
    if _is_foreign(a) or _is_foreign(b) or grade(a, b)[0] not in ONE_TYPE:
        return False
    return not any(
        change.name not in PASSING and not change.name.startswith("finding ") for change in residue([a], [b])
    )


def _is_foreign(session: Session) -> bool:
    return any(finding.code == FOREIGN for finding in session.findings)
