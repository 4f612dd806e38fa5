"""How armbench's own library, Python and the C library were built."""

from __future__ import annotations

import re

from armbench.bench.doctor.evidence import Evidence
from armbench.bench.doctor.rule import AWS, NOTE, SLOW, Rule
from armbench.bench.machine.software.installed import release
from armbench.bench.registry import native_stem

_REFERENCE_COMPILER = "zig "
_OLDEST_PIP = (19, 3)
_ARCHITECTURES = {"aarch64": "ARM_8", "x86_64": "X86_64"}


def _missing(e: Evidence) -> str | None:
    return f"No native variant can run: {e.build.error}" if e.build and e.build.error else None


def _compiler(e: Evidence) -> str | None:
    found = e.build.compiler if e.build else None
    if not found or found.startswith(_REFERENCE_COMPILER):
        return None
    return f"The native library was built with {found}, not with the reference compiler"


def _not_built(e: Evidence) -> str | None:
    if not e.build:
        return None
    wanted = set(e.machine.isa)
    lost = [name for name in e.build.not_built if native_stem(name.partition("/")[2]) in wanted]
    return f"{', '.join(lost)} could not be built, though this CPU could run them" if lost else None


def _without_lse(e: Evidence) -> str | None:
    lacking = [name for name, found in (e.build.atomics if e.build else {}).items() if found.lacks_lse]
    if not lacking or not e.has("atomics"):
        return None
    return f"{', '.join(lacking)} has no LSE atomics: locks and barriers of many threads are slow"


def _narrow(e: Evidence) -> str | None:
    if e.machine.arch.startswith(("armv7", "armv8")) or (e.build and e.build.python_bits < 64):
        return "This Python is a 32-bit program: no variant for 64-bit instructions can run"
    return None


def _old_pip(e: Evidence) -> str | None:
    found = e.build.pip if e.build else None
    if not e.arm or not found or release(found) >= _OLDEST_PIP:
        return None
    return f"pip {found} does not find the binary wheels for Arm, and compiles instead"


def _disagreement(e: Evidence) -> str | None:
    """What py-cpuinfo says otherwise; a brand that it does not know is no disagreement."""
    other, machine = e.other_opinion, e.machine
    if other is None:
        return None
    ours = _ARCHITECTURES.get(machine.arch)
    if other.arch and ours and other.arch != ours:
        return f"py-cpuinfo says {other.arch}, the kernel {machine.arch}"
    if other.brand and machine.chip and not e.arm and _plain(other.brand) != _plain(machine.chip):
        return f"py-cpuinfo calls this CPU {other.brand}, armbench {machine.chip}"
    return None


def _plain(brand: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", brand.lower()).strip()


RULES = (
    Rule(
        "native-missing", SLOW, "the native library cannot be loaded",
        "make bench-quick",
        "https://docs.python.org/3/library/ctypes.html#loading-dynamic-link-libraries", _missing,
    ),
    Rule(
        "lse-missing", SLOW,
        "the C library, an OpenMP runtime or the native library lacks LSE atomics, which this CPU has",
        "upgrade the distribution (glibc 2.31, gcc 10 or newer), or build with -moutline-atomics",
        f"{AWS}/c-c++.md", _without_lse,
    ),
    Rule(
        "python-32-bit", SLOW, "Python is a 32-bit program on a 64-bit CPU",
        "install a 64-bit system or Python",
        f"{AWS}/python.md", _narrow,
    ),
    Rule(
        "native-other-compiler", NOTE, "the native library was not built with the pinned compiler",
        "make clean bench, without CC, to compare with other machines",
        "https://ziglang.org/learn/overview/", _compiler,
    ),
    Rule(
        "native-not-built", NOTE, "variants that this CPU could run were left out of the build",
        "make clean bench, without CC: the pinned compiler knows all instruction sets",
        "https://ziglang.org/learn/overview/", _not_built,
    ),
    Rule(
        "pip-old", NOTE, "pip before 19.3 on Arm",
        "python -m pip install --upgrade pip",
        f"{AWS}/python.md", _old_pip,
    ),
    Rule(
        "cpuinfo-disagrees", NOTE, "py-cpuinfo says another architecture or brand",
        "report it with the output of: armbench machine --json; python -m cpuinfo --json",
        "https://github.com/workhorsy/py-cpuinfo", _disagreement,
    ),
)  # fmt: skip
