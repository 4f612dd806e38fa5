"""Runs in a process of its own: import libraries one after another and say what each really uses.

Its text is given to `python -c` behind a line of probe.py, so it imports nothing of armbench,
which would cost each run a second import of numpy and more.

Arguments: seconds it may take, then names of distributions.
Answers are JSON lines: {"start": name}, then {"name", "facts", "problem", "pools"}.
"""

import json
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

Facts = dict[str, Any]


def main() -> None:
    limit, *names = sys.argv[1:]
    signal.setitimer(signal.ITIMER_REAL, float(limit))  # the default action ends even a hung import
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a library that prints must not break the protocol

    def tell(event: Facts) -> None:
        out.write(json.dumps(event) + "\n")
        out.flush()

    seen: set[str] = set()
    for name in names:
        tell({"start": name})
        facts, problem = _ask(name)
        pools = [pool for pool in _pools() if pool["path"] not in seen]
        seen.update(pool["path"] for pool in pools)
        tell({"name": name, "facts": facts, "problem": problem, "pools": pools})
    out.flush()
    os._exit(0)  # no teardown of libraries' thread pools: the answers are out


def _ask(name: str) -> tuple[Facts, str | None]:
    """(facts, why there are none)."""
    try:
        return QUESTIONS[name](import_module(name)), None
    except BaseException as error:  # whatever an import raises is an answer
        text = " ".join(str(error).split())[:160]
        return {}, f"{type(error).__name__}: {text}" if text else type(error).__name__


def _pools() -> list[Facts]:
    """The thread pools that are loaded, in the fields of installed.Pool."""
    from threadpoolctl import threadpool_info

    return [
        {
            "api": info["user_api"],
            "name": info["internal_api"],
            "version": info.get("version"),
            "core": info.get("architecture"),
            "threading": info.get("threading_layer"),
            "threads": info["num_threads"],
            "path": info["filepath"],
        }
        for info in threadpool_info()
    ]


def _numpy(numpy: Any) -> Facts:
    """The BLAS that it was built with, and the SIMD extensions that it dispatches to here."""
    config: Facts = numpy.show_config(mode="dicts") or {}
    blas = config.get("Build Dependencies", {}).get("blas", {})
    simd = config.get("SIMD Extensions", {})
    return {"blas": blas.get("name"), "simd": [*simd.get("baseline", ()), *simd.get("found", ())]}


def _torch(torch: Any) -> Facts:
    """Its capability, the features that it sees, and how its oneDNN was built."""
    text = torch.__config__.show()
    onednn = re.search(r"(?:oneDNN|MKL-DNN|MKLDNN)[^v\n]{0,40}v([0-9.]+)", text)
    blas = re.search(r"BLAS_INFO=(\w+)", text)
    acl = _call(torch.backends.mkldnn, "is_acl_available")
    facts: Facts = {
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


def _onnxruntime(onnxruntime: Any) -> Facts:
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


def _plain(value: Any) -> Any:
    """What JSON can hold of a value: numbers, strings, lists and objects of them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (int, float, str, bool, type(None))) else str(value)


QUESTIONS: dict[str, Callable[[Any], Facts]] = {
    "numpy": _numpy,
    "torch": _torch,
    "onnxruntime": _onnxruntime,
}


if __name__ == "__main__":
    main()
