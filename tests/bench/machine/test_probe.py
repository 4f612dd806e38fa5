"""What the running CPU tells through the native library, and what is said when it does not."""

from __future__ import annotations

import errno
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from armbench.bench import native
from armbench.bench.machine import clock, identity, probe
from armbench.bench.machine.hostfiles import HERE, HostFiles
from armbench.bench.model import Core, PerfEvent

EVENTS = (
    "cycles", "instructions", "cache-references", "cache-misses", "branches", "branch-misses",
    "stalled-cycles-frontend", "stalled-cycles-backend",
)  # fmt: skip


def library(monkeypatch: pytest.MonkeyPatch, **functions: object) -> None:
    """Another native library, with these functions alone."""
    monkeypatch.setattr(native, "library", lambda: SimpleNamespace(**functions))


def host(tmp_path: Path, files: Mapping[str, str]) -> HostFiles:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return HostFiles(tmp_path)


# --- perf events ---------------------------------------------------------------------------

PARANOID = "proc/sys/kernel/perf_event_paranoid"
FILTERED = {"proc/self/status": "Name:\tx\nSeccomp:\t2\nSeccomp_filters:\t1\n"}


@pytest.mark.parametrize(
    ("code", "files", "words"),
    [
        (errno.EACCES, {PARANOID: "4\n"}, "perf_event_paranoid is 4"),
        (errno.EPERM, {PARANOID: "2\n", **FILTERED}, "seccomp"),
        (errno.EPERM, {PARANOID: "-1\n"}, "not permitted"),
        (errno.ENOENT, {}, "does not offer"),
        (errno.EOPNOTSUPP, {}, "does not offer"),
        (errno.ENOSYS, {}, "no perf events"),
        (errno.EMFILE, {}, "Too many open files"),
    ],
)
def test_why_an_event_is_not_counted(
    code: int, files: dict[str, str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library(monkeypatch, ab_perf_open=lambda kind, event: code, ab_perf_group=lambda *_: pytest.fail("group"))
    found = probe.perf(host(tmp_path, files))
    assert found is not None and found.counters == 0
    assert [event.name for event in found.events] == list(EVENTS)
    assert all(event.reason and words in event.reason for event in found.events)
    assert found.paranoid == (int(files[PARANOID]) if PARANOID in files else None)


def test_some_events_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stalled = (7, 8)
    library(
        monkeypatch,
        ab_perf_open=lambda kind, event: errno.ENOENT if event in stalled else 0,
        ab_perf_group=lambda kind, event: 6,
    )
    found = probe.perf(host(tmp_path, {}))
    assert found is not None and found.counters == 6
    assert found.events[0] == PerfEvent("cycles", None)
    assert [event.name for event in found.events if event.reason] == [*EVENTS[-2:]]


def test_probing_leaves_no_descriptor_behind() -> None:
    before = set(os.listdir("/proc/self/fd"))
    assert probe.perf(HostFiles(HERE))
    assert set(os.listdir("/proc/self/fd")) == before


# --- registers, counter, timer -------------------------------------------------------------


def test_without_the_library_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise native.NativeError("not built")

    monkeypatch.setattr(native, "library", missing)
    assert (probe.midr(0), probe.counter_hz(), probe.timer("aarch64")) == (0, None, None)
    assert probe.perf(HostFiles(HERE)) is None
    cores = (Core("x", None, None, None, None, "0"),)
    assert clock.with_clocks(cores, (0,)) == cores


def test_the_register_of_this_cpu() -> None:
    cpu = min(os.sched_getaffinity(0))
    before = os.sched_getaffinity(0)
    value = probe.midr(cpu)
    assert os.sched_getaffinity(0) == before
    assert (value != 0) == (platform.machine() == "aarch64" and "cpuid" in _features())


def _features() -> str:
    return Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""


def test_cpus_without_a_description_are_asked_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """sysfs first, then /proc/cpuinfo, and only then the register of each CPU that may be used."""
    registers = {0: 0x410FD4F1, 1: 0x410FD841, 2: 0x413FD0C1, 3: 0x411FD401}
    asked: list[int] = []

    def midr(cpu: int) -> int:
        asked.append(cpu)
        return registers[cpu]

    told = {0: "0x00000000410fd871"}
    monkeypatch.setattr(identity, "_register", lambda files, cpu: _decoded(told.get(cpu)))
    monkeypatch.setattr(probe, "midr", midr)
    monkeypatch.setattr(identity.budget, "allowed", lambda files: (0, 1, 2))
    info = identity.CpuInfo({1: {"CPU implementer": "0x41", "CPU part": "0xd0c"}}, {})
    found = identity.identities(HostFiles(HERE), info, "aarch64", (0, 1, 2, 3))
    assert asked == [2]
    cores = [(core.name, core.variant, core.cpus) for core in identity.cores(found)]
    assert cores == [
        ("Cortex-A725", 0, "0"),
        ("Neoverse N1", None, "1"),
        ("Neoverse N1", 3, "2"),
        ("unknown", None, "3"),
    ]


def _decoded(text: str | None) -> identity.Midr | None:
    return identity.arm.decode_midr(int(text, 16)) if text else None


def test_another_root_never_asks_the_register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "midr", lambda cpu: pytest.fail("asked"))
    found = identity.identities(HostFiles(tmp_path), identity.CpuInfo({}, {}), "aarch64", (0,))
    assert found == {0: None}


def test_the_counter_is_measured_and_where_it_is_told_agrees() -> None:
    found = probe.timer(platform.machine())
    assert found is not None and found.counter_hz is not None
    told = probe.counter_hz()
    if told:
        assert found.counter_hz == pytest.approx(told, rel=0.02)
