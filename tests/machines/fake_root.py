"""Write the files that Linux shows on a machine, from a spec of this folder.

A spec says what the machine is made of and, under "expect", what detection must answer.
What a spec leaves out is absent from the files, as on real machines.

    cores     CPU list and MIDR of each core type ("x86": the fields of /proc/cpuinfo instead)
    caches    a row for each; `shared` CPUs in a row have one, or n and n + `stride` where given;
              `cpus` are those that have such a cache at all
    distances of a NUMA node to itself and to another, where there are several
    files     {path: text} to write besides
"""

from __future__ import annotations

import json
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
    put(root, "proc/cpuinfo", _arm_cpuinfo(spec) if spec["arch"] == "aarch64" else _x86_cpuinfo(spec))
    for name in ("online", "present", "possible"):
        put(root, f"sys/devices/system/cpu/{name}", as_list(cpus))
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
    for name, text in spec.get("files", {}).items():
        put(root, name, text)
    return root


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
