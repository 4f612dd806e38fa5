"""The aarch64 build of the native library on emulated CPUs.

What is needed: qemu's user mode and the C library of arm64 (Debian: qemu-user-static,
libc6-arm64-cross) and the reference compiler (ziglang).
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import IO

import numpy as np

from armbench.bench.facts import FEATURES
from armbench.bench.model import Array, Operand
from tests.machines.fake_root import specs

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SYSROOT = Path("/usr/aarch64-linux-gnu")
TARGET = "aarch64-linux-gnu.2.28"
EMULATORS = ("qemu-aarch64-static", "qemu-aarch64")

OK, UNSUPPORTED, REFUSED = 0, 2, 5  # ab_status
AT_START, AT_END, MISALIGNED = 0, 1, 2  # where operands lie between their guards (call.c)

# Builds of the native library; CMake options of each.  UBSan ends the process where it finds something.
CHECKED = "-fsanitize=undefined -fsanitize-trap=undefined"
BUILDS = {
    "aarch64": (),
    "aarch64-gcc": (
        "-DCMAKE_SYSTEM_NAME=Linux",
        "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
        "-DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc",
    ),
    "aarch64-ubsan": (f"-DCMAKE_C_FLAGS={CHECKED}",),
}
_FEATURES, _VARIANTS, _CALL, _PROBES = 1, 2, 3, 4  # requests of call.c


class LabError(RuntimeError):
    """The emulated process died or could not be built; the message says where."""


# --- what the lab needs --------------------------------------------------------------------


def emulator() -> str | None:
    return next((path for name in EMULATORS if (path := shutil.which(name))), None)


def missing(build: str = "aarch64") -> str | None:
    """The line that says what to install for a build, None when everything is here."""
    packages = []
    if not emulator():
        packages.append("qemu-user-static")
    if not (SYSROOT / "lib" / "ld-linux-aarch64.so.1").exists():
        packages.append("libc6-arm64-cross")
    if build == "aarch64-gcc" and not shutil.which("aarch64-linux-gnu-gcc"):
        packages.append("gcc-aarch64-linux-gnu")
    if packages:
        return f"the Arm lab needs: apt install {' '.join(packages)}"
    if not importlib.util.find_spec("ziglang"):
        return "the Arm lab needs the reference compiler: pip install ziglang"
    return None


@dataclass(frozen=True, slots=True)
class Profile:
    """An emulated CPU that stands for a real one.

    cpu       qemu's name for it, with properties
    machine   the real machine (tests/machines) whose features it claims: what qemu cannot take from
              its CPU is masked for the library under test (call.c); the instruction audit proves that
              no variant uses what it does not require
    masked    of the features that some variant requires, those that the mask takes away
    absent    what the machine has and qemu 7.2 does not emulate; a later one may
    has, lacks  of a CPU without such a machine: of the features that some variant requires, all; smefa64 too
    sve_bits, sme_bits  the length of its vectors, where it has them
    home      the variants that are tested on all shapes here, with blanks between them
    often     those that are tested on many, for the length of their vectors; others on some
    """

    name: str
    cpu: str
    machine: str | None = None
    masked: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    sve_bits: int = 0
    sme_bits: int = 0
    home: str = ""
    often: str = ""

    @property
    def claims(self) -> frozenset[str] | None:
        """The features of its machine, None where nothing is masked."""
        return frozenset(specs()[self.machine]["features"].split()) if self.machine else None

    @property
    def keep(self) -> str:
        """What call.c keeps of the words of features."""
        words = [0, 0, 0]
        for name in self.claims or ():
            if name in FEATURES["aarch64"]:
                word, bit = FEATURES["aarch64"][name]
                words[word] |= 1 << bit
        return " ".join(f"{word:x}" for word in words)


def profiles() -> list[Profile]:
    rows = json.loads((HERE / "profiles.json").read_text())
    lists = ("masked", "absent", "has", "lacks")
    return [Profile(**row | {name: tuple(row.get(name, "").split()) for name in lists}) for row in rows]


# --- building ------------------------------------------------------------------------------


def run(*command: str | Path, **environment: str) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in ("CC", "CFLAGS")}
    done = subprocess.run(
        [str(word) for word in command], env=kept | environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise LabError(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def _tool(name: str) -> str:
    """A build tool of this Python's environment, else of the system."""
    return shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}") or name


@cache
def library(build: str = "aarch64") -> Path:
    """The libarmbench.so of a build, by default what the aarch64 wheel carries; ninja rebuilds what changed."""
    folder = ROOT / "build" / build
    platform = {"_PYTHON_HOST_PLATFORM": "manylinux_2_28-aarch64"}
    run(
        _tool("cmake"), "-S", ROOT, "-B", folder, "-G", "Ninja", f"-DPython3_EXECUTABLE={sys.executable}",
        f"-DCMAKE_MAKE_PROGRAM={_tool('ninja')}", *BUILDS[build], **platform,
    )  # fmt: skip
    run(_tool("cmake"), "--build", folder, **platform)
    return folder / "libarmbench.so"


