"""Every machine of tests/machines comes out right, field by field, and odd ones do no harm."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import random
import runpy
import shutil
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from armbench.bench import machine, native, registry
from armbench.bench.facts import ISA
from armbench.bench.machine import arm, hostfiles, probe
from armbench.bench.model import Budget, Cache, Core, HugePages, Machine, Node, Smbios
from tests.bench import golden
from tests.bench.machine.conftest import scratch_folder
from tests.machines import fake_root

REPOSITORY = Path(__file__).parents[3]


SPECS: dict[str, Any] = fake_root.specs()
# Instruction sets that the specs speak of; later ones do not make them wrong.
JUDGED = {
    *("neon", "dotprod", "fp16", "bf16", "i8mm", "sve", "sve-bf16", "sve-i8mm", "sve2", "sme"),
    *("avx2", "avx512", "avx512-vnni", "avx512-bf16"),
}


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


NEIGHBOURS = REPOSITORY.parent / "shared" / "machines"


@pytest.mark.skipif(
    not (NEIGHBOURS / "specs").is_dir(), reason="no further machine specs beside the repository"
)
def test_machines_beside_the_repository(tmp_path: Path) -> None:
    make_root = runpy.run_path(str(NEIGHBOURS / "make_root.py"))["build"]
    for path in sorted((NEIGHBOURS / "specs").glob("*.json")):
        spec = json.loads(path.read_text())
        make_root(spec, tmp_path / path.stem)
        found = machine.detect(tmp_path / path.stem)
        shutil.rmtree(tmp_path / path.stem)
        for field, value in told_by_neighbour(spec).items():
            assert getattr(found, field) == value, (path.stem, field)


def told_by_neighbour(spec: dict[str, Any]) -> dict[str, Any]:
    """Every field that follows from such a spec; caches and nodes as make_root.py spreads them."""
    cpus = spec["cpus"]
    memory = spec.get("memory_bytes", cpus * (4 << 30))
    nodes = range(len(spec["nodes"]))
    named = spec["smbios_processor"]
    chips = {"Axion": "Google Axion", "Ampere(R) Altra(R) Processor": "Ampere Altra"}
    chip = named if named.startswith("AWS") else chips.get(named, "Alibaba Yitian 710")
    vendors = {
        "Amazon EC2": "aws",
        "Google": "gcp",
        "Microsoft Corporation": "azure",
        "Alibaba Cloud": "alicloud",
    }
    cloud = vendors[spec["dmi"]["sys_vendor"]]
    hz = float(spec["smbios_speed"].split()[0]) * 1e6
    everything = fake_root.as_list(range(cpus))
    return {
        "arch": "aarch64",
        "cpus": cpus,
        "online": everything,
        "allowed": everything,
        "offline": None,
        "budget": Budget(cpus, "all online CPUs"),
        "cores": tuple(
            Core(
                arm.core_name(f"{c['implementer']}/{c['part']}"),
                c["implementer"],
                c["part"],
                c["variant"],
                c["revision"],
                c["cpus"],
            )
            for c in spec["cores"]
        ),
        "features": tuple(spec["features"].split()),
        "sve_bits": {"0xd40": 256}.get(spec["cores"][0]["part"], 128)
        if " sve " in spec["features"]
        else None,
        "sme_bits": None,
        "packages": tuple(spec["packages"]),
        "clusters": (),
        "nodes": tuple(
            Node(
                i,
                spec["nodes"][i],
                memory // len(nodes) >> 10 << 10,
                tuple(10 if i == j else 20 for j in nodes),
            )
            for i in nodes
        ),
        "threads_per_core": 1,
        "caches": tuple(
            Cache(c["level"], c["type"].lower(), c["bytes"], c["instances"], cpus // c["instances"])
            for c in sorted(spec.get("caches", []), key=lambda c: (c["level"], c["type"]))
        ),
        "cloud": cloud,
        "instance": spec["dmi"]["product_name"] if cloud == "aws" else None,
        "chip": chip,
        "hypervisor": {"aws": "nitro", "azure": "hyper-v"}.get(cloud, "kvm"),
        "clock_hz": hz,
        "clock_source": "facts",
        "nominal_clock_hz": hz,
        "counter_hz": round(float(spec["bogomips"]) * 500_000),
        "memory_bytes": memory,
        "page_bytes": 4096,
        "huge_pages": "madvise",
        "emulated": False,
        "smbios": None,
        "metadata": None,
        "timer": None,
        "perf": None,
    }


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


def counting(function: Callable[..., Any], paths: list[str]) -> Callable[..., Any]:
    def call(path: Any, *arguments: Any, **options: Any) -> Any:
        paths.append(str(path))
        return function(path, *arguments, **options)

    return call


# --- nothing outside the root --------------------------------------------------------------


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


# --- this host -----------------------------------------------------------------------------


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
    assert not found.emulated
    assert json.loads(json.dumps(dataclasses.asdict(found)))["cpus"] == found.cpus


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
    other = "x86_64" if platform.machine() == "aarch64" else "aarch64"
    monkeypatch.setattr(platform, "machine", lambda: other)
    assert machine.detect().emulated


@pytest.mark.skipif(platform.machine() != "x86_64", reason="plays Arm on x86")
def test_unknown_capability_bits_are_kept_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(native, "host_features", lambda: (1 << 1 | 1 << 22 | 1 << 62, 1 << 1, 1 << 60, 0))
    monkeypatch.setattr(native, "vector_bits", lambda: (256, None))
    found = machine.detect()
    assert found.features == ("asimd", "sve", "hwcap:62", "sve2", "hwcap3:60")
    assert found.sve_bits == 256
