"""The cache of tables: found, damaged, not writable, of another version."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from armbench.bench.model import Settings
from armbench.kernels.tokenization import vocabulary
from armbench.kernels.tokenization.vocabulary import BUILTIN, Vocabulary, cachefile, table


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and nothing remembered from it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    vocabulary.load.cache_clear()
    vocabulary._given.cache_clear()
    return tmp_path / "cache" / "armbench"


def loaded_again(found: Vocabulary | None = None) -> vocabulary.Loaded:
    vocabulary.load.cache_clear()
    return vocabulary.load(found or vocabulary.builtin())


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One more for every table that is built."""
    built: list[None] = []
    build = table.build

    def counted(*args: object) -> object:
        built.append(None)
        return build(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(table, "build", counted)
    return built


def test_a_table_is_built_once(home: Path, builds: list[None]) -> None:
    first, second = loaded_again(), loaded_again()
    assert len(builds) == 1
    assert np.array_equal(first.table, second.table)
    assert second.ranks == first.ranks and second.specials == {}
    (kept,) = home.iterdir()  # and no temporary file
    assert kept.stat().st_size == first.table.nbytes
    assert not second.table.flags.writeable


def test_a_file_of_the_user_is_built_once(home: Path, builds: list[None], tmp_path: Path) -> None:
    own = tmp_path / "own.tiktoken"
    own.write_bytes(BUILTIN.read_bytes())
    for _ in range(2):
        vocabulary._given.cache_clear()
        loaded_again(vocabulary.find(Settings(vocabulary=own)))
    assert len(builds) == 1


@pytest.mark.parametrize("damage", ["empty", "short", "long", "changed", "folder"])
def test_a_damaged_table_is_built_again(home: Path, builds: list[None], damage: str) -> None:
    good = loaded_again().table
    (kept,) = home.iterdir()
    contents = bytearray(kept.read_bytes())
    contents[len(contents) // 2] ^= 1
    kept.unlink()
    if damage == "folder":
        kept.mkdir()
    else:
        changes = {"empty": b"", "short": contents[:-64], "long": contents + bytes(64), "changed": contents}
        kept.write_bytes(changes[damage])
    assert np.array_equal(loaded_again().table, good)
    assert len(builds) == 2
    if damage != "folder":  # which stands in the way of a new one
        assert np.array_equal(loaded_again().table, good) and len(builds) == 2


def test_a_cache_that_cannot_be_written_is_no_error(home: Path, builds: list[None]) -> None:
    home.parent.write_text("a file in place of the folder")
    assert loaded_again().ranks == loaded_again().ranks
    assert len(builds) == 2


def test_another_build_makes_its_own_and_removes_the_old(
    home: Path, builds: list[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded_again()
    (old,) = home.iterdir()
    (home / "unrelated.bpe").touch()
    monkeypatch.setattr(cachefile.native, "build_hash", lambda: "another")
    loaded_again()
    assert len(builds) == 2
    assert not old.exists() and (home / "unrelated.bpe").exists()
    assert len(list(home.iterdir())) == 2


def test_a_relative_cache_home_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "relative/path"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cachefile.folder() == tmp_path / ".cache" / "armbench"


def test_names_tell_sources_and_uses_apart(home: Path) -> None:
    paths = {cachefile.path_for(contents, kind) for contents in (b"a", b"b") for kind in ("o200k", "cl100k")}
    assert len(paths) == 4
