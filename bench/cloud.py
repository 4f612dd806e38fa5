"""Which cloud and hypervisor a machine's DMI strings speak of, from facts/ alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from armbench.bench.facts import CLOUDS, HYPERVISORS, CloudFacts

FIELDS = ("sys_vendor", "product_name", "chassis_asset_tag")
Dmi = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where a machine is rented; all None for one that is nobody's instance."""

    name: str | None = None
    instance: str | None = None
    hypervisor: str | None = None


def find(dmi: Dmi) -> Cloud:
    """The cloud, instance type and hypervisor of {DMI field: text}; None is unknown or none."""
    row = next((row for row in CLOUDS if _fits(row, dmi)), None)
    if row is None:
        return Cloud(hypervisor=_hypervisor(dmi))
    product = dmi.get("product_name") or ""
    instance = product if re.fullmatch(row.get("instance", "(?!)"), product) else None
    metal = re.search(row.get("metal", "(?!)"), product)
    return Cloud(row["name"], instance, None if metal else row["hypervisor"])


def _fits(row: CloudFacts, dmi: Dmi) -> bool:
    """The first field that the row gives must be there; a later one may be hidden, not different."""
    expected = [(field, text) for field in FIELDS if (text := row.get(field))]
    required = expected[0][0]
    return all(dmi.get(f) == text or (dmi.get(f) is None and f != required) for f, text in expected)


def _hypervisor(dmi: Dmi) -> str | None:
    for row in HYPERVISORS:
        wanted = [(field, text) for field, text in row.items() if field != "name"]
        if all(text in (dmi.get(field) or "") for field, text in wanted):
            return row["name"]
    return None
