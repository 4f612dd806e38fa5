"""Specs of real machines beside the repository, where they are: every field that follows from them."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

from armbench.bench import machine
from armbench.bench.machine import arm
from armbench.bench.model import Budget, Cache, Core, Node
from tests.machines import fake_root

REPOSITORY = Path(__file__).parents[3]
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
