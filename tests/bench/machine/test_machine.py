"""Every machine of tests/machines comes out right, field by field, and odd ones do no harm."""

from __future__ import annotations

import dataclasses
import os
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from armbench.bench import machine
from armbench.bench.facts import ISA
from armbench.bench.machine import hostfiles
from armbench.bench.model import Budget, Cache, Core, HugePages, Machine, Node, Smbios
from tests.bench import golden
from tests.bench.machine.conftest import scratch_folder
from tests.bench.machine.roots import SPECS, build, counting, one_cpu
from tests.machines import fake_root

# Instruction sets that the specs speak of; later ones do not make them wrong.
JUDGED = {
    *("neon", "dotprod", "fp16", "bf16", "i8mm", "sve", "sve-bf16", "sve-i8mm", "sve2", "sme"),
    *("avx2", "avx512", "avx512-vnni", "avx512-bf16"),
}


# --- known machines ------------------------------------------------------------------------


def expected(spec: dict[str, Any]) -> dict[str, Any]:
    """A value for every field of Machine but the key: from "expect", else what the spec is made of."""
    expect = spec["expect"]
    everything = fake_root.as_list(range(spec["cpus"]))
    nodes = expect.get("nodes") or [[i, text, [10]] for i, text in enumerate(spec.get("nodes", []))]
    budget = expect.get("budget", {"cpus": spec["cpus"], "reason": "all online CPUs"})
    firmware = expect.get("smbios", list(spec["smbios"].values()) if "smbios" in spec else None)
    defaults = {
        "arch": spec["arch"],
        "kernel": None,
        "cpus": spec["cpus"],
        "online": everything,
        "features": tuple((spec.get("features") or spec.get("flags") or "").split()),
        "sve_bits": None,
        "sme_bits": None,
        "threads_per_core": 1 if "packages" in spec else None,
        "clock_source": "facts" if expect["clock_hz"] else None,
        "memory_bytes": None,
        "page_bytes": None,
        "huge_pages": None,
        "governor": None,
        "emulated": False,
        "offline": None,
        "allowed": everything,
        "clusters": tuple(spec.get("clusters", [])),
        "nominal_clock_hz": expect["clock_hz"],
        "metadata": None,
        "pmus": tuple(spec.get("pmus", [])),
        "timer": None,
        "perf": None,
    }
    defaults["nominal_clock_source"] = expect.get("clock_source", defaults["clock_source"])
    read = {
        "cores": tuple(Core(*core) for core in expect["cores"]),
        "isa": tuple(expect["isa"]),
        "packages": tuple(expect.get("packages", spec.get("packages", []))),
        "nodes": tuple(Node(i, cpus, (*more, None)[0], tuple(far)) for i, cpus, far, *more in nodes),
        "budget": Budget(**budget),
        "smbios": Smbios(*firmware) if firmware else None,
        "huge_page_sizes": tuple(HugePages(*row) for row in expect.get("huge_page_sizes", [])),
        "caches": tuple(Cache(*cache) for cache in expect["caches"]),
    }
    return {**defaults, **expect, **read}


@pytest.fixture(scope="module")
def known() -> Callable[[str], Machine]:
    """The answer for a spec as it stands, found once, in a folder that is there no longer."""

    @cache
    def detected(name: str) -> Machine:
        with TemporaryDirectory(dir=scratch_folder()) as folder:
            return machine.detect(build(Path(folder), name))

    return detected


@pytest.mark.parametrize("name", SPECS)
def test_every_field(name: str, known: Callable[[str], Machine]) -> None:
    found = known(name)
    wanted = expected(SPECS[name])
    fields = {f.name for f in dataclasses.fields(Machine)} - {"comparability_key"}
    assert fields <= wanted.keys()
    for field in sorted(fields):
        value = getattr(found, field)
        if field == "isa":
            value = tuple(stem for stem in value if stem in JUDGED)
        assert value == wanted[field], field
    if "last_level_bytes" in wanted:
        assert found.last_level_bytes == wanted["last_level_bytes"]


def test_the_specs_cover_what_is_promised() -> None:
    expects = [spec["expect"] for spec in SPECS.values()]
    assert len(SPECS) >= 25
    assert {f"AWS Graviton{n}" for n in ("", "2", "3", "3E", "4", "5")} <= {e["chip"] for e in expects}
    assert len({e["cloud"] for e in expects} - {None}) >= 4
    assert sum(len(e["cores"]) > 1 for e in expects) >= 2
    assert {"Intel", "AMD"} <= {e["cores"][0][0].split()[0] for e in expects}


def test_different_machines_have_different_keys(known: Callable[[str], Machine]) -> None:
    keys = {name: known(name).comparability_key for name in SPECS}
    assert len(set(keys.values())) == len(keys)


def test_keys_stay_for_good(known: Callable[[str], Machine]) -> None:
    """A key that changes makes old result files of the same machine another machine's."""
    lines = [f"{known(name).comparability_key} {name}\n" for name in SPECS]
    golden.check("comparability-keys.txt", "".join(lines))


