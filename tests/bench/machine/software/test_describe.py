"""The software block of a result file."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version

import pytest

from armbench.bench import native
from armbench.bench.machine import software


def test_what_is_described() -> None:
    found = software.describe({"pytest": "plain", "no-such-thing": None}, {})
    assert list(found) == ["python", "libc", "native", "libraries", "environment"]
    assert platform.python_version() in found["python"]
    assert found["libc"]
    build_hash, compiler = native.build()
    assert found["native"] == {"build_hash": build_hash, "compiler": compiler}
    assert found["libraries"] == [
        {"name": "no-such-thing", "version": None, "detail": None},
        {"name": "numpy", "version": version("numpy"), "detail": None},
        {"name": "pytest", "version": version("pytest"), "detail": "plain"},
    ]
    assert json.loads(json.dumps(found)) == found
    names = [library["name"] for library in software.describe(["pytest"], {})["libraries"]]
    assert names == ["numpy", "pytest"]


@pytest.mark.parametrize(
    "name",
    [
        *("OMP_NUM_THREADS", "OPENBLAS_CORETYPE", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "DNNL_VERBOSE"),
        *(
            "ONEDNN_DEFAULT_FPMATH_MODE",
            "KMP_AFFINITY",
            "GOMP_CPU_AFFINITY",
            "LD_PRELOAD",
            "MALLOC_ARENA_MAX",
        ),
        *(
            "NPY_DISABLE_CPU_FEATURES",
            "TORCH_MKLDNN_MATMUL_MIN_DIM",
            "LRU_CACHE_CAPACITY",
            "THP_MEM_ALLOC_ENABLE",
        ),
        *("RAYON_NUM_THREADS", "TOKENIZERS_PARALLELISM", "GLIBC_TUNABLES"),
    ],
)
def test_variables_that_matter_are_kept(name: str) -> None:
    assert software.describe({}, {name: "1"})["environment"] == {name: "1"}


@pytest.mark.parametrize(
    "name", ["HOME", "AWS_SECRET_ACCESS_KEY", "XOMP_NUM_THREADS", "LD_PRELOAD_X", "PATH", "OMP"]
)
def test_others_are_not(name: str) -> None:
    assert software.describe({}, {name: "1"})["environment"] == {}


def test_bytes_that_are_no_text_can_be_written() -> None:
    found = software.describe({}, {"OMP_PLACES": os.fsdecode(b"\xffx")})["environment"]
    assert found["OMP_PLACES"].encode() == "\ufffdx".encode()


def test_the_environment_is_this_process_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert software.describe({})["environment"]["OMP_NUM_THREADS"] == "3"


def test_without_the_native_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise native.NativeError("not built")

    monkeypatch.setattr(native, "library", missing)
    assert software.describe({}, {})["native"] == {"build_hash": None, "compiler": None}


def test_libraries_are_not_imported() -> None:
    code = (
        "import sys\nfrom armbench.bench.machine import software\n"
        "found = software.describe({'hypothesis': None})['libraries'][0]\n"
        "assert found['version'], found\nprint('hypothesis' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
