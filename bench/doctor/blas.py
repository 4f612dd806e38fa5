"""Which matrix kernels the BLAS below numpy and torch chose for this core."""

from __future__ import annotations

from collections.abc import Iterator

from armbench.bench.doctor.evidence import Evidence
from armbench.bench.doctor.rule import AWS, NOTE, OPENBLAS, SLOW, WRONG, Rule, count
from armbench.bench.doctor.threads import POOL_VARIABLES
from armbench.bench.machine.software.installed import Installed, Pool, release

# Cores that OpenBLAS's driver/others/dynamic_arm64.c chooses for a part; the names that stood for
# the same kernels in some release included (V2 was an alias of N2).
_ARM_CORES = {
    "0x41/0xd03": {"CORTEXA53"},
    "0x41/0xd07": {"CORTEXA57"},
    "0x41/0xd08": {"CORTEXA72"},
    "0x41/0xd0c": {"NEOVERSEN1"},
    "0x41/0xd40": {"NEOVERSEV1"},
    "0x41/0xd49": {"NEOVERSEN2"},
    "0x6d/0xd49": {"NEOVERSEN2"},
    "0x41/0xd4f": {"NEOVERSEV2", "NEOVERSEN2"},
    "0x41/0xd83": {"NEOVERSEV2", "NEOVERSEN2", "NEOVERSEV3"},
    "0x41/0xd84": {"NEOVERSEV2", "NEOVERSEN2", "NEOVERSEV3"},
    "0x43/0x0af": {"THUNDERX2T99"},
    "0x46/0x001": {"A64FX"},
    "0x48/0xd01": {"TSV110"},
}
_X86_CORES = (  # the first whose features are there, of driver/others/dynamic.c
    (("avx512f", "avx512bw", "avx512vl"), {"SKYLAKEX", "COOPERLAKE", "SAPPHIRERAPIDS"}),
    (("avx2", "fma"), {"HASWELL", "ZEN", "EXCAVATOR"}),
    (("avx",), {"SANDYBRIDGE", "BULLDOZER", "PILEDRIVER", "STEAMROLLER"}),
)
_WITHOUT_SVE = {"NEOVERSEN1", "ARMV8"}
_V1_KERNELS, _N2_KERNELS = (0, 3, 27), (0, 3, 30)  # releases from which V2 had V1's, then N2's
_OLDEST = (0, 3, 17)
_REFERENCE = {None, "none", "blas", "cblas", "lapack", "netlib", "refblas"}


def _own_cores(e: Evidence) -> set[str] | None:
    """The OpenBLAS cores made for this CPU; None where OpenBLAS has none, or cores are mixed."""
    if e.arm:
        sets = [_ARM_CORES.get(key) for key in e.core_keys]
        return sets[0] if len(sets) == 1 else None
    return next((names for features, names in _X86_CORES if e.has(*features)), None)


def _pools(e: Evidence, name: str = "openblas") -> Iterator[tuple[Installed, Pool]]:
    for library in e.libraries.values():
        for pool in library.pools:
            if pool.api == "blas" and pool.name == name:
                yield library, pool


def _has_openblas(e: Evidence) -> bool:
    return any(_pools(e)) or any(library.openblas for library in e.libraries.values())


def _named(pool: Pool, library: Installed) -> str:
    return f"{library.name}'s OpenBLAS {pool.version}"


def _forced(e: Evidence) -> str | None:
    forced, own = e.environment.get("OPENBLAS_CORETYPE"), _own_cores(e)
    if not forced or not own or forced.upper() in own or not _has_openblas(e):
        return None
    return f"OPENBLAS_CORETYPE={forced} forces kernels of another core than this one's {_or(own)}"


def _set(e: Evidence) -> str | None:
    forced, own = e.environment.get("OPENBLAS_CORETYPE"), _own_cores(e)
    if not forced or (own and forced.upper() not in own) or not _has_openblas(e):
        return None
    return f"OPENBLAS_CORETYPE={forced} is set: OpenBLAS does not look at the CPU"


def _or(names: set[str]) -> str:
    return " or ".join(sorted(names))


def _wrong_sbgemm(e: Evidence) -> str | None:
    if not e.machine.sve_bits or e.machine.sve_bits >= 256:
        return None
    for library, pool in _pools(e):
        core, version = (pool.core or "").upper(), release(pool.version)
        alias = core == "NEOVERSEV2" and _V1_KERNELS <= version < _N2_KERNELS
        if core == "NEOVERSEV1" or alias:
            return (
                f"{_named(pool, library)} runs kernels of Neoverse V1, whose bf16 product (SBGEMM) "
                f"is made for 256-bit SVE, on {e.machine.sve_bits} bits"
            )
    return None


def _without_sve(e: Evidence) -> str | None:
    if "OPENBLAS_CORETYPE" in e.environment or not any(facts.get("sve_bits") for facts in e.core_facts):
        return None
    for library, pool in _pools(e):
        if (pool.core or "").upper() in _WITHOUT_SVE and not e.has("sve"):
            return f"{_named(pool, library)} chose {pool.core}, without SVE, which the kernel hides"
    return None


def _core_unknown(e: Evidence) -> str | None:
    own = _own_cores(e)
    if own is None or "OPENBLAS_CORETYPE" in e.environment or _wrong_sbgemm(e) or _without_sve(e):
        return None
    for library, pool in _pools(e):
        if pool.core and pool.core.upper() not in own:
            return f"{_named(pool, library)} chose {pool.core}: it has no kernels for this core ({_or(own)})"
    return None


