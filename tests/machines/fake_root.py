"""Write the files that Linux shows on a machine, from a spec of this folder.

A spec says what the machine is made of and, under "expect", what detection must answer.
What a spec leaves out is absent from the files, as on real machines.

    cores     CPU list and MIDR of each core type ("x86": the fields of /proc/cpuinfo instead)
    caches    a row for each; `shared` CPUs in a row have one, or n and n + `stride` where given;
              `cpus` are those that have such a cache at all
    distances of a NUMA node to itself and to another, where there are several
    online    CPU list of those in use; all without
    clusters  CPU list of each
    smbios    the values of model.Smbios, written as the firmware's tables
    pmus      names of performance monitors
    files     {path: text} to write besides, or instead
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
Spec = dict[str, Any]


def specs() -> dict[str, Spec]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(HERE.glob("*.json"))}


def cpu_list(text: str) -> list[int]:
    found: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return found


def as_list(cpus: Iterable[int]) -> str:
    """The kernel's form of a CPU list."""
    text, run = [], []
    for cpu in [*sorted(cpus), None]:
        if run and cpu != run[-1] + 1:
            text.append(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}")
            run = []
        if cpu is not None:
            run.append(cpu)
    return ",".join(text)


def put(root: Path, name: str, text: object) -> None:
    path = root / name
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True)
    path.write_text(f"{text}\n")


def build(spec: Spec, root: Path) -> Path:
    cpus = list(range(spec["cpus"]))
    if spec["arch"] in _CPUINFO:
        put(root, "proc/cpuinfo", _CPUINFO[spec["arch"]](spec))
    for name in ("online", "present", "possible"):
        put(root, f"sys/devices/system/cpu/{name}", as_list(cpus))
    if "online" in spec:
        put(root, "sys/devices/system/cpu/online", spec["online"])
    _topology(spec, root, cpus)
    for cpu in cpus:
        _caches(spec, root, cpus, cpu)
    _nodes(spec, root)
    for field, text in spec.get("dmi", {}).items():
        put(root, f"sys/devices/virtual/dmi/id/{field}", text)
    if "dmi" in spec:
        (root / "sys/class/dmi").mkdir(parents=True)
        (root / "sys/class/dmi/id").symlink_to("../../devices/virtual/dmi/id")
    if "kernel" in spec:
        put(root, "proc/sys/kernel/osrelease", spec["kernel"])
    if "memory_bytes" in spec:
        put(root, "proc/meminfo", f"MemTotal:       {spec['memory_bytes'] >> 10} kB\nMemFree:  1 kB")
    if "smbios" in spec:
        put(root, "sys/firmware/dmi/tables/smbios_entry_point", "")
        (root / "sys/firmware/dmi/tables/DMI").write_bytes(smbios_tables(**spec["smbios"]))
    for name in spec.get("pmus", []):
        put(root, f"sys/devices/{name}/type", 8)
        (root / "sys/bus/event_source/devices").mkdir(parents=True, exist_ok=True)
        (root / f"sys/bus/event_source/devices/{name}").symlink_to(f"../../../devices/{name}")
    for name, text in spec.get("files", {}).items():
        put(root, name, text)
    return root


def smbios_tables(
    processor: str | None,
    clock_hz: float | None,
    max_clock_hz: float | None,
    memory: str | None,
    memory_transfers_per_s: int | None,
) -> bytes:
    """A BIOS, two processors, an empty and a used memory slot and the end, as of SMBIOS 3."""
    bios = _structure(0, bytes(0x18 - 4), "vendor", "1.0")
    speeds = [int((hz or 0) / 1e6) for hz in (max_clock_hz, clock_hz)]
    chip = bytearray(0x30 - 4)
    chip[0x10 - 4] = 2 if processor else 0
    chip[0x14 - 4 : 0x18 - 4] = struct.pack("<HH", *speeds)
    names = ["CPU 0", *filter(None, [processor])]
    slot = bytearray(0x5C - 4)
    module = bytearray(slot)
    module[0x0C - 4 : 0x0E - 4] = struct.pack("<H", 0x7FFF if memory else 0)
    module[0x12 - 4] = {"DDR4": 0x1A, "DDR5": 0x22, "LPDDR5": 0x23}.get(memory or "", 2)
    rate = (memory_transfers_per_s or 0) // 1_000_000
    module[0x15 - 4 : 0x17 - 4] = struct.pack("<H", rate and rate + 400)  # what it could do
    module[0x20 - 4 : 0x22 - 4] = struct.pack("<H", rate)
    parts = [bios, _structure(4, bytes(chip), *names), _structure(4, bytes(0x30 - 4), "CPU 1")]
    return b"".join(
        [*parts, _structure(17, bytes(slot)), _structure(17, bytes(module)), _structure(127, b"")]
    )


