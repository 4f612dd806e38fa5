"""Roofs of all kinds; small ones, for what they count does not depend on the size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from armbench.bench.model import Case, Settings
from armbench.kernels import roofs

SIZES = ("16k", "64k", "512k")


def cases() -> Iterator[Case]:
    for case in roofs.cases(Settings()):
        if case.params["roof"] == "peak":
            yield replace(case, native_params=(3 << 15,), flops=3 << 16)
            yield replace(case, native_params=(3 << 18,), flops=3 << 19)
        elif case.params["size"] in SIZES:
            yield case
