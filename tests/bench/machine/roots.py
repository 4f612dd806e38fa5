"""Roots of machines for tests: the specs of tests/machines as they stand, changed, or cut to one CPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.machines import fake_root

SPECS: dict[str, Any] = fake_root.specs()


def build(tmp_path: Path, spec: str | dict[str, Any], **changes: Any) -> Path:
    spec = SPECS[spec] if isinstance(spec, str) else spec
    root: Path = fake_root.build({**spec, **changes}, tmp_path / f"root{len(list(tmp_path.iterdir()))}")
    return root


def one_cpu(name: str) -> dict[str, Any]:
    """A spec's first core type alone: enough where topology does not matter, and quick to write."""
    spec = SPECS[name]
    core = {**spec["cores"][0], "cpus": "0"}
    return {
        **spec,
        "cpus": 1,
        "cores": [core],
        "packages": ["0"],
        "nodes": ["0"],
        "distances": [10, 20],
        "caches": [],
    }


def counting(function: Callable[..., Any], paths: list[str]) -> Callable[..., Any]:
    def call(path: Any, *arguments: Any, **options: Any) -> Any:
        paths.append(str(path))
        return function(path, *arguments, **options)

    return call
