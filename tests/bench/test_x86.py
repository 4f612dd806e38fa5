"""Names of x86 cores."""

from __future__ import annotations

import pytest

from armbench.bench import x86
from armbench.bench.x86 import Model


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (Model("AuthenticAMD", 26, 2, 1), "AMD family 26 model 2 (Zen 5)"),
        (Model("AuthenticAMD", 25, 17), "AMD family 25 model 17 (Zen 4)"),
        (Model("AuthenticAMD", 25, 1), "AMD family 25 model 1 (Zen 3)"),
        (Model("AuthenticAMD", 23, 49), "AMD family 23 model 49 (Zen 2)"),
        (Model("GenuineIntel", 6, 85, 7), "Intel family 6 model 85 (Cascade Lake)"),
        (Model("GenuineIntel", 6, 85, 4), "Intel family 6 model 85 (Skylake)"),
        (Model("GenuineIntel", 6, 85), "Intel family 6 model 85 (Skylake)"),
        (Model("GenuineIntel", 6, 106, 6), "Intel family 6 model 106 (Ice Lake)"),
        (Model("GenuineIntel", 6, 173, 1), "Intel family 6 model 173 (Granite Rapids)"),
        (Model("GenuineIntel", 6, 999), "Intel family 6 model 999"),
        (Model("GenuineIntel", 6, 999, None, "efficient core"), "Intel family 6 model 999 (efficient core)"),
        (Model("CentaurHauls", 7, 59), "CentaurHauls family 7 model 59"),
    ],
)
def test_core_name(model: Model, name: str) -> None:
    assert x86.core_name(model) == name
