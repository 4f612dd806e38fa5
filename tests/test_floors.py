"""A module may import only from floors below its own; this is the picture of bench/ in one table."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.conftest import REPO

FLOORS: tuple[tuple[str, ...], ...] = (
    ("installed", "lazy"),
    ("model", "cpulist", "errors", "facts"),
    ("codec", "stats", "turns", "native"),
    ("estimates",),
    ("roofs",),
    ("results", "machine", "registry"),
    ("journal", "doctor", "foreign"),
    ("run", "compare", "scaling"),
    ("selftest",),
    ("report",),
    ("arguments",),
    ("cli",),
    ("__main__",),
)
FLOOR_OF = {name: number for number, names in enumerate(FLOORS) for name in names}
BENCH = REPO / "bench"


def part_of(path: Path) -> str:
    """The module or sub-package of bench/ that a file belongs to."""
    return path.relative_to(BENCH).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """The parts of bench/ that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("armbench.bench"):
            rest = node.module.split(".")[2:]
            found.update(rest[:1] or (alias.name for alias in node.names))
        elif isinstance(node, ast.Import):
            names = (alias.name.split(".") for alias in node.names)
            found.update(parts[2] for parts in names if parts[:2] == ["armbench", "bench"] and len(parts) > 2)
    return found - {"__version__"}


@pytest.mark.parametrize("path", sorted(BENCH.rglob("*.py")), ids=lambda p: str(p.relative_to(BENCH)))
def test_imports_lead_downwards(path: Path) -> None:
    part = part_of(path)
    if part == "__init__":
        assert not imported(path)
        return
    upwards = {name for name in imported(path) - {part} if FLOOR_OF[name] >= FLOOR_OF[part]}
    assert not upwards, f"{part} (floor {FLOOR_OF[part]}) imports {upwards}"


def test_kernels_import_only_the_lowest_floors_and_each_other() -> None:
    for path in (REPO / "kernels").rglob("*.py"):
        assert imported(path) <= {"model", "errors", "native"}, path
