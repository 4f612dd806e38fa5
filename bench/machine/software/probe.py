"""Ask libraries what they really use, in one process of their own.

Importing a library may take seconds, hang or crash, so this process never does it: a child
answers in JSON lines, and what it could not say is an answer too.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from importlib import import_module
from types import ModuleType
from typing import Any

from armbench.bench.machine.software.installed import Installed, Pool, bundled_openblas, look_up
from armbench.bench.model import Json

LIMIT_SECONDS = 30.0  # a cold torch on a network disk takes over ten
_START = (  # as -m does it, without importing from where the user stands: a numpy.py there is not numpy
    "import sys; sys.path[:] = filter(None, sys.path); "
    "from armbench.bench.machine.software.probe import main; main()"
)


class Probe:
    """A child that looks at libraries; it works while its starter goes on."""

    def __init__(self, names: Iterable[str], limit_seconds: float = LIMIT_SECONDS):
        self.installed = tuple(look_up(name) for name in dict.fromkeys(names))
        self.asked = [found.name for found in self.installed if found.version and found.name in QUESTIONS]
        self.ends_at = time.monotonic() + limit_seconds
        self.errors = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  # closed by finish()
        self.child = subprocess.Popen(
            [sys.executable, "-c", _START, str(limit_seconds), *self.asked],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            start_new_session=True,  # Ctrl-C is for the starter, and what the child started dies with it
        )

    @property
    def running(self) -> bool:
        return self.child.poll() is None

    def finish(self) -> tuple[Installed, ...]:
        """What was found out, in the order of the names; waits for the child, at most to its limit."""
        try:
            output, ending = self._wait()
            told = {event["name"]: event for event in _events(output) if "name" in event}
            started = [event["start"] for event in _events(output) if "start" in event]
            return tuple(self._answer(found, told, started, ending) for found in self.installed)
        finally:
            self.stop()

    def stop(self) -> None:
        """End the child, whatever it does; harmless the second time."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        assert self.child.stdout
        self.child.stdout.close()
        self.errors.close()

    def _wait(self) -> tuple[bytes, str]:
        """(what it wrote, how it ended)."""
        try:
            output, _ = self.child.communicate(timeout=max(0.0, self.ends_at - time.monotonic()))
        except subprocess.TimeoutExpired as late:
            return late.stdout or b"", "did not answer in time"
        code = self.child.returncode
        if code == -signal.SIGALRM:
            return output, "did not answer in time"
        self.errors.seek(0)
        last = (self.errors.read().strip().splitlines() or [""])[-1][-120:]
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit {code}"
        return output, f"{how}: {last}" if last and code else how

    def _answer(
        self, found: Installed, told: dict[str, Json], started: Sequence[str], ending: str
    ) -> Installed:
        event = told.get(found.name)
        if event and event["problem"] is None:
            return replace(found, pools=tuple(Pool(**pool) for pool in event["pools"]), facts=event["facts"])
        by_files = replace(found, openblas=bundled_openblas(found.name))
        if found.name not in self.asked:
            return by_files
        culprit = started[-1] if started else "python"
        broken = ending if culprit == found.name else f"not asked, since {culprit} ended the process"
        return replace(by_files, problem=event["problem"] if event else broken)


def _events(output: bytes) -> list[Json]:
    """The whole lines of a child's answer; what a library wrote between them is skipped."""
    events = []
    for line in output.split(b"\n"):
        with suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict):
                events.append(event)
    return events


# --- in the child --------------------------------------------------------------------------


def main() -> None:
    limit, *names = sys.argv[1:]
    signal.setitimer(signal.ITIMER_REAL, float(limit))  # the default action ends even a hung import
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a library that prints must not break the protocol

    def tell(event: Json) -> None:
        out.write(json.dumps(event) + "\n")
        out.flush()

    seen = {pool.path for pool in _pools()}
    brought = {"numpy": seen}  # this package has imported it
    for name in names:
        tell({"start": name})
        facts, problem = _ask(name)
        pools = _pools()
        brought[name] = brought.get(name, set()) | {pool.path for pool in pools} - seen
        seen |= brought[name]
        own = [asdict(pool) for pool in pools if pool.path in brought[name]]
        tell({"name": name, "facts": facts, "problem": problem, "pools": own})
    out.flush()
    os._exit(0)  # no teardown of libraries' thread pools: the answers are out


def _ask(name: str) -> tuple[dict[str, Json], str | None]:
    """(facts, why there are none)."""
    try:
        return QUESTIONS[name](import_module(name)), None
    except BaseException as error:  # whatever an import raises is an answer
        text = " ".join(str(error).split())[:160]
        return {}, f"{type(error).__name__}: {text}" if text else type(error).__name__


def _pools() -> list[Pool]:
    from threadpoolctl import threadpool_info

    return [
        Pool(
            api=info["user_api"],
            name=info["internal_api"],
            version=info.get("version"),
            core=info.get("architecture"),
            threading=info.get("threading_layer"),
            threads=info["num_threads"],
            path=info["filepath"],
        )
        for info in threadpool_info()
    ]


def _numpy(numpy: ModuleType) -> dict[str, Json]:
    """The BLAS that it was built with, and the SIMD extensions that it dispatches to here."""
    config: Json = numpy.show_config(mode="dicts") or {}
    blas = config.get("Build Dependencies", {}).get("blas", {})
    simd = config.get("SIMD Extensions", {})
    return {"blas": blas.get("name"), "simd": [*simd.get("baseline", ()), *simd.get("found", ())]}


def _torch(torch: Any) -> dict[str, Json]:
    """Its capability, the features that it sees, and how its oneDNN was built."""
    text = torch.__config__.show()
    onednn = re.search(r"(?:oneDNN|MKL-DNN|MKLDNN)[^v\n]{0,40}v([0-9.]+)", text)
    blas = re.search(r"BLAS_INFO=(\w+)", text)
    acl = _call(torch.backends.mkldnn, "is_acl_available")
    facts: dict[str, Json] = {
        "capability": _call(torch.backends.cpu, "get_cpu_capability"),
        "capabilities": _plain(_call(torch.cpu, "get_capabilities")),
        "onednn": onednn[1] if onednn else None,
        "acl": acl if isinstance(acl, bool) else None,
        "blas": blas[1] if blas else None,
        "threads": torch.get_num_threads(),
        "float32_precision": torch.get_float32_matmul_precision(),
        "build": [line.strip(" -") for line in text.splitlines() if line.strip()],
    }
    back_end = facts["onednn"] and f"oneDNN {facts['onednn']}{' with ACL' if acl is True else ''}"
    library = facts["blas"] and f"BLAS {facts['blas']}"
    return {**facts, "detail": [part for part in (facts["capability"], back_end, library) if part]}


def _onnxruntime(onnxruntime: Any) -> dict[str, Json]:
    providers = _plain(_call(onnxruntime, "get_available_providers")) or []
    build = _call(onnxruntime, "get_build_info")
    return {
        "providers": providers,
        "build": str(build).strip() if build else None,
        "detail": [str(name).removesuffix("ExecutionProvider") for name in providers],
    }


def _call(owner: Any, name: str) -> Any:
    """owner.name(), None where this version has no such function or it fails."""
    try:
        return getattr(owner, name)()
    except Exception:
        return None


def _plain(value: Any) -> Json:
    """What JSON can hold of a value: numbers, strings, lists and objects of them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (int, float, str, bool, type(None))) else str(value)


QUESTIONS: dict[str, Callable[[Any], dict[str, Json]]] = {
    "numpy": _numpy,
    "torch": _torch,
    "onnxruntime": _onnxruntime,
}