def _reference(e: Evidence) -> str | None:
    numpy = e.library("numpy")
    if numpy is None or numpy.problem or numpy.blas or "blas" not in numpy.facts:
        return None
    name = numpy.facts["blas"]
    if (name.lower() if isinstance(name, str) else None) not in _REFERENCE:
        return None
    return f"numpy {numpy.version} was built without an optimised BLAS ({name or 'none'})"


def _one_thread(e: Evidence) -> str | None:
    if e.machine.budget.cpus < 2 or any(e.environment.get(name) for name in POOL_VARIABLES):
        return None
    for library in e.libraries.values():
        blas = library.blas
        if blas and blas.threads == 1:
            return (
                f"{library.name}'s {blas.name} starts one thread by default, on {e.machine.budget.cpus} CPUs"
            )
    return None


def _too_many(e: Evidence) -> str | None:
    cpus = e.machine.budget.cpus
    for library in e.libraries.values():
        blas = library.blas
        if blas and blas.threads > cpus and not any(e.environment.get(name) for name in POOL_VARIABLES):
            return f"{library.name}'s {blas.name} starts {blas.threads} threads, on {count(cpus, 'CPU')}"
    return None


def _openmp(e: Evidence) -> str | None:
    for library, pool in _pools(e):
        if pool.threading == "openmp":
            return f"{_named(pool, library)} is built on OpenMP: it behaves otherwise than the pthread build"
    return None


def _two_openmp(e: Evidence) -> str | None:
    paths = {
        pool.path: pool.path.rpartition("/")[2]
        for library in e.libraries.values()
        for pool in library.pools
        if pool.api == "openmp"
    }
    if len(paths) < 2:
        return None
    return f"{count(len(paths), 'OpenMP runtime')} in one process ({', '.join(sorted(paths.values()))})"


def _too_old(e: Evidence) -> str | None:
    if not e.arm:
        return None
    for library in e.libraries.values():
        version = next((pool.version for _, pool in _pools(e) if pool in library.pools), library.openblas)
        if version and release(version) < _OLDEST:
            return f"{library.name}'s OpenBLAS {version} is older than 0.3.17"
    return None


RULES = (
    Rule(
        "blas-core-forced", WRONG, "OPENBLAS_CORETYPE names another core than this one",
        "unset OPENBLAS_CORETYPE",
        f"{OPENBLAS}/blob/develop/driver/others/dynamic_arm64.c", _forced,
    ),
    Rule(
        "blas-wrong-sbgemm", WRONG,
        "OpenBLAS runs its Neoverse V1 kernels on shorter SVE vectors (V2 with 0.3.27 to 0.3.29)",
        "pip install --upgrade numpy (OpenBLAS 0.3.30 or newer); until then trust no bf16 product of it",
        f"{OPENBLAS}/pull/5144", _wrong_sbgemm,
    ),
    Rule(
        "blas-core-unknown", SLOW,
        "OpenBLAS chose kernels of another core, mostly as it does not know this one (V3 before 0.3.33)",
        "pip install --upgrade numpy (OpenBLAS 0.3.33 or newer knows Graviton5)",
        f"{OPENBLAS}/pull/5759", _core_unknown,
    ),
    Rule(
        "blas-without-sve", SLOW,
        "OpenBLAS chose kernels without SVE on a core with SVE that the kernel hides",
        "upgrade the kernel (5.10 or newer) and see the finding on hidden features",
        f"{OPENBLAS}/blob/develop/driver/others/dynamic_arm64.c", _without_sve,
    ),
    Rule(
        "blas-reference", SLOW, "numpy stands on a reference BLAS",
        "pip install --force-reinstall numpy (its wheels bring OpenBLAS)",
        "https://numpy.org/doc/stable/building/blas_lapack.html", _reference,
    ),
    Rule(
        "blas-one-thread", SLOW, "a BLAS starts one thread, and no variable says so (OpenMP builds, BLIS)",
        "set OMP_NUM_THREADS, or BLIS_NUM_THREADS, to the number of CPUs",
        f"{AWS}/python.md", _one_thread,
    ),
    Rule(
        "blas-too-many-threads", SLOW, "a BLAS starts more threads than the budget has CPUs (in a container)",
        "set OMP_NUM_THREADS to the CPUs of the budget: armbench machine says how many",
        f"{OPENBLAS}#setting-the-number-of-threads-using-environment-variables", _too_many,
    ),
    Rule(
        "openmp-twice", SLOW, "the libraries bring several OpenMP runtimes, whose threads compete",
        "install libraries that share one (all from one channel), or measure them in separate runs",
        "https://github.com/joblib/threadpoolctl/blob/master/multiple_openmp.md", _two_openmp,
    ),
    Rule(
        "openblas-old", SLOW, "OpenBLAS before 0.3.17 on Arm",
        "pip install --upgrade numpy scipy",
        f"{AWS}/python.md", _too_old,
    ),
    Rule(
        "blas-core-set", NOTE, "OPENBLAS_CORETYPE is set, though not to a foreign core",
        "unset OPENBLAS_CORETYPE to see what OpenBLAS chooses by itself",
        f"{OPENBLAS}#setting-the-number-of-threads-using-environment-variables", _set,
    ),
    Rule(
        "blas-openmp", NOTE, "OpenBLAS was built on OpenMP",
        "compare with sessions of the same build",
        f"{AWS}/python.md", _openmp,
    ),
)  # fmt: skip
