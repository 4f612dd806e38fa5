"""Below another root nothing outside is touched, whatever links lead there."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Any

import pytest

from armbench.bench import machine, native
from tests.bench.machine.roots import build, counting


def test_only_files_below_the_root_are_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The running CPU is not asked, and every path that is opened or looked at lies inside."""

    def forbidden(*_: object) -> None:
        raise AssertionError("asked the running host")

    root = Path(os.path.realpath(build(tmp_path, "gb10-x925-a725")))
    (root / "proc/self").symlink_to("/proc/self")
    touched: list[str] = []
    for name in ("host_features", "vector_bits", "tick_hz", "clock_hz"):
        monkeypatch.setattr(native, name, forbidden)
    for owner, name in ((platform, "machine"), (os, "sched_getaffinity"), (os, "sysconf"), (os, "uname")):
        monkeypatch.setattr(owner, name, forbidden)
    for name in ("open", "lstat", "listdir", "stat"):
        monkeypatch.setattr(os, name, counting(getattr(os, name), touched))
    machine.detect(root, clock=True)
    monkeypatch.undo()
    above = {str(parent) for parent in root.parents}
    assert touched and [p for p in touched if not f"{p}/".startswith(f"{root}/") and p not in above] == []


AUDITED = ("open", "os.listdir", "os.scandir", "socket.", "ctypes.dlopen", "subprocess.Popen", "os.exec")
_listeners: list[list[tuple[str, str]]] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook, which can never be taken away again: silent without listeners."""
    for heard in _listeners:
        if event.startswith(AUDITED):
            heard.append((event, str(arguments[0]) if arguments else ""))


@pytest.mark.parametrize("name", ["graviton3-c7g.medium", "altra-oracle-a1-container", "s390x-z16"])
def test_the_interpreter_itself_hears_of_nothing_outside(name: str, tmp_path: Path) -> None:
    root = build(tmp_path, name)
    machine.detect(root)  # what is imported or loaded once
    sys.addaudithook(_hear)
    heard: list[tuple[str, str]] = []
    _listeners.append(heard)
    try:
        machine.detect(root, clock=True, metadata=True)
    finally:
        _listeners.remove(heard)
    assert any(event == "open" for event, _ in heard)
    outside = [(event, what) for event, what in heard if not what.startswith(f"{root}/")]
    assert outside == []


@pytest.mark.parametrize("way", ["absolute", "relative", "directory", "chain", "loop"])
def test_links_that_lead_outside_are_absent(way: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "sys_vendor").write_text("Amazon EC2\n")
    (secret / "product_name").write_text("m9g.48xlarge\n")
    root = build(tmp_path, "altra-hetzner-cax11", dmi={})
    home = root / "sys/class/dmi/id"
    if home.is_symlink():
        home.unlink()
    if way in ("directory", "chain"):
        target = secret
        if way == "chain":
            (root / "link").symlink_to(secret)
            target = Path("../../../link")
        home.symlink_to(target)
    else:
        home.mkdir()
        for name in ("sys_vendor", "product_name"):
            links = {
                "absolute": secret / name,
                "relative": Path("../../../../../secret") / name,
                "loop": home / name,
            }
            (home / name).symlink_to(links[way])
            assert way == "loop" or (home / name).read_text()
    found = machine.detect(root)
    assert (found.cloud, found.instance) == (None, None)
