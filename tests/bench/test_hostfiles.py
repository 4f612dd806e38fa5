"""Files below a root, and the kernel's notations."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armbench.bench.hostfiles import CPU_LIMIT, HostFiles, format_cpus, parse_cpus, to_int

CPUS = st.sets(st.integers(0, CPU_LIMIT - 1), max_size=40)


@given(CPUS)
def test_cpu_lists_round_trip(cpus: set[int]) -> None:
    assert parse_cpus(format_cpus(cpus)) == tuple(sorted(cpus))


@given(st.text(max_size=30) | st.from_regex(r"[0-9,\- ]{0,20}", fullmatch=True))
def test_any_text_is_a_list_or_none(text: str) -> None:
    cpus = parse_cpus(text)
    assert cpus is None or parse_cpus(format_cpus(cpus)) == cpus


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("0-3,8\n", (0, 1, 2, 3, 8)),
        ("0,1", (0, 1)),
        ("", ()),
        ("3-1", None),
        ("0-8192", None),
        ("0-99999999999", None),
        ("1,,2", None),
        ("a", None),
        ("-1", None),
        ("\u0661", None),
    ],
)
def test_parse_cpus(text: str, cpus: tuple[int, ...] | None) -> None:
    assert parse_cpus(text) == cpus


def test_format_cpus() -> None:
    assert format_cpus([8, 0, 1, 2, 3, 3]) == "0-3,8"
    assert format_cpus([]) == ""


@pytest.mark.parametrize(
    ("text", "base", "value"),
    [
        ("12\n", 10, 12),
        ("0x00000000410fd841", 16, 0x410FD841),
        ("d84", 16, 0xD84),
        ("-1", 10, None),
        ("1_0", 10, None),
        ("", 10, None),
        (None, 10, None),
        ("9" * 21, 10, None),
        ("0x" + "f" * 17, 16, None),
    ],
)
def test_to_int(text: str | None, base: int, value: int | None) -> None:
    assert to_int(text, base) == value


@pytest.fixture
def root(tmp_path: Path) -> Path:
    top = tmp_path / "top"
    (top / "a/b").mkdir(parents=True)
    (top / "a/b/file").write_text(" text \n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("secret")
    return top


def test_what_is_there_is_read(root: Path) -> None:
    files = HostFiles(root)
    assert files.text("a/b/file") == "text"
    assert files.text("a/b/file", limit=3) == "te"
    assert files.names("a") == ["b"]
    assert not files.live and HostFiles(Path("/")).live


def test_links_inside_are_followed(root: Path) -> None:
    (root / "relative").symlink_to("a/../a/./b")
    (root / "absolute").symlink_to(root / "a")
    (root / "a/leaf").symlink_to("../relative/file")
    files = HostFiles(root)
    assert files.text("relative/file") == "text"
    assert files.text("absolute/b/file") == "text"
    assert files.text("a/leaf") == "text"
    assert files.names("relative") == ["file"]


@pytest.mark.parametrize("target", ["../outside", "/etc", "/", "a/../../outside", "..", "loop", "missing"])
def test_links_outside_are_absent(root: Path, target: str) -> None:
    (root / "loop").symlink_to(target)
    (root / "leaf").symlink_to(f"{target}/file".replace("//", "/"))
    files = HostFiles(root)
    assert files.text("loop/file") is None
    assert files.text("loop/hostname") is None
    assert files.text("leaf") is None
    assert files.names("loop") == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a",
        "a/b",
        "..",
        "../outside/file",
        "a/../../outside/file",
        "a/b/file/x",
        "no",
        "\0",
        "a/\0/x",
        "a" * 9000,
    ],
)
def test_what_is_no_file_is_absent(root: Path, name: str) -> None:
    assert HostFiles(root).text(name) is None
    assert HostFiles(root).names(name + "/x") == []


def test_a_root_reached_through_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert HostFiles(tmp_path / "link").text("a/b/file") == "text"


def test_what_would_block_or_is_no_text(root: Path) -> None:
    os.mkfifo(root / "pipe")
    (root / "binary").write_bytes(b"\xff\0\xfe 1\n")
    files = HostFiles(root)
    assert files.text("pipe") is None
    assert files.integer("binary") is None
    assert files.line("binary") is not None
    (root / "bell").write_bytes(b"\x07m9g\x1b.large\nsecond\n")
    assert files.line("bell") == "m9g.large"


def test_a_deep_path_is_no_problem(root: Path) -> None:
    assert HostFiles(root).text("a/" * 2000 + "file") is None
