"""Chains of all kinds; their lengths are checked in test_chains.py."""

from __future__ import annotations

from collections.abc import Iterable

from armbench.bench.model import Case, Settings
from armbench.kernels import chains


def cases() -> Iterable[Case]:
    return chains.cases(Settings())[::3]