# --- the comparability key -----------------------------------------------------------------


def test_the_key_ignores_what_kernels_hide_reorder_or_size_differently(tmp_path: Path) -> None:
    spec = SPECS["graviton3-c7g.medium"]
    key = machine.detect(build(tmp_path, spec)).comparability_key
    names = spec["features"].split()
    hidden = " ".join(name for name in names if name != "ssbs")
    assert "ssbs" in names
    shuffled = " ".join(random.Random(1).sample(names, len(names)))
    for changes in (
        {"features": hidden},
        {"features": shuffled},
        {"kernel": "6.1.0"},
        {"memory_bytes": 1 << 38},
    ):
        assert machine.detect(build(tmp_path, spec, **changes)).comparability_key == key


@pytest.mark.parametrize(
    "changes",
    [
        {"dmi": {"sys_vendor": "Amazon EC2", "product_name": "r7g.medium"}},
        {"nodes": ["0", ""], "distances": [10, 20]},
        {"cores": [{"cpus": "0", "midr": "0x411fd402"}]},
        {"caches": []},
        {"features": "fp asimd"},
    ],
)
def test_the_key_tells_machines_apart(tmp_path: Path, changes: dict[str, Any]) -> None:
    before, after = (machine.detect(build(tmp_path, "graviton3-c7g.medium", **c)) for c in ({}, changes))
    assert before.comparability_key != after.comparability_key


# --- identity ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "product", "chip"),
    [
        ("graviton5-m9g.24xlarge", "r9g.24xlarge", "AWS Graviton5"),
        ("graviton3-c7g.16xlarge", "hpc7g.16xlarge", "AWS Graviton3E"),
        ("graviton4-m8g.24xlarge", "x8g.24xlarge", "AWS Graviton4"),
        ("grace-gh200", "p6e-gb200.36xlarge", "NVIDIA Grace"),
        ("graviton4-m8g.24xlarge", "p7x.24xlarge", None),
    ],
)
def test_instance_families(tmp_path: Path, spec: str, product: str, chip: str | None) -> None:
    dmi = {"sys_vendor": "Amazon EC2", "product_name": product}
    assert machine.detect(build(tmp_path, one_cpu(spec), dmi=dmi)).chip == chip


@pytest.mark.parametrize("spec", [name for name in SPECS if name.startswith("graviton")])
@pytest.mark.parametrize("vendor", ["Supermicro", "Google", "Hetzner", "Alibaba Cloud"])
def test_no_graviton_outside_amazon(tmp_path: Path, spec: str, vendor: str) -> None:
    dmi = {"sys_vendor": vendor, "product_name": "x"}
    found = machine.detect(build(tmp_path, one_cpu(spec), dmi=dmi))
    assert found.cores[0].name != "unknown"
    assert "Graviton" not in (found.chip or "")


def test_an_altra_of_ones_own_is_known_by_its_counter(tmp_path: Path) -> None:
    dmi = {"sys_vendor": "GIGABYTE", "product_name": "R272-P30-JG"}
    assert machine.detect(build(tmp_path, "altra-gcp-t2a-standard-4", dmi=dmi)).chip == "Ampere Altra"
    assert machine.detect(build(tmp_path, "graviton2-m6g.16xlarge", dmi=dmi)).chip is None


def test_hyper_v_at_home_is_not_azure(tmp_path: Path) -> None:
    dmi = {**SPECS["cobalt100-azure-D96ps_v6"]["dmi"], "chassis_asset_tag": "1234"}
    found = machine.detect(build(tmp_path, "cobalt100-azure-D96ps_v6", dmi=dmi))
    assert (found.cloud, found.hypervisor) == (None, "hyper-v")


def test_without_registers_cpuinfo_is_enough_and_without_cpuinfo_the_registers(tmp_path: Path) -> None:
    both = build(tmp_path, "gb10-x925-a725")
    no_registers = build(tmp_path, "gb10-x925-a725", midr_el1=False)
    no_cpuinfo = build(tmp_path, "gb10-x925-a725")
    (no_cpuinfo / "proc/cpuinfo").unlink()
    answers = [machine.detect(root) for root in (both, no_registers, no_cpuinfo)]
    assert answers[0].cores == answers[1].cores == answers[2].cores
    assert [a.arch for a in answers] == ["aarch64"] * 3
    assert answers[2].features == ()


def test_hybrid_intel(tmp_path: Path) -> None:
    files = {"sys/devices/cpu_core/cpus": "0-7", "sys/devices/cpu_atom/cpus": "8-15"}
    x86 = {**SPECS["intel-sapphire-rapids-m7i.4xlarge"]["x86"], "model": "183"}
    found = machine.detect(build(tmp_path, "intel-sapphire-rapids-m7i.4xlarge", x86=x86, files=files))
    assert [(core.name, core.cpus) for core in found.cores] == [
        ("Intel family 6 model 183 (Raptor Lake performance core)", "0-7"),
        ("Intel family 6 model 183 (Raptor Lake efficient core)", "8-15"),
    ]


