"""Settings of torch, ONNX Runtime and others that decide which kernels they run on Arm."""

from __future__ import annotations

from armbench.bench.doctor.evidence import Evidence
from armbench.bench.doctor.rule import AWS, NOTE, SLOW, Rule

_FAST_MATH = ("DNNL_DEFAULT_FPMATH_MODE", "ONEDNN_DEFAULT_FPMATH_MODE")
_BF16_MODES = {"BF16", "ANY"}
_ORT_FAST_MATH = (1, 17)
_TF_ONEDNN_DEFAULT = (2, 14)
_OLDEST_NUMPY, _OLDEST_SCIPY = (1, 21, 1), (1, 7, 2)
_UNKNOWN_TO_CPUINFO = {"0x41/0xd84", "0x41/0xd8e"}  # src/arm/uarch.c of pytorch/cpuinfo @d610881 ends at V2


def _fast_math(e: Evidence) -> str | None:
    """NAME=VALUE that lets oneDNN compute f32 products in bf16."""
    pairs = ((name, e.environment.get(name, "")) for name in _FAST_MATH)
    return next((f"{name}={value}" for name, value in pairs if value.upper() in _BF16_MODES), None)


def _has_bf16(e: Evidence) -> bool:
    return e.has("bf16") or e.has("avx512_bf16") or e.has("amx_bf16")


def _fast_math_off(e: Evidence) -> str | None:
    torch = e.library("torch")
    if not (e.arm and torch and e.has("bf16")) or _fast_math(e):
        return None
    return f"torch {torch.version} multiplies f32 in f32, though this CPU has bf16 (four times as fast)"


def _fast_math_on(e: Evidence) -> str | None:
    setting = _fast_math(e)
    if not setting or not e.library("torch") or not _has_bf16(e):
        return None
    return (
        f"{setting}: f32 products of torch keep 8 bits of precision, so they are not those of other variants"
    )


def _fast_math_vain(e: Evidence) -> str | None:
    setting = _fast_math(e)
    return f"{setting} on a CPU without bf16" if setting and not _has_bf16(e) and e.machine.features else None


def _ort_old(e: Evidence) -> str | None:
    found = e.library("onnxruntime")
    if not (e.arm and found and e.has("bf16") and found.release) or found.release >= _ORT_FAST_MATH:
        return None
    return f"onnxruntime {found.version} has no bf16 products on Arm; 1.17 and newer have"


def _ort_fast_math(e: Evidence) -> str | None:
    found = e.library("onnxruntime")
    if not (e.arm and found and e.has("bf16")) or found.release < _ORT_FAST_MATH:
        return None
    return f"onnxruntime {found.version} multiplies f32 in bf16 only where a session asks for it"


def _primitive_cache(e: Evidence) -> str | None:
    if not (e.arm and e.library("torch")) or e.environment.get("LRU_CACHE_CAPACITY"):
        return None
    return "LRU_CACHE_CAPACITY is not set: torch may make oneDNN's kernels anew for many shapes"


def _torch_huge_pages(e: Evidence) -> str | None:
    if not (e.arm and e.library("torch")) or e.environment.get("THP_MEM_ALLOC_ENABLE") == "1":
        return None
    if e.machine.huge_pages in ("never", "always"):
        return None
    return "THP_MEM_ALLOC_ENABLE is not 1: torch's tensors lie on small pages"


def _torch_huge_pages_vain(e: Evidence) -> str | None:
    if e.environment.get("THP_MEM_ALLOC_ENABLE") != "1" or e.machine.huge_pages != "never":
        return None
    return "THP_MEM_ALLOC_ENABLE=1, while transparent huge pages are off"


def _torch_generic(e: Evidence) -> str | None:
    torch = e.library("torch")
    capability = torch.facts.get("capability") if torch else None
    better = "SVE256" if e.machine.sve_bits == 256 else "AVX2" if e.has("avx2", "fma") else None
    if torch is None or capability not in ("DEFAULT", "NO AVX") or not better:
        return None
    return f"torch {torch.version} runs its {capability} kernels, where this CPU could run {better}"


