"""What is found out about the host that runs the tests."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
from types import SimpleNamespace

import pytest

from armbench.bench import machine, native, registry
from armbench.bench.machine import probe
from armbench.bench.model import Budget
from tests.machines import fake_root


def test_this_host() -> None:
    before = os.sched_getaffinity(0)
    found = machine.detect(clock=True)
    assert os.sched_getaffinity(0) == before
    assert (found.arch, found.kernel) == (platform.machine(), os.uname().release)
    assert found.page_bytes == os.sysconf("SC_PAGE_SIZE")
    assert found.clock_source == "dependent adds" and found.clock_hz and found.clock_hz > 0
    assert set(registry.host_feature_names()) <= set(found.features)
    assert machine.usable_cpus() == machine.allowed_cpus()[: found.budget.cpus]
    assert set(machine.allowed_cpus()) <= before
    assert json.loads(json.dumps(dataclasses.asdict(found)))["cpus"] == found.cpus


def test_this_host_is_real() -> None:
    assert not machine.detect().emulated


def test_what_is_measured_on_this_host() -> None:
    found = machine.detect(clock=True)
    own = [core for core in found.cores if machine.allowed_cpus()[0] in fake_root.cpu_list(core.cpus)]
    assert found.clock_hz == own[0].clock_hz
    assert found.timer and found.perf
    assert found.timer.source == ("cntvct_el0" if found.arch == "aarch64" else "CLOCK_MONOTONIC_RAW")
    assert found.timer.step_ns > 0 and found.timer.read_ns > 0
    assert found.timer.counter_hz and found.timer.counter_hz > 1e6
    assert len({event.name for event in found.perf.events}) == 8
    assert all(event.reason is None or event.reason.isprintable() for event in found.perf.events)
    assert (found.perf.counters > 0) == any(event.reason is None for event in found.perf.events)


def test_without_a_clock_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "clock_hz", lambda: pytest.fail("measured"))
    for name in ("timer", "perf"):
        monkeypatch.setattr(probe, name, lambda *_: pytest.fail("tried"))
    found = machine.detect()
    assert found.clock_source != "dependent adds"
    assert (found.timer, found.perf, found.cores[0].clock_hz) == (None, None, None)


def test_affinity_limits_the_budget_and_comes_back() -> None:
    before = os.sched_getaffinity(0)
    if len(before) < 2:
        pytest.skip("needs two CPUs")
    try:
        os.sched_setaffinity(0, {max(before)})
        assert machine.allowed_cpus() == (max(before),)
        assert machine.detect().budget == Budget(1, "affinity")
        assert machine.measured_clock_hz() > 0
        assert os.sched_getaffinity(0) == {max(before)}
    finally:
        os.sched_setaffinity(0, before)


def test_where_pinning_is_forbidden_the_clock_is_measured_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setaffinity", forbidden)
    assert machine.measured_clock_hz() > 0


def test_without_the_native_library_the_files_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise native.NativeError("not built")

    with_library = machine.detect()
    monkeypatch.setattr(native, "library", missing)
    without = machine.detect(clock=True)
    assert set(without.isa) == set(with_library.isa)
    assert without.clock_source != "dependent adds"


def test_a_foreign_architecture_on_this_kernel_is_emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine="riscv64"))
    assert machine.detect().emulated


@pytest.mark.skipif(platform.machine() != "x86_64", reason="plays Arm on x86")
def test_unknown_capability_bits_are_kept_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine="aarch64"))
    monkeypatch.setattr(native, "host_features", lambda: (1 << 1 | 1 << 22 | 1 << 62, 1 << 1, 1 << 60, 0))
    monkeypatch.setattr(native, "vector_bits", lambda: (256, None))
    found = machine.detect()
    assert found.features == ("asimd", "sve", "hwcap:62", "sve2", "hwcap3:60")
    assert found.sve_bits == 256
