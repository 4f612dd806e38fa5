"""How much sessions of one machine differ though nothing changed: its A/A floor, learnt trial by trial.

`armbench run --profile noise` measures the sessions that tell it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from armbench.bench.compare.comparable import ONE_TYPE, grade
from armbench.bench.compare.matching import Key, index
from armbench.bench.compare.observed import Observations, reduced
from armbench.bench.compare.pooling import pooled
from armbench.bench.model import Session

PROFILE = "noise"
LEAST_DOF = 2  # three sessions
ALIKE = 0.95  # share of the A/A differences that the margin exceeds
HEAD_BYTES = 4096  # of a file, within which it names its profile
SAYS_NOISE = re.compile(rb'"profile":\s*"noise"')


@dataclass(frozen=True, slots=True)
class Floor:
    """Of one trial: the standard deviation of log times between sessions, and its degrees of freedom.

    margin: the 95 % quantile of |log ratio| of two sessions.
    """

    deviation: float
    dof: float
    margin: float


def is_noise(session: Session) -> bool:
    return bool(session.session["profile"] == PROFILE)


def of_machine(sessions: Iterable[Session], like: Session) -> list[Session]:
    """Those that measured the noise of the machine that `like` was measured on, each once."""
    found = {str(s.session["id"]): s for s in sessions if is_noise(s) and grade(like, s)[0] in ONE_TYPE}
    return list(found.values())


def learn(sessions: Sequence[Session]) -> dict[Key, Floor]:
    """The floor of every trial of which sessions say enough; only those of one set-up count together."""
    groups = [index(map(reduced, group)) for group in pooled([[session] for session in sessions])]
    keys = dict.fromkeys(key for group in groups for key in group)
    floors = {key: _floor([group[key] for group in groups if key in group]) for key in keys}
    return {key: floor for key, floor in floors.items() if floor}


def _floor(groups: Sequence[Observations]) -> Floor | None:
    logs = [np.array([o.log.value for o in observations]) for observations in groups]
    dof = sum(len(values) - 1 for values in logs)
    if dof < LEAST_DOF:
        return None
    variance = sum(float(((values - values.mean()) ** 2).sum()) for values in logs) / dof
    differences = [abs(a - b) for values in logs for a, b in combinations(values, 2)]
    return Floor(variance**0.5, float(dof), float(np.quantile(differences, ALIKE)))


def files_beside(paths: Iterable[Path]) -> list[Path]:
    """The result files of this profile in the folders of some files, and in some folders."""
    folders = dict.fromkeys(path if path.is_dir() else path.parent for path in paths)
    found = (file for folder in folders for file in sorted(folder.glob("*.json")))
    return [file for file in found if _says_noise(file)]


def _says_noise(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return bool(SAYS_NOISE.search(file.read(HEAD_BYTES)))
    except OSError:
        return False  # of a neighbour that nobody asked for