def _structure(kind: int, body: bytes, *strings: str) -> bytes:
    text = b"".join(s.encode("latin-1") + b"\0" for s in strings) + b"\0"
    return bytes([kind, len(body) + 4, kind, 0]) + body + (text if strings else b"\0\0")


def _midrs(spec: Spec) -> dict[int, int]:
    return {cpu: int(core["midr"], 16) for core in spec["cores"] for cpu in cpu_list(core["cpus"])}


def _arm_cpuinfo(spec: Spec) -> str:
    blocks = []
    for cpu, midr in sorted(_midrs(spec).items()):
        features = [f"Features\t: {spec['features']}"] if "features" in spec else []
        lines = [
            f"processor\t: {cpu}",
            f"BogoMIPS\t: {spec['bogomips']}",
            *features,
            f"CPU implementer\t: {midr >> 24:#04x}",
            "CPU architecture: 8",
            f"CPU variant\t: {midr >> 20 & 15:#x}",
            f"CPU part\t: {midr >> 4 & 0xFFF:#05x}",
            f"CPU revision\t: {midr & 15}",
        ]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def _x86_cpuinfo(spec: Spec) -> str:
    blocks = []
    for cpu in range(spec["cpus"]):
        identity = "\n".join(f"{name}\t: {value}" for name, value in spec["x86"].items())
        blocks.append(f"processor\t: {cpu}\n{identity}\nphysical id\t: 0\nflags\t\t: {spec['flags']}\n")
    return "\n".join(blocks)


_CPUINFO = {"aarch64": _arm_cpuinfo, "x86_64": _x86_cpuinfo}


def _topology(spec: Spec, root: Path, cpus: list[int]) -> None:
    for package, text in enumerate(spec.get("packages", [])):
        for cpu in cpu_list(text):
            home = f"sys/devices/system/cpu/cpu{cpu}/topology"
            put(root, f"{home}/physical_package_id", package)
            put(root, f"{home}/package_cpus_list", text)
    threads = spec.get("threads_per_core", 1)
    for cpu in cpus if "packages" in spec else []:
        siblings = [cpu % (len(cpus) // threads) + thread * len(cpus) // threads for thread in range(threads)]
        home = f"sys/devices/system/cpu/cpu{cpu}/topology"
        put(root, f"{home}/core_cpus_list", as_list(siblings))
    for text in spec.get("clusters", []):
        for cpu in cpu_list(text):
            put(root, f"sys/devices/system/cpu/cpu{cpu}/topology/cluster_cpus_list", text)
    for cpu, midr in _midrs(spec).items() if spec["arch"] == "aarch64" and spec.get("midr_el1", True) else ():
        put(root, f"sys/devices/system/cpu/cpu{cpu}/regs/identification/midr_el1", f"0x{midr:016x}")


def _caches(spec: Spec, root: Path, cpus: list[int], cpu: int) -> None:
    here = [row for row in spec.get("caches", []) if cpu in cpu_list(row.get("cpus", as_list(cpus)))]
    for index, row in enumerate(here):
        members = cpu_list(row.get("cpus", as_list(cpus)))
        if stride := row.get("stride"):
            shared = [cpu % stride, cpu % stride + stride]
        else:
            first = members.index(cpu) // row["shared"] * row["shared"]
            shared = members[first : first + row["shared"]]
        home = f"sys/devices/system/cpu/cpu{cpu}/cache/index{index}"
        put(root, f"{home}/level", row["level"])
        put(root, f"{home}/type", row["type"])
        put(root, f"{home}/shared_cpu_list", as_list(shared))
        if "bytes" in row:
            put(root, f"{home}/size", f"{row['bytes'] >> 10}K")


def _nodes(spec: Spec, root: Path) -> None:
    nodes = spec.get("nodes", [])
    own, other = spec.get("distances", [10, None] if len(nodes) == 1 else [None, None])
    if nodes:
        put(root, "sys/devices/system/node/online", as_list(range(len(nodes))))
    for index, text in enumerate(nodes):
        home = f"sys/devices/system/node/node{index}"
        put(root, f"{home}/cpulist", text)
        if own:
            put(
                root,
                f"{home}/distance",
                " ".join(str(own if i == index else other) for i in range(len(nodes))),
            )
