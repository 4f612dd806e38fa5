"""For each rule, evidence on which it fires and evidence like it on which it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from armbench.bench.doctor import Evidence
from armbench.bench.doctor.evidence import Build
from armbench.bench.machine.software import Installed, OtherOpinion, Pool
from armbench.bench.machine.software.atomics import Atomics
from armbench.bench.model import Budget, Core, HugePages, Metadata, Node, Perf, PerfEvent, Round, Timer
from tests.bench.doctor.evidence import (
    BUILD,
    FEATURES,
    GIB,
    WELL,
    XEON_MACHINE,
    core,
    environment,
    spoilt,
    with_blas,
    with_library,
)

X86 = spoilt(machine=XEON_MACHINE)
AVX2 = spoilt(X86, features=("avx", "avx2", "fma"))
SMT = spoilt(threads_per_core=2)
TORCH = {"DNNL_DEFAULT_FPMATH_MODE": "BF16", "LRU_CACHE_CAPACITY": "1024", "THP_MEM_ALLOC_ENABLE": "1"}
V1 = {"cores": core("0xd40", "Neoverse V1"), "sve_bits": 256, "instance": "m7g.16xlarge"}
V3 = {"cores": core("0xd84", "Neoverse V3"), "instance": "m9g.24xlarge", "chip": "AWS Graviton5"}
SMALL = {"cpus": 4, "budget": Budget(4, "all online CPUs"), "instance": "m8g.xlarge"}
OPENMP = Pool("openmp", "openmp", None, None, None, 96, "/x/libgomp.so.1")


def without(*features: str) -> Evidence:
    return spoilt(features=tuple(name for name in FEATURES if name not in features))


def torch(version: str = "2.13.0", base: Evidence = WELL, **fields: Any) -> Evidence:
    """torch, with every variable that it wants, or the variables given."""
    return with_library("torch", version, base, variables=fields.pop("variables", TORCH), **fields)


def less(*names: str) -> dict[str, str]:
    return {name: value for name, value in TORCH.items() if name not in names}


def rounds(*quality: tuple[str, ...]) -> Evidence:
    return spoilt(
        rounds=tuple(Round(i, i, "2026-11-01T12:00:00Z", 0, None, None, q) for i, q in enumerate(quality))
    )


def built(**changes: Any) -> Evidence:
    return spoilt(build=replace(BUILD, **changes))


def settings(**lines: str) -> Evidence:
    return spoilt(settings=lines)


def perf(counters: int, reason: str | None, paranoid: int = 2) -> Perf:
    return Perf(paranoid, counters, (PerfEvent("cycles", reason),))


TWO_NODES = (Node(0, "0-47", 192 * GIB, (10, 20)), Node(1, "48-95", 192 * GIB, (20, 10)))
DEDICATED = Metadata("m8g.xlarge", "us-east-1", "us-east-1a", "on-demand", dedicated_host=True)

Cases = tuple[list[Evidence], list[Evidence]]
CASES: dict[str, Cases] = {
    # --- place
    "emulated": ([spoilt(emulated=True)], [WELL]),
    "hypervisor-unknown": ([spoilt(hypervisor="unidentified")], [WELL, spoilt(hypervisor=None)]),
    "desktop-hypervisor": (
        [spoilt(hypervisor="virtualbox"), spoilt(hypervisor="apple")],
        [spoilt(hypervisor="kvm")],
    ),
    "burstable": (
        [
            spoilt(instance="t4g.xlarge"),
            spoilt(instance="t3a.large"),
            spoilt(cloud="gcp", instance="e2-small"),
            spoilt(cloud="azure", instance="Standard_B4ms"),
        ],
        [
            WELL,
            spoilt(instance=None),
            spoilt(cloud="gcp", instance="t2a-standard-4"),
            spoilt(instance="trn1.2xlarge"),
        ],
    ),
    "shared-host": (
        [spoilt(**SMALL), spoilt(cpus=96, **V3), spoilt(cloud="gcp", chip="Google Axion", instance=None)],
        [
            WELL,
            spoilt(cpus=4, instance="m8g.metal-24xl"),
            spoilt(cloud=None, hypervisor=None, chip=None),
            spoilt(**SMALL, metadata=DEDICATED),
        ],
    ),
    "slower-memory": (
        [spoilt(instance="m7g.large"), spoilt(instance="c8g.48xlarge"), spoilt(instance="m8g.metal-48xl")],
        [WELL, spoilt(instance="c7g.large")],
    ),
    "partial-pmu": (
        [spoilt(**SMALL), spoilt(**{**V3, "instance": "m9g.16xlarge"})],
        [WELL, spoilt(instance="m8g.metal-24xl"), spoilt(chip=None, instance=None), spoilt(**V3)],
    ),
    "metal-iommu": (
        [spoilt(instance="m8g.metal-24xl", iommu=True)],
        [
            spoilt(instance="m8g.metal-24xl"),
            spoilt(iommu=True),
            spoilt(
                instance="m8g.metal-24xl", iommu=True, settings={"command_line": "quiet iommu.passthrough=1"}
            ),
        ],
    ),
    "nodes-in-package": (
        [spoilt(nodes=TWO_NODES)],
        [WELL, spoilt(nodes=TWO_NODES, packages=("0-47", "48-95"))],
    ),
    "many-cpus": ([WELL], [spoilt(**SMALL)]),
    "mixed-cores": (
        [spoilt(cores=(*core("0xd85", "Cortex-X925"), Core("Cortex-A725", "0x41", "0xd87", 0, 1, "5-9")))],
        [WELL, spoilt(cores=(*core("0x001", "Oryon", "0x51"), Core("Oryon", "0x51", "0x001", 2, 1, "4-11")))],
    ),
    # --- cpus
    "cpu-quota": (
        [spoilt(budget=Budget(2, "cgroup quota 2.5 CPUs"))],
        [WELL, spoilt(budget=Budget(2, "affinity"))],
    ),
    "cpuset": ([spoilt(budget=Budget(8, "cpuset"))], [WELL, spoilt(budget=Budget(96, "cpuset"))]),
    "affinity": ([spoilt(budget=Budget(48, "affinity"))], [WELL, spoilt(budget=Budget(48, "cpuset"))]),
    "cpus-offline": ([spoilt(offline="96-127")], [WELL]),
    "isolated-cpus": ([settings(isolated="8-95")], [WELL]),
    "smt": ([SMT], [WELL, spoilt(threads_per_core=None)]),
    "governor": (
        [spoilt(governor="schedutil"), spoilt(governor="ondemand,performance")],
        [WELL, spoilt(governor="performance")],
    ),
    "boost": (
        [settings(no_turbo="0"), settings(boost="1")],
        [WELL, settings(no_turbo="1"), settings(boost="0")],
    ),
    "clock-low": (
        [spoilt(clock_hz=2.6e9)],
        [WELL, spoilt(clock_hz=2.75e9), spoilt(clock_hz=2.0e9), spoilt(clock_hz=2.6e9, clock_source="facts")],
    ),
    "clock-far-low": (
        [spoilt(clock_hz=1.4e9)],
        [
            WELL,
            spoilt(clock_hz=2.6e9),
            spoilt(nominal_clock_hz=None),
            spoilt(X86, clock_hz=2e9, clock_source="dependent adds", nominal_clock_source="cpufreq"),
        ],
    ),
    "counter-wrong": (
        [spoilt(timer=Timer("cntvct_el0", 1.0, 10.0, 1.05e9))],
        [WELL, spoilt(timer=Timer("cntvct_el0", 1.0, 10.0, 1.0001e9)), spoilt(timer=None)],
    ),
    "caches-unknown": ([spoilt(caches=())], [WELL]),
    # --- load
    "overloaded": (
        [
            spoilt(others_busy=12.0),
            spoilt(**SMALL, others_busy=0.6),
            spoilt(others_busy=None, load_average=50.0),
        ],
        [
            WELL,
            spoilt(others_busy=3.0),
            spoilt(others_busy=0.0, load_average=50.0),
            spoilt(**SMALL, others_busy=0.4),
        ],
    ),
    "busy": (
        [spoilt(others_busy=3.0), spoilt(**SMALL, others_busy=0.2)],
        [WELL, spoilt(others_busy=12.0), spoilt(others_busy=None, load_average=None)],
    ),
    "heavy-steal": ([spoilt(steal_share=0.2)], [WELL, spoilt(steal_share=0.01), spoilt(steal_share=None)]),
    "steal": ([spoilt(steal_share=0.01)], [WELL, spoilt(steal_share=0.2), spoilt(steal_share=None)]),
    "steal-in-run": (
        [rounds(("steal",), (), ())],
        [WELL, rounds((), ("clock",)), rounds(*[()] * 9, ("steal",))],
    ),
    # --- memory
    "thp-never": ([spoilt(huge_pages="never")], [WELL, spoilt(huge_pages="always"), spoilt(huge_pages=None)]),
    "swap-used": (
        [spoilt(swap_used_bytes=GIB)],
        [WELL, spoilt(swap_used_bytes=1 << 20), spoilt(swap_used_bytes=None)],
    ),
    "memory-full": (
        [spoilt(available_bytes=10 * GIB), spoilt(memory_bytes=2 * GIB, available_bytes=GIB // 4)],
        [WELL, spoilt(available_bytes=None), spoilt(memory_bytes=2 * GIB, available_bytes=GIB)],
    ),
    "container-memory": (
        [spoilt(group_left_bytes=4 * GIB)],
        [WELL, spoilt(group_left_bytes=300 * GIB), spoilt(group_left_bytes=1 << 62)],
    ),
    "huge-pages-reserved": (
        [spoilt(huge_page_sizes=(HugePages(GIB, None, 200, 128),))],
        [
            WELL,
            spoilt(huge_page_sizes=(HugePages(GIB, None, 200, 0), HugePages(2 << 20, "madvise", None, None))),
        ],
    ),
    "numa-balancing": (
        [spoilt(nodes=TWO_NODES)],
        [WELL, spoilt(nodes=TWO_NODES, settings={"numa_balancing": "0"})],
    ),
    "ksm": ([settings(ksm="1")], [WELL, settings(ksm="2")]),
    "disk-full": ([spoilt(free_disk_bytes=5 << 20)], [WELL, spoilt(free_disk_bytes=None)]),
    # --- kernel
    "kernel-too-old": (
        [
            spoilt(kernel="4.14.355-280.652.amzn2.aarch64", **V3),
            spoilt(kernel="5.4.0-1103-aws", features=("asimd",)),
        ],
        [WELL, spoilt(kernel="5.10.244"), spoilt(kernel=None), spoilt(kernel="4.14", cores=core("0xd0c"))],
    ),
    "features-hidden": (
        [
            without("sve", "sve2"),
            without("bf16"),
            spoilt(features=("asimd",), cores=core("0xd0c", "Neoverse N1")),
        ],
        [WELL, spoilt(features=()), spoilt(features=("asimd",), cores=core("0xd08")), X86],
    ),
    "sve-short": (
        [spoilt(**{**V1, "sve_bits": 128})],
        [WELL, spoilt(**V1), spoilt(sve_bits=None), spoilt(cores=core("0xdff"))],
    ),
    "debug-kernel": (
        [spoilt(config=frozenset({"CONFIG_KASAN"})), spoilt(kernel="6.12.0-55.el10.aarch64+debug")],
        [WELL, spoilt(config=frozenset({"CONFIG_ARM64_SVE"}))],
    ),
    "clock-source": (
        [settings(clocksource="hpet"), settings(clocksource="xen")],
        [WELL, settings(clocksource="tsc")],
    ),
    "timer-coarse": (
        [
            spoilt(timer=Timer("CLOCK_MONOTONIC_RAW", 1.0, 900.0, None)),
            spoilt(timer=Timer("x", 4e6, 30.0, None)),
        ],
        [WELL, spoilt(timer=Timer("cntvct_el0", 40.0, 10.0, None)), spoilt(timer=None)],
    ),
    "preempt-lazy": (
        [
            spoilt(kernel="7.0.3-1.amzn2023"),
            spoilt(kernel="7.1.0", settings={"scheduler_preemption": "full (lazy)"}),
        ],
        [
            WELL,
            spoilt(kernel="7.0.3", settings={"command_line": "quiet preempt=none"}),
            spoilt(kernel="7.0.3", config=frozenset({"CONFIG_PREEMPT_NONE"})),
            spoilt(kernel="7.0.3", settings={"scheduler_preemption": "(full) lazy"}),
        ],
    ),
    "pages-64k": ([spoilt(page_bytes=65536)], [WELL, spoilt(page_bytes=None)]),
    "perf-absent": (
        [spoilt(perf=perf(0, "the virtual machine does not offer it"))],
        [WELL, spoilt(perf=None), spoilt(perf=perf(0, "forbidden"), settings={"perf_event_paranoid": "4"})],
    ),
    "perf-forbidden": (
        [spoilt(perf=None, settings={"perf_event_paranoid": "4"})],
        [WELL, spoilt(perf=perf(6, None), settings={"perf_event_paranoid": "4"}), spoilt(perf=None)],
    ),
    "irqbalance": ([spoilt(services=("cron", "irqbalance"))], [WELL, spoilt(services=("cron",))]),
    "packet-steering": ([spoilt(packet_steering=("ens5",))], [WELL]),
    "process-limit": (
        [spoilt(limits={"Max processes": 100})],
        [WELL, spoilt(limits={}), spoilt(limits=None)],
    ),
    "address-space-limit": ([spoilt(limits={"Max address space": 8 * GIB})], [WELL, spoilt(limits=None)]),
    # --- BLAS
    "blas-core-forced": (
        [
            environment(OPENBLAS_CORETYPE="NEOVERSEN1"),
            environment(OPENBLAS_CORETYPE="armv8"),
            spoilt(X86, environment={"OPENBLAS_CORETYPE": "Haswell"}),
            spoilt(AVX2, environment={"OPENBLAS_CORETYPE": "Prescott"}),
        ],
        [
            WELL,
            environment(OPENBLAS_CORETYPE="neoversev2"),
            spoilt(AVX2, environment={"OPENBLAS_CORETYPE": "Haswell"}),
            spoilt(environment={"OPENBLAS_CORETYPE": "NEOVERSEN1"}, libraries={}),
            spoilt(environment={"OPENBLAS_CORETYPE": "NEOVERSEN1"}, cores=core("0xdff")),
        ],
    ),
    "blas-core-set": (
        [environment(OPENBLAS_CORETYPE="neoversev2"), spoilt(AVX2, environment={"OPENBLAS_CORETYPE": "ZEN"})],
        [WELL, environment(OPENBLAS_CORETYPE="NEOVERSEN1")],
    ),
    "blas-wrong-sbgemm": (
        [with_blas(version="0.3.29", core="neoversev1"), with_blas(version="0.3.27.63.1", core="neoversev2")],
        [
            WELL,
            with_blas(version="0.3.30", core="neoversev2"),
            with_blas(version="0.3.26", core="neoversev2"),
            with_blas(spoilt(**V1), version="0.3.29", core="neoversev1"),
        ],
    ),
    "blas-core-unknown": (
        [
            with_blas(spoilt(**V3), version="0.3.31", core="armv8sve"),
            with_blas(X86, core="Haswell"),
            with_blas(spoilt(**V1), core="NEOVERSEN1"),
        ],
        [
            WELL,
            with_blas(spoilt(**V3), core="neoversen2"),
            with_blas(X86, core="Cooperlake"),
            with_blas(AVX2, core="Zen"),
            with_blas(spoilt(cores=core("0xdff")), core="armv8sve"),
            with_blas(version="0.3.29", core="neoversev1"),
            with_blas(without("sve", "sve2"), core="neoversen1"),
        ],
    ),
    "blas-without-sve": (
        [with_blas(without("sve", "sve2"), core="neoversen1")],
        [
            WELL,
            with_blas(core="neoversen1"),
            with_blas(spoilt(features=("asimd",), cores=core("0xd0c")), core="neoversen1"),
        ],
    ),
    "blas-reference": (
        [spoilt(libraries={"numpy": Installed("numpy", "2.4.6", facts={"blas": "none"})})],
        [
            WELL,
            spoilt(libraries={}),
            spoilt(libraries={"numpy": Installed("numpy", "2.4.6", facts={"blas": "armpl"})}),
            spoilt(
                libraries={"numpy": Installed("numpy", "2.4.6", facts={"blas": None}, problem="ImportError")}
            ),
        ],
    ),
    "blas-one-thread": (
        [with_blas(name="blis", threads=1)],
        [
            WELL,
            replace(with_blas(threads=1), environment={"OMP_NUM_THREADS": "1"}),
            with_blas(spoilt(budget=Budget(1, "affinity")), threads=1),
        ],
    ),
    "blas-too-many-threads": (
        [spoilt(budget=Budget(2, "cgroup quota 2 CPUs"))],
        [WELL, spoilt(budget=Budget(2, "cgroup quota 2 CPUs"), environment={"OMP_NUM_THREADS": "2"})],
    ),
    "openmp-twice": (
        [torch(pools=(OPENMP, replace(OPENMP, path="/y/libomp.so")))],
        [WELL, torch(pools=(OPENMP,))],
    ),
    "openblas-old": (
        [with_blas(version="0.3.13"), with_library("scipy", "1.9.0", openblas="0.3.9")],
        [WELL, with_blas(X86, version="0.3.13"), with_library("scipy", "1.9.0", openblas="0.3.18")],
    ),
    "blas-openmp": ([with_blas(threading="openmp")], [WELL]),
    # --- threads
    "one-thread": (
        [environment(OMP_NUM_THREADS="1"), environment(BLIS_NUM_THREADS="1", OMP_NUM_THREADS="96")],
        [
            WELL,
            environment(OMP_NUM_THREADS="4"),
            spoilt(environment={"OMP_NUM_THREADS": "1"}, budget=Budget(1, "x")),
        ],
    ),
    "half-the-threads": (
        [environment(OMP_NUM_THREADS="48"), environment(OMP_NUM_THREADS="48,2")],
        [WELL, environment(OMP_NUM_THREADS="47"), spoilt(SMT, environment={"OMP_NUM_THREADS": "48"})],
    ),
    "too-many-threads": (
        [
            environment(MKL_NUM_THREADS="97"),
            spoilt(environment={"OMP_NUM_THREADS": "8"}, budget=Budget(4, "cpuset")),
        ],
        [WELL, environment(MKL_NUM_THREADS="96"), environment(MKL_NUM_THREADS="many")],
    ),
    "threads-bound": (
        [
            environment(OMP_PROC_BIND="close"),
            environment(GOMP_CPU_AFFINITY="0-3"),
            environment(KMP_AFFINITY="compact"),
        ],
        [WELL, environment(OMP_PROC_BIND="false"), environment(KMP_AFFINITY="disabled")],
    ),
    "isa-capped": (
        [
            environment(NPY_DISABLE_CPU_FEATURES="SVE"),
            environment(GLIBC_TUNABLES="glibc.cpu.hwcaps=-AVX2"),
            torch(variables={**TORCH, "ATEN_CPU_CAPABILITY": "default"}),
        ],
        [
            WELL,
            environment(ATEN_CPU_CAPABILITY="default"),
            environment(GLIBC_TUNABLES="glibc.malloc.tcache_count=0"),
        ],
    ),
    "verbose": (
        [environment(DNNL_VERBOSE="1"), environment(OMP_DISPLAY_ENV="VERBOSE")],
        [WELL, environment(DNNL_VERBOSE="0")],
    ),
    "debug-allocator": (
        [environment(PYTHONMALLOC="malloc_debug")],
        [WELL, environment(PYTHONMALLOC="malloc")],
    ),
    "preload": ([environment(LD_PRELOAD="/usr/lib/libtcmalloc.so.4")], [WELL, environment(LD_PRELOAD="")]),
    # --- frameworks
    "library-broken": ([torch(problem="killed by SIGILL")], [WELL, torch()]),
    "bf16-fast-math-off": (
        [torch(variables=less("DNNL_DEFAULT_FPMATH_MODE"))],
        [WELL, torch(), torch(base=without("bf16"), variables={}), torch(base=X86, variables={})],
    ),
    "bf16-fast-math-vain": (
        [torch(base=without("bf16")), spoilt(AVX2, environment={"ONEDNN_DEFAULT_FPMATH_MODE": "BF16"})],
        [WELL, torch(), spoilt(X86, environment=TORCH), spoilt(features=(), environment=TORCH)],
    ),
    "bf16-fast-math-on": ([torch()], [WELL, torch(variables={}), torch(base=without("bf16"))]),
    "onnxruntime-old": (
        [with_library("onnxruntime", "1.16.3")],
        [WELL, with_library("onnxruntime", "1.17.0"), with_library("onnxruntime", "1.16.3", X86)],
    ),
    "onnxruntime-fast-math": (
        [with_library("onnxruntime", "1.31.1")],
        [WELL, with_library("onnxruntime", "1.16.3"), with_library("onnxruntime", "1.31.1", without("bf16"))],
    ),
    "torch-primitive-cache": (
        [torch(variables=less("LRU_CACHE_CAPACITY"))],
        [WELL, torch(), torch(base=X86, variables={})],
    ),
    "torch-huge-pages": (
        [torch(variables=less("THP_MEM_ALLOC_ENABLE"))],
        [WELL, torch(), torch(base=spoilt(huge_pages="always"), variables={})],
    ),
    "torch-huge-pages-vain": (
        [spoilt(environment={"THP_MEM_ALLOC_ENABLE": "1"}, huge_pages="never")],
        [WELL, environment(THP_MEM_ALLOC_ENABLE="1")],
    ),
    "torch-generic-kernels": (
        [
            torch(base=spoilt(**V1), facts={"capability": "DEFAULT"}),
            torch(base=X86, facts={"capability": "DEFAULT"}),
        ],
        [
            torch(base=spoilt(**V1), facts={"capability": "SVE256"}),
            torch(facts={"capability": "DEFAULT"}),
            torch(),
        ],
    ),
    "torch-without-acl": (
        [torch(facts={"acl": False})],
        [torch(facts={"acl": True}), torch(facts={"acl": None}), torch(base=X86, facts={"acl": False}), WELL],
    ),
    "torch-small-matmuls": (
        [torch()],
        [WELL, torch(variables={**TORCH, "TORCH_MKLDNN_MATMUL_MIN_DIM": "64"}), torch(base=X86)],
    ),
    "torch-unknown-core": ([torch(base=spoilt(**V3))], [WELL, torch(), spoilt(**V3)]),
    "tensorflow-onednn-off": (
        [with_library("tensorflow", "2.13.1")],
        [
            WELL,
            with_library("tensorflow", "2.14.0"),
            with_library("tensorflow", "2.13.1", variables={"TF_ENABLE_ONEDNN_OPTS": "1"}),
        ],
    ),
    "numpy-old": (
        [with_library("numpy", "1.21.0"), with_library("scipy", "1.7.1")],
        [WELL, with_library("scipy", "1.7.2"), with_library("numpy", "1.21.0", X86)],
    ),
    "llama-half-the-threads": (
        [with_library("llama_cpp_python", "0.3.2")],
        [WELL, with_library("llama_cpp_python", "0.3.2", SMT)],
    ),
    "vllm-settings": (
        [with_library("vllm", "0.22.1")],
        [
            WELL,
            with_library("vllm", "0.22.1", X86),
            with_library(
                "vllm",
                "0.22.1",
                variables={
                    "VLLM_CPU_KVCACHE_SPACE": "40",
                    "VLLM_CPU_OMP_THREADS_BIND": "0-95",
                    "LD_PRELOAD": "/usr/lib/libtcmalloc_minimal.so.4",
                },
            ),
        ],
    ),
    # --- builds
    "native-missing": ([built(error="the native library could not be loaded")], [WELL, spoilt(build=None)]),
    "native-other-compiler": ([built(compiler="gcc 12.2.0")], [WELL, built(compiler=None)]),
    "native-not-built": (
        [built(not_built={"matmul/sve2-3": "the compiler refuses +sve2"})],
        [WELL, built(not_built={"matmul/sme": "the compiler refuses +sme"}), spoilt(build=None)],
    ),
    "lse-missing": (
        [built(atomics={"libc-2.27.so": Atomics(12, 0)})],
        [
            WELL,
            built(atomics={"libx.so": Atomics(0, 0)}),
            spoilt(without("atomics"), build=Build(atomics={"l": Atomics(1, 0)})),
        ],
    ),
    "python-32-bit": ([spoilt(arch="armv8l", build=None), built(python_bits=32)], [WELL, spoilt(build=None)]),
    "pip-old": (
        [built(pip="18.1")],
        [WELL, built(pip="19.3"), built(pip=None), spoilt(X86, build=Build(pip="18.1"))],
    ),
    "cpuinfo-disagrees": (
        [
            spoilt(other_opinion=OtherOpinion("X86_64", None)),
            spoilt(X86, other_opinion=OtherOpinion("X86_64", "AMD EPYC 9R14")),
        ],
        [
            WELL,
            spoilt(other_opinion=OtherOpinion("ARM_8", "ARM Cortex")),
            spoilt(X86, other_opinion=OtherOpinion("X86_64", "Intel(R) Xeon(R) 6975P-C")),
            spoilt(other_opinion=OtherOpinion(None, None)),
        ],
    ),
}