def _torch_without_acl(e: Evidence) -> str | None:
    torch = e.library("torch")
    if not e.arm or torch is None or torch.facts.get("acl") is not False:
        return None
    return f"torch {torch.version} was built without the Arm Compute Library: oneDNN's products are slow"


def _torch_unknown_core(e: Evidence) -> str | None:
    torch = e.library("torch")
    if not torch or not e.core_keys & _UNKNOWN_TO_CPUINFO:
        return None
    core = e.machine.cores[0].name
    return f"torch {torch.version} may not know {core} (its quantised kernels ask pytorch/cpuinfo)"


def _small_matmuls(e: Evidence) -> str | None:
    if not (e.arm and e.library("torch")) or e.environment.get("TORCH_MKLDNN_MATMUL_MIN_DIM"):
        return None
    return "torch gives small matrices to oneDNN too, though OpenBLAS is often faster with them"


def _tensorflow(e: Evidence) -> str | None:
    found = e.library("tensorflow")
    if not (e.arm and found and found.release) or found.release >= _TF_ONEDNN_DEFAULT:
        return None
    if e.environment.get("TF_ENABLE_ONEDNN_OPTS") == "1":
        return None
    return f"tensorflow {found.version} does not use oneDNN unless asked to"


def _llama(e: Evidence) -> str | None:
    found, cpus = e.library("llama_cpp_python"), e.machine.budget.cpus
    if not found or e.machine.threads_per_core not in (None, 1) or cpus < 2:
        return None
    return f"llama-cpp-python {found.version} uses half of {cpus} CPUs by default"


def _vllm(e: Evidence) -> str | None:
    wanted = ("VLLM_CPU_KVCACHE_SPACE", "VLLM_CPU_OMP_THREADS_BIND")
    missing = [name for name in wanted if not e.environment.get(name)]
    missing += [] if "tcmalloc" in e.environment.get("LD_PRELOAD", "") else ["tcmalloc in LD_PRELOAD"]
    return f"vllm runs without {', '.join(missing)}" if e.arm and e.library("vllm") and missing else None


def _old_numpy(e: Evidence) -> str | None:
    for name, oldest in (("numpy", _OLDEST_NUMPY), ("scipy", _OLDEST_SCIPY)):
        found = e.library(name)
        if e.arm and found and found.release and found.release < oldest:
            first = ".".join(map(str, oldest))
            return f"{name} {found.version} is older than {first}, the first that is fast on Arm"
    return None


def _broken(e: Evidence) -> str | None:
    broken = [
        f"{found.name} {found.version} ({found.problem})" for found in e.libraries.values() if found.problem
    ]
    return f"Importing fails: {'; '.join(broken)}" if broken else None