def test_features_are_those_of_every_core(tmp_path: Path) -> None:
    root = build(tmp_path, "tegra-x2-a57-denver2")
    text = (root / "proc/cpuinfo").read_text()
    for cpu_without in ("0", "3"):
        head, mark, tail = text.partition(f"processor\t: {cpu_without}\n")
        (root / "proc/cpuinfo").write_text(head + mark + tail.replace(" sha2 crc32", "", 1))
        assert machine.detect(root).features == ("fp", "asimd", "evtstrm", "aes", "pmull", "sha1")


def test_isa_matches_the_requirements(tmp_path: Path) -> None:
    found = machine.detect(build(tmp_path, "graviton3-c7g.medium"))
    wanted = [
        stem
        for stem, row in ISA.items()
        if row["arch"] == "aarch64" and all(name in found.features for name in row["requires"])
    ]
    assert list(found.isa) == [stem for stem in wanted if stem != "scalar"]
    assert "scalar" not in found.isa


# --- the system ----------------------------------------------------------------------------


def test_system_files(tmp_path: Path) -> None:
    files = {
        "proc/version": "Linux version 6.8.0-1021-aws (buildd@x) #1 SMP",
        "proc/meminfo": "MemTotal:       65843200 kB\nHugepagesize:     524288 kB",
        "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
        "sys/devices/system/cpu/cpufreq/policy0/scaling_governor": "schedutil",
        "sys/devices/system/cpu/cpufreq/policy1/scaling_governor": "performance",
        "sys/hypervisor/type": "xen",
        "sys/devices/system/node/node1/cpulist": "",
        "sys/devices/system/node/node1/meminfo": "Node 1 MemTotal:       1024 kB",
        "sys/devices/system/node/node1/distance": "20 10",
        "sys/devices/system/node/online": "0-1",
    }
    found = machine.detect(build(tmp_path, "graviton2-m6g.16xlarge", files=files, dmi={}))
    assert (found.kernel, found.memory_bytes, found.page_bytes) == ("6.8.0-1021-aws", 65843200 << 10, 65536)
    assert (found.huge_pages, found.governor, found.hypervisor) == ("madvise", "performance,schedutil", "xen")
    assert found.nodes[1] == Node(1, "", 1 << 20, (20, 10))


def test_threads_are_those_of_the_widest_core(tmp_path: Path) -> None:
    siblings = {f"sys/devices/system/cpu/cpu{cpu}/topology/core_cpus_list": "0-1" for cpu in (0, 1)}
    assert machine.detect(build(tmp_path, "altra-gcp-t2a-standard-4", files=siblings)).threads_per_core == 2


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"sys/firmware/devicetree/base/hypervisor/compatible": "linux,kvm\0"}, "kvm"),
        (
            {"sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc kvm-clock acpi_pm"},
            "kvm",
        ),
        ({"sys/devices/system/clocksource/clocksource0/available_clocksource": "arch_sys_counter"}, None),
    ],
)
def test_hypervisors_that_dmi_does_not_name(files: dict[str, str], name: str | None, tmp_path: Path) -> None:
    assert machine.detect(build(tmp_path, "raspberry-pi-5", files=files)).hypervisor == name


def test_a_hypervisor_that_only_the_cpu_tells_of(tmp_path: Path) -> None:
    found = machine.detect(build(tmp_path, "amd-zen5-m8a.4xlarge", dmi={}))
    assert (found.hypervisor, found.cloud) == ("unidentified", None)


def test_offline_cpus_do_not_count(tmp_path: Path) -> None:
    found = machine.detect(
        build(tmp_path, "graviton2-m6g.16xlarge", files={"sys/devices/system/cpu/online": "0-7,60-63"})
    )
    assert (found.cpus, found.online, found.budget.cpus) == (12, "0-7,60-63", 12)
    assert found.cores[0].cpus == "0-7,60-63"
    assert [c.instances for c in found.caches] == [12, 12, 12, 1]


def test_an_empty_root(tmp_path: Path) -> None:
    found = machine.detect(tmp_path)
    assert (found.arch, found.cpus, found.cores, found.caches, found.nodes) == ("unknown", 0, (), (), ())
    assert (found.chip, found.memory_bytes, found.kernel, found.page_bytes) == (None, None, None, None)
    assert machine.detect(tmp_path / "missing") == found


@pytest.mark.parametrize("name", ["graviton5-m9g.48xlarge", "graviton4-m8g.48xlarge"])
def test_large_machines_are_read_economically(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    root = build(tmp_path, name)
    monkeypatch.setattr(hostfiles.os, "open", counting(os.open, opened))
    machine.detect(root)
    assert len(opened) < 10 * SPECS[name]["cpus"]
