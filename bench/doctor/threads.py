"""Environment variables that set threads, kernels or tracing of the libraries."""

from __future__ import annotations

from collections.abc import Iterator

from armbench.bench.doctor.evidence import Evidence
from armbench.bench.doctor.rule import AWS, NOTE, SLOW, Rule, count
from armbench.bench.machine.hostfiles import to_int

POOL_VARIABLES = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"),
    *("ARMPL_NUM_THREADS", "NVPL_NUM_THREADS", "RAYON_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"),
)
_BINDING = ("OMP_PROC_BIND", "GOMP_CPU_AFFINITY", "KMP_AFFINITY")
_UNBOUND = {"", "false", "disabled", "none"}
_CAPS = {  # variables that leave instructions out, and the libraries that read them
    "ATEN_CPU_CAPABILITY": ("torch",),
    "DNNL_MAX_CPU_ISA": ("torch", "tensorflow", "onnxruntime"),
    "ONEDNN_MAX_CPU_ISA": ("torch", "tensorflow", "onnxruntime"),
    "MKL_CBWR": ("numpy", "scipy", "torch"),
    "MKL_DEBUG_CPU_TYPE": ("numpy", "scipy", "torch"),
    "MKL_ENABLE_INSTRUCTIONS": ("numpy", "scipy", "torch"),
    "NPY_DISABLE_CPU_FEATURES": ("numpy",),
    "NPY_ENABLE_CPU_FEATURES": ("numpy",),
}
_VERBOSE_OFF = {"", "0", "false", "none"}
_VERBOSE = (
    *("DNNL_VERBOSE", "ONEDNN_VERBOSE", "MKL_VERBOSE", "OPENBLAS_VERBOSE", "TORCH_LOGS", "OMP_DISPLAY_ENV"),
)


def _counts(e: Evidence) -> Iterator[tuple[str, int]]:
    """The thread numbers that are set; of OMP's list for nested teams the first."""
    for name in POOL_VARIABLES:
        number = to_int(e.environment.get(name, "").partition(",")[0])
        if number:
            yield name, number


def _said(pairs: list[tuple[str, int]]) -> str:
    return ", ".join(f"{name}={number}" for name, number in pairs)


def _one(e: Evidence) -> str | None:
    pairs = [pair for pair in _counts(e) if pair[1] == 1]
    if not pairs or e.machine.budget.cpus < 2:
        return None
    return f"{_said(pairs)}: one thread where {e.machine.budget.cpus} CPUs are there"


def _half(e: Evidence) -> str | None:
    cpus, smt = e.machine.budget.cpus, e.machine.threads_per_core not in (None, 1)
    pairs = [pair for pair in _counts(e) if 2 * pair[1] == cpus and pair[1] > 1]
    if not pairs or smt:
        return None
    return f"{_said(pairs)} is half of {cpus} CPUs, each of which is a core here"


def _many(e: Evidence) -> str | None:
    pairs = [pair for pair in _counts(e) if pair[1] > e.machine.budget.cpus]
    return f"{_said(pairs)} on {count(e.machine.budget.cpus, 'CPU')}: threads take turns" if pairs else None


def _bound(e: Evidence) -> str | None:
    found = [
        f"{name}={e.environment[name]}"
        for name in _BINDING
        if e.environment.get(name, "").lower() not in _UNBOUND
    ]
    return f"{', '.join(found)} pins threads, beside where armbench pins the process" if found else None


def _capped(e: Evidence) -> str | None:
    read = [name for name, libraries in _CAPS.items() if e.libraries.keys() & set(libraries)]
    found = [f"{name}={e.environment[name]}" for name in read if e.environment.get(name)]
    tunables = e.environment.get("GLIBC_TUNABLES", "")
    found += [f"GLIBC_TUNABLES={tunables}"] if "hwcaps" in tunables else []
    return f"{', '.join(found)} keeps libraries from instructions that this CPU has" if found else None


def _verbose(e: Evidence) -> str | None:
    found = [
        f"{name}={e.environment[name]}"
        for name in _VERBOSE
        if e.environment.get(name, "0").lower() not in _VERBOSE_OFF
    ]
    return f"{', '.join(found)}: the library prints while it is measured" if found else None


def _debug_allocator(e: Evidence) -> str | None:
    value = e.environment.get("PYTHONMALLOC", "")
    return f"PYTHONMALLOC={value}: Python checks each of its allocations" if "debug" in value else None


def _preload(e: Evidence) -> str | None:
    value = e.environment.get("LD_PRELOAD")
    return f"LD_PRELOAD={value}: other code than the installed runs" if value else None


RULES = (
    Rule(
        "one-thread", SLOW, "a variable asks for one thread on a machine with several CPUs",
        "unset it; armbench sets the number for each trial itself, other programs use what is set",
        f"{AWS}/python.md", _one,
    ),
    Rule(
        "half-the-threads", SLOW, "a variable asks for half as many threads as CPUs, on cores without SMT",
        "unset it, or set it to the number of CPUs divided by that of processes",
        f"{AWS}/machinelearning/pytorch.md", _half,
    ),
    Rule(
        "too-many-threads", SLOW, "a variable asks for more threads than there are CPUs",
        "unset it, or set it to the number of CPUs divided by that of processes",
        f"{AWS}/machinelearning/pytorch.md", _many,
    ),
    Rule(
        "threads-bound", SLOW, "a variable pins the threads of OpenMP",
        "export OMP_PROC_BIND=false; unset GOMP_CPU_AFFINITY KMP_AFFINITY",
        f"{AWS}/machinelearning/pytorch.md", _bound,
    ),
    Rule(
        "isa-capped", SLOW, "a variable keeps a library from the CPU's newer instructions",
        "unset it, unless that is what you want to measure",
        "https://uxlfoundation.github.io/oneDNN/dev_guide_cpu_dispatcher_control.html", _capped,
    ),
    Rule(
        "verbose", SLOW, "a variable makes a library print or trace each call",
        "unset it after you have seen which kernels run",
        f"{AWS}/machinelearning/pytorch.md", _verbose,
    ),
    Rule(
        "debug-allocator", SLOW, "PYTHONMALLOC asks for debug hooks",
        "unset PYTHONMALLOC",
        "https://docs.python.org/3/using/cmdline.html#envvar-PYTHONMALLOC", _debug_allocator,
    ),
    Rule(
        "preload", NOTE, "LD_PRELOAD is set: another allocator, for instance",
        "compare with sessions that preload the same",
        "https://man7.org/linux/man-pages/man8/ld.so.8.html", _preload,
    ),
)  # fmt: skip