RULES = (
    Rule(
        "library-broken", SLOW, "importing a library fails, crashes or takes over half a minute",
        "try it: python -c 'import NAME'; then reinstall it",
        "https://packaging.python.org/en/latest/tutorials/installing-packages/", _broken,
    ),
    Rule(
        "bf16-fast-math-off", SLOW, "torch on a CPU with bf16, without bf16 fast math",
        "export DNNL_DEFAULT_FPMATH_MODE=BF16, where 8 bits of precision are enough",
        f"{AWS}/machinelearning/pytorch.md", _fast_math_off,
    ),
    Rule(
        "bf16-fast-math-vain", SLOW, "bf16 fast math is asked for on a CPU without bf16",
        "unset DNNL_DEFAULT_FPMATH_MODE ONEDNN_DEFAULT_FPMATH_MODE",
        f"{AWS}/machinelearning/pytorch.md", _fast_math_vain,
    ),
    Rule(
        "onnxruntime-old", SLOW, "ONNX Runtime before 1.17 on an Arm CPU with bf16",
        "pip install --upgrade onnxruntime",
        f"{AWS}/machinelearning/onnx.md", _ort_old,
    ),
    Rule(
        "torch-huge-pages", SLOW, "torch on Arm, huge pages only on request, and torch does not request them",
        "export THP_MEM_ALLOC_ENABLE=1",
        f"{AWS}/machinelearning/pytorch.md", _torch_huge_pages,
    ),
    Rule(
        "torch-huge-pages-vain", SLOW, "THP_MEM_ALLOC_ENABLE=1 while transparent huge pages are off",
        "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
        f"{AWS}/machinelearning/pytorch.md", _torch_huge_pages_vain,
    ),
    Rule(
        "torch-generic-kernels", SLOW, "torch runs its portable kernels on a CPU with 256-bit SVE or AVX2",
        "unset ATEN_CPU_CAPABILITY; else pip install --upgrade torch",
        "https://docs.pytorch.org/docs/stable/backends.html#torch-backends-cpu", _torch_generic,
    ),
    Rule(
        "torch-without-acl", SLOW, "torch on Arm without the Arm Compute Library",
        "pip install --force-reinstall torch (the wheels for aarch64 have it)",
        f"{AWS}/machinelearning/pytorch.md", _torch_without_acl,
    ),
    Rule(
        "tensorflow-onednn-off", SLOW, "TensorFlow before 2.14 on Arm without TF_ENABLE_ONEDNN_OPTS=1",
        "export TF_ENABLE_ONEDNN_OPTS=1",
        f"{AWS}/machinelearning/tensorflow.md", _tensorflow,
    ),
    Rule(
        "numpy-old", SLOW, "numpy before 1.21.1 or scipy before 1.7.2 on Arm",
        "pip install --upgrade numpy scipy",
        f"{AWS}/python.md", _old_numpy,
    ),
    Rule(
        "bf16-fast-math-on", NOTE, "bf16 fast math is on: torch's f32 products are bf16 ones",
        "unset DNNL_DEFAULT_FPMATH_MODE ONEDNN_DEFAULT_FPMATH_MODE to measure f32 itself",
        "https://uxlfoundation.github.io/oneDNN/dev_guide_attributes_fpmath_mode.html", _fast_math_on,
    ),
    Rule(
        "onnxruntime-fast-math", NOTE, "ONNX Runtime on an Arm CPU with bf16",
        "session option mlas.enable_gemm_fastmath_arm64_bfloat16 = 1, where 8 bits are enough",
        f"{AWS}/machinelearning/onnx.md", _ort_fast_math,
    ),
    Rule(
        "torch-primitive-cache", NOTE, "torch on Arm without LRU_CACHE_CAPACITY",
        "export LRU_CACHE_CAPACITY=1024",
        f"{AWS}/machinelearning/pytorch.md", _primitive_cache,
    ),
    Rule(
        "torch-small-matmuls", NOTE, "torch on Arm without TORCH_MKLDNN_MATMUL_MIN_DIM",
        "try export TORCH_MKLDNN_MATMUL_MIN_DIM=64 with your shapes",
        f"{AWS}/machinelearning/pytorch.md", _small_matmuls,
    ),
    Rule(
        "torch-unknown-core", NOTE, "torch on Neoverse V3 or N3, which pytorch/cpuinfo does not list",
        "compare with a newer torch when there is one",
        "https://github.com/pytorch/cpuinfo/blob/main/src/arm/uarch.c", _torch_unknown_core,
    ),
    Rule(
        "llama-half-the-threads", NOTE, "llama-cpp-python on cores without SMT",
        "pass n_threads, and build with -mcpu=native",
        f"{AWS}/machinelearning/llama.cpp.md", _llama,
    ),
    Rule(
        "vllm-settings", NOTE, "vLLM on Arm without its settings for the CPU",
        "export VLLM_CPU_KVCACHE_SPACE=… VLLM_CPU_OMP_THREADS_BIND=…, and preload tcmalloc",
        f"{AWS}/machinelearning/vllm.md", _vllm,
    ),
)  # fmt: skip