@cache
def driver() -> Path:
    """call.c for aarch64, compiled when it or a header is newer."""
    built, native = ROOT / "build" / "aarch64" / "call", ROOT / "kernels" / "native"
    sources = [HERE / "call.c", *native.glob("*.h")]
    if not built.exists() or any(s.stat().st_mtime > built.stat().st_mtime for s in sources):
        built.parent.mkdir(parents=True, exist_ok=True)
        run(
            sys.executable, "-m", "ziglang", "cc", "-target", TARGET, "-std=c11", "-D_GNU_SOURCE", "-O1",
            "-Wall", "-Wextra", "-Werror", "-rdynamic", "-I", native, HERE / "call.c", "-o", built,
        )  # fmt: skip
    return built


# --- an emulated CPU -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call came to; outputs only when `status` is OK."""

    status: int
    outputs: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Probes:
    """What the library reads and measures of its host: MIDR_EL1, the counter, its timer in ticks."""

    midr: int
    counter_hz: int
    counter_rate: float
    step: float
    reading: float
    perf_errno: int
    added: int  # what 5 + 7 came to by the counters of gates and grains, as returned and as stored
    stored: int


class Emulated:
    """A process on an emulated CPU with a build of the library loaded; close() it."""

    def __init__(self, profile: Profile, build: str = "aarch64", masked: bool = True) -> None:
        """masked: whether it claims the features of the profile's machine alone."""
        self.profile = profile
        command = [emulator() or EMULATORS[0], "-L", SYSROOT, "-cpu", profile.cpu, driver(), library(build)]
        kept = {"ARMBENCH_LAB_KEEP": profile.keep} if masked and profile.claims else {}
        self._process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **kept},
        )

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def features(self) -> tuple[set[str], int, int]:
        """(names of the features, SVE bits, SME bits) as the library sees them."""
        self._ask(struct.pack("=I", _FEATURES))
        words = self._words("4Q")
        sve_bits, sme_bits = self._words("2I")
        table = FEATURES["aarch64"]
        return {name for name, (word, bit) in table.items() if words[word] >> bit & 1}, sve_bits, sme_bits

    def probes(self) -> Probes:
        self._ask(struct.pack("=I", _PROBES))
        return Probes(*self._words("Qq"), *self._words("3d"), *self._words("3I"))

    def variants(self) -> tuple[dict[tuple[str, str, str], int], dict[tuple[str, str], str]]:
        """({(kernel, name, operation): index} of what was built, {(kernel, name): why not} of the rest)."""
        self._ask(struct.pack("=I", _VARIANTS))
        (count,) = self._words("I")
        built = {(self._text(), self._text(), self._text()): index for index in range(count)}
        reasons = {}
        for line in self._text().splitlines():
            name, _, reason = line.partition(": ")
            kernel, _, variant = name.partition("/")
            reasons[kernel, variant] = reason
        return built, reasons

    def call(
        self,
        index: int,
        params: Sequence[int],
        operands: Sequence[Operand],
        place: int,
        backward: bool,
        aligned: Mapping[str, int] = MappingProxyType({}),
    ) -> Answer:
        """One call of variant `index`, operands at a place between inaccessible pages, grains in either order.

        aligned: {operand: bytes} where that is more than an element.

        Raises LabError when the process dies of it.
        """
        request = [struct.pack(f"=5I{len(params)}q", _CALL, index, place, backward, len(params), *params)]
        request.append(struct.pack("=I", len(operands)))
        for operand in operands:
            element = aligned.get(operand.name, operand.data.itemsize)
            request.append(struct.pack("=3I", operand.data.nbytes, element, operand.output))
            if not operand.output:
                request.append(np.ascontiguousarray(operand.data).tobytes())
        self._ask(b"".join(request))
        (status,) = self._words("I")
        if status != OK:
            return Answer(status, {})
        return Answer(status, {o.name: self._array(o) for o in operands if o.output})

    def _array(self, operand: Operand) -> Array:
        data = operand.data
        return np.frombuffer(self._take(data.nbytes), data.dtype).reshape(data.shape)

    def _text(self) -> str:
        return self._take(self._words("I")[0]).decode()

    def _words(self, layout: str) -> tuple[int, ...]:
        return struct.unpack("=" + layout, self._take(struct.calcsize("=" + layout)))

    def _ask(self, request: bytes) -> None:
        stdin = _open(self._process.stdin)
        try:
            stdin.write(request)
            stdin.flush()
        except BrokenPipeError:
            raise self._died() from None

    def _take(self, nbytes: int) -> bytes:
        taken = _open(self._process.stdout).read(nbytes)
        if len(taken) < nbytes:
            raise self._died()
        return taken

    def _died(self) -> LabError:
        _, said = self._process.communicate()
        code = self._process.returncode
        return LabError(f"the process on {self.profile.cpu} ended with {code}: {said.decode().strip()}")


def _open(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream
