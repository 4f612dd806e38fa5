"""Proof of instruction: each variant's object has what it exists for, and nothing that its CPU may lack."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from armbench.bench import registry
from armbench.bench.facts import ISA
from tests.arm import instructions, lab
from tests.arm.conftest import need

HERE = lab.ROOT / "build" / "zig"  # what make has built for this host
ARM = ("aarch64", "aarch64-gcc")
WITH_ATOMICS = {"gate.c.o"}  # which asks the CPU first
TRAP = re.compile(r"brk #0x55[0-9a-f]{2}$")  # of clang's -fsanitize-trap; the last byte says of what


@pytest.fixture(scope="module", autouse=True)
def _needs() -> None:
    found = instructions.disassembler()
    need(
        None
        if found
        else "the audit of instructions needs llvm-objdump of LLVM 18 or later: apt install llvm-22, or llvm"
    )


def folder(build: str) -> Path:
    if build == "host":
        return HERE if HERE.exists() else pytest.skip("build/zig is not there: make lint builds it")
    need(lab.missing(build))
    return lab.library(build).parent


@pytest.mark.parametrize("build", ["host", *ARM])
def test_nothing_beyond_what_is_required(build: str) -> None:
    found = list(instructions.objects(folder(build)))
    assert len(found) > 10
    leaks = {
        f"{kernel}/{name}": instructions.beyond(path, registry.native_stem(name))[:5]
        for kernel, name, path in found
        if ISA[registry.native_stem(name)]["arch"] in (None, "aarch64" if build != "host" else "x86_64")
    }
    assert not {name: lines for name, lines in leaks.items() if lines}


@pytest.mark.parametrize("build", ["host", *ARM])
def test_what_a_variant_exists_for_is_there(build: str) -> None:
    lacking = [
        f"{kernel}/{name}"
        for kernel, name, path in instructions.objects(folder(build))
        if kernel in instructions.table()["kernels"]
        and (isa := registry.native_stem(name)) in instructions.table()["lives on"]
        and instructions.listing(path)
        and not instructions.lives_on(path, isa)
    ]
    assert not lacking


@pytest.mark.parametrize("build", ARM)
def test_the_harness_needs_no_more_than_any_arm_cpu(build: str) -> None:
    for path in instructions.harness(folder(build)):
        known = ["asimd", "atomics"] if path.name in WITH_ATOMICS else ["asimd"]
        assert not [line for line in instructions.listing(path, known) if "<unknown>" in line], path.name


def test_the_checked_build_traps_in_every_variant() -> None:
    """Else UBSan would find nothing there; the build that users have never traps."""
    listings = {
        build: {
            f"{kernel}/{name}": lines
            for kernel, name, path in instructions.objects(folder(build))
            if (lines := instructions.listing(path, instructions.table()["llvm"]))
        }
        for build in ("aarch64", "aarch64-ubsan")
    }
    trapping = {
        build: {name for name, lines in variants.items() if any(map(TRAP.search, lines))}
        for build, variants in listings.items()
    }
    assert trapping == {"aarch64": set(), "aarch64-ubsan": set(listings["aarch64"])}
