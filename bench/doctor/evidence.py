"""Everything that the rules judge, gathered once."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from armbench.bench import cpulist, native
from armbench.bench.facts import CORES, CoreFacts
from armbench.bench.machine.condition import Condition
from armbench.bench.machine.software import OtherOpinion, Software
from armbench.bench.machine.software.atomics import Atomics, atomics_of_this_process
from armbench.bench.machine.software.installed import Installed, Release, release, version
from armbench.bench.model import Machine, Round


@dataclass(frozen=True, slots=True)
class Build:
    """The native library, the interpreter and what they stand on.

    error      why the native library cannot be loaded, None when it can
    not_built  {"kernel/variant": reason} of files that the compiler could not build
    atomics    {file name: its atomic instructions} of what synchronises threads in this process
    """

    compiler: str | None = None
    error: str | None = None
    not_built: Mapping[str, str] = field(default_factory=dict)
    python_bits: int = 64
    pip: str | None = None
    atomics: Mapping[str, Atomics] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A machine, its condition and its software; below another root there is no software.

    libraries  the distributions that matter, by name, all of them installed
    software   all of it as a result file keeps it
    rounds     what was noted while measuring; none before
    """

    machine: Machine
    condition: Condition = field(default_factory=Condition)
    environment: Mapping[str, str] = field(default_factory=dict)
    libraries: Mapping[str, Installed] = field(default_factory=dict)
    build: Build | None = None
    software: Software | None = None
    other_opinion: OtherOpinion | None = None
    rounds: tuple[Round, ...] = ()

    @property
    def core_facts(self) -> tuple[CoreFacts, ...]:
        """What facts/ know of each core type."""
        return tuple(CORES.get(f"{core.implementer}/{core.part}", {}) for core in self.machine.cores)

    @property
    def core_keys(self) -> frozenset[str]:
        """The core types, as "0x41/0xd84"; those of x86 have none."""
        return frozenset(f"{core.implementer}/{core.part}" for core in self.machine.cores if core.part)

    @property
    def arm(self) -> bool:
        return self.machine.arch == "aarch64"

    @property
    def kernel_release(self) -> Release:
        return release(self.machine.kernel)

    @property
    def family(self) -> str | None:
        """ "m9g" of m9g.48xlarge."""
        return self.machine.instance.partition(".")[0] if self.machine.instance else None

    @property
    def size(self) -> str | None:
        return self.machine.instance.partition(".")[2] if self.machine.instance else None

    @property
    def metal(self) -> bool:
        return (self.size or "").startswith("metal")

    @property
    def allowed_cpus(self) -> int:
        """CPUs within affinity and cpuset, whatever the quota."""
        allowed = self.machine.allowed
        return len(cpulist.parse(allowed)) if allowed else self.machine.cpus

    def has(self, *features: str) -> bool:
        return set(features) <= set(self.machine.features)

    def library(self, name: str) -> Installed | None:
        return self.libraries.get(name)


def build(libraries: Iterable[Installed]) -> Build:
    """The build that this process runs, beside these libraries."""
    try:
        compiler: str | None = native.build()[1]
        not_built = {"/".join(key): reason for key, reason in native.not_built().items()}
        error = None
    except native.NativeError as failure:
        compiler, not_built, error = None, {}, str(failure)
    bits = 64 if sys.maxsize > 1 << 32 else 32
    openmp = [Path(pool.path) for found in libraries for pool in found.pools if pool.api == "openmp"]
    return Build(compiler, error, not_built, bits, version("pip"), atomics_of_this_process(openmp))
