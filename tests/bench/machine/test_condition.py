"""The condition of a system, from files that were made up and from this host."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from armbench.bench.machine import condition
from armbench.bench.machine.condition import Condition
from tests.machines.fake_root import put

MEMINFO = """MemTotal:       16000000 kB
MemFree:          100000 kB
MemAvailable:    8000000 kB
SwapTotal:       4000000 kB
SwapFree:        3000000 kB"""


def stat(user: int = 0, idle: int = 0, steal: int = 0) -> str:
    return f"cpu  {user} 0 0 {idle} 0 0 0 {steal} 0 0\ncpu0 {user} 0 0 {idle} 0 0 0 {steal} 0 0\nintr 1"


def test_what_files_tell(tmp_path: Path) -> None:
    put(tmp_path, "proc/loadavg", "1.25 0.50 0.10 2/300 4242")
    put(tmp_path, "proc/meminfo", MEMINFO)
    put(tmp_path, "proc/stat", stat(user=50, idle=940, steal=10))
    put(tmp_path, "proc/cmdline", "quiet arm64.nosve isolcpus=1-3")
    put(tmp_path, "proc/sys/kernel/osrelease", "6.12.1")
    put(tmp_path, "proc/sys/kernel/perf_event_paranoid", "4")
    put(tmp_path, "boot/config-6.12.1", "CONFIG_KASAN=y\n# CONFIG_KCSAN is not set\nCONFIG_ZSTD=m")
    put(tmp_path, "sys/fs/cgroup/system.slice/irqbalance.service/cgroup.procs", "17")
    put(tmp_path, "sys/class/net/ens5/queues/rx-0/rps_cpus", "00000000,0000000f")
    put(tmp_path, "sys/class/net/lo/queues/rx-0/rps_cpus", "00000000,00000000")
    put(tmp_path, "proc/self/limits", "Limit                     Soft Limit           Hard Limit           Units\n"
        "Max processes             100                  unlimited            processes\n"
        "Max address space         unlimited            unlimited            bytes")  # fmt: skip
    found = condition.look(tmp_path)
    assert found == Condition(
        load_average=1.25,
        others_busy=None,
        steal_share=0.01,
        memory_bytes=16000000 << 10,
        available_bytes=8000000 << 10,
        swap_used_bytes=1000000 << 10,
        settings=found.settings,
        config=frozenset({"CONFIG_KASAN"}),
        services=("irqbalance",),
        packet_steering=("ens5",),
        limits={"Max processes": 100},
    )
    assert found.number("perf_event_paranoid") == 4
    assert found.number("ksm") is None
    assert found.command_line == {"quiet", "arm64.nosve", "isolcpus=1-3"}


def test_an_empty_root_tells_nothing(tmp_path: Path) -> None:
    assert condition.look(tmp_path) == Condition(settings={}, limits={})


@pytest.mark.parametrize(
    ("before", "after", "busy", "steal"),
    [
        (stat(100, 100, 0), stat(150, 130, 20), 0.5, 0.2),
        (stat(100, 100, 0), stat(100, 200, 0), 0.0, 0.0),
        (stat(100, 100, 0), stat(100, 100, 0), None, None),  # no tick has passed
        (stat(100, 100, 0), stat(90, 300, 0), 0.0, 0.0),  # counters of a guest may run backwards
        ("cpu 1 2 3", stat(90, 300, 0), None, 0.0),  # of all time then
        (stat(100, 100, 0), "cpu", None, None),
    ],
)
def test_what_others_took(
    tmp_path: Path, before: str, after: str, busy: float | None, steal: float | None
) -> None:
    put(tmp_path, "proc/stat", before)
    earlier = condition.ticks(tmp_path)
    second = type(earlier)(
        earlier.moment - 1.0, earlier.busy, earlier.steal, earlier.every, earlier.own_seconds
    )
    put(tmp_path, "proc/stat", after)
    found = condition.look(tmp_path, since=second)
    hertz = os.sysconf("SC_CLK_TCK")
    assert found.others_busy == (None if busy is None else pytest.approx(busy * 100 / hertz, abs=0.1))
    assert found.steal_share == (None if steal is None else pytest.approx(steal))


def test_own_work_is_not_that_of_others() -> None:
    """This process works for a while; what it took itself is taken off."""
    before = condition.ticks()
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        pass
    after = condition.ticks()
    assert after.own_seconds - before.own_seconds > 0
    found = condition.look(since=before)
    if found.others_busy is not None:  # some sandboxes show no ticks
        assert 0 <= found.others_busy <= (os.cpu_count() or 1) + 1
    assert found.free_disk_bytes
