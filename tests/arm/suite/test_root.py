"""What the root needs and when it is built anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.arm import lab
from tests.arm.suite import root


def test_what_is_lacking_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lab, "missing", lambda: None)
    monkeypatch.setattr(root, "folder", lambda: tmp_path / "none")
    monkeypatch.setattr(root, "KEYS", tmp_path / "none")
    monkeypatch.setattr(root, "archive", lambda: ("an archive", "bookworm"))
    assert root.missing() == "the whole suite on Arm needs: apt install debian-archive-keyring"
    monkeypatch.setattr(root, "archive", lambda: None)
    assert "needs a Debian host (bookworm or trixie)" in (root.missing() or "")
    monkeypatch.setattr(root, "folder", lambda: tmp_path)  # built already: nothing is fetched
    assert root.missing() is None


def test_other_versions_make_another_root(monkeypatch: pytest.MonkeyPatch) -> None:
    now = root.folder()
    assert now == root.folder.__wrapped__()
    monkeypatch.setattr(root, "wheels", lambda: ("numpy==1.0",))
    assert root.folder.__wrapped__().name != now.name


def test_every_dependency_is_a_wheel_of_this_environments_version() -> None:
    names = {wheel.partition("==")[0] for wheel in root.wheels()}
    assert {"numpy", "jsonschema", "pytest"} <= names
    assert names.isdisjoint({"torch", "ruff", "tokenizers", *root.SOURCE_ONLY})
