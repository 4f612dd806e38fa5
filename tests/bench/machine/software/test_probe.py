"""Libraries that are asked in a child: what they answer, and what becomes of those that cannot."""

from __future__ import annotations

import os
import time
from importlib.metadata import version
from pathlib import Path

import pytest

from armbench.bench.machine.software import CrossCheck, Installed, Pool, Probe, installed
from armbench.bench.machine.software.installed import release


def ask(*names: str, seconds: float = 60.0) -> dict[str, Installed]:
    return {found.name: found for found in Probe(names, seconds).finish()}


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder before all others on the path of this process and of children; fake packages go there."""
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    )
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def install(folder: Path, name: str, code: str, release: str = "9.9") -> None:
    (folder / f"{name}.py").write_text(code)
    info = folder / f"{name}-{release}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {release}\n")


TORCH = """
from types import SimpleNamespace as S
print("noise on stdout")
class __config__:
    def show():
        return ("PyTorch built with:\\n  - GCC 11.4\\n  - Intel(R) MKL-DNN v3.7.1 (Git Hash 8d263e6)\\n"
                "  - Build settings: BLAS_INFO=open, BUILD_TYPE=Release\\n")
backends = S(
    mkldnn=S(is_acl_available=lambda: True),
    cpu=S(get_cpu_capability=lambda: "SVE256"),
)
cpu = S(get_capabilities=lambda: {"bf16": True, "sve_max_length": 256, "odd": object})
get_num_threads = lambda: 7
get_float32_matmul_precision = lambda: "highest"
"""


def test_numpy_says_which_blas_it_has() -> None:
    found = ask("numpy")["numpy"]
    assert found.version == version("numpy")
    assert found.problem is None
    assert isinstance(found.facts["simd"], list)
    blas = found.blas
    if blas:
        assert blas.threads >= 1
        assert found.detail
        assert blas.name in found.detail


def test_what_is_not_installed_has_no_version() -> None:
    assert ask("no-such-library") == {"no-such-library": Installed("no-such-library", None)}


def test_torch_is_asked_for_everything(fake: Path) -> None:
    install(fake, "torch", TORCH)
    found = ask("torch")["torch"]
    assert found.problem is None
    assert found.facts["capabilities"]["sve_max_length"] == 256
    assert (found.facts["acl"], found.facts["onednn"], found.facts["threads"]) == (True, "3.7.1", 7)
    assert found.detail == "SVE256, oneDNN 3.7.1 with ACL, BLAS open"


def test_an_older_torch_lacks_some_of_it(fake: Path) -> None:
    code = (
        TORCH.replace("is_acl_available", "x")
        .replace("get_capabilities", "y")
        .replace("MKL-DNN", "MKL")
        .replace("BLAS_INFO", "BLAS")
    )
    install(fake, "torch", code)
    found = ask("torch")["torch"]
    assert found.problem is None
    assert (found.facts["acl"], found.facts["capabilities"], found.facts["onednn"]) == (None, None, None)
    assert found.detail == "SVE256"


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "killed by SIGILL"),
        ("import sys; sys.stderr.write('no\\nbad luck\\n'); sys.stderr.flush(); import os; os._exit(3)", "exit 3: bad luck"),
        ("raise OSError('libgomp.so.1:\\n cannot open')", "OSError: libgomp.so.1: cannot open"),
        ("raise SystemExit", "SystemExit"),
        ("import time; time.sleep(600)", "did not answer in time"),
        ("import os; os.fork() or __import__('time').sleep(600); __import__('time').sleep(600)", "did not answer in time"),
    ],
)  # fmt: skip
def test_a_bad_import_is_an_answer(fake: Path, code: str, problem: str) -> None:
    install(fake, "onnxruntime", code)
    began = time.monotonic()
    found = ask("numpy", "onnxruntime", "torch", seconds=6.0)
    assert time.monotonic() - began < 60
    assert found["onnxruntime"].version == "9.9"
    assert found["onnxruntime"].problem == problem
    assert found["numpy"].problem is None, "what was asked before has answered"


def test_what_comes_after_a_crash_says_why_it_was_not_asked(fake: Path) -> None:
    install(fake, "torch", "import os; os.abort()")
    install(fake, "onnxruntime", "")
    found = ask("torch", "onnxruntime")
    assert found["torch"].problem
    assert found["torch"].problem.startswith("killed by SIGABRT")
    assert found["onnxruntime"].problem == "not asked, since torch ended the process"


def test_a_file_where_the_user_stands_is_not_numpy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("numpy", "json", "threadpoolctl"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('not me')")
    monkeypatch.chdir(tmp_path)
    assert ask("numpy")["numpy"].problem is None


def test_nothing_is_imported_here() -> None:
    probe = Probe(["numpy"])
    probe.stop()
    probe.stop()
    assert not probe.running


def test_openblas_by_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: Path) -> None:
    install(fake, "scipy", "raise RuntimeError('never imported')", "0.0.1")
    (fake / "scipy.libs").mkdir()
    (fake / "scipy.libs/libopenblas-r0.so").write_bytes(
        b"\0x OpenBLAS 0.3.21.dev  DYNAMIC_ARCH NO_AFFINITY \0"
    )
    (fake / "scipy-0.0.1.dist-info/RECORD").write_text("scipy.py,,\nscipy.libs/libopenblas-r0.so,,\n")
    installed.bundled_openblas.cache_clear()
    found = ask("scipy")["scipy"]
    installed.bundled_openblas.cache_clear()
    assert (found.version, found.openblas, found.problem) == ("0.0.1", "0.3.21.dev", None)
    assert found.detail == "openblas 0.3.21.dev"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("2.13.0+cpu", (2, 13, 0)), ("0.3.31.188.0", (0, 3, 31, 188, 0)), ("6.8.0-1021-aws", (6, 8, 0)),
     ("", ()), (None, ()), ("unknown", ()), ("1.", (1,))],
)  # fmt: skip
def test_releases(text: str | None, numbers: tuple[int, ...]) -> None:
    assert release(text) == numbers


def test_details() -> None:
    blas = Pool("blas", "openblas", "0.3.33", "neoversev2", "pthreads", 4, "/x")
    assert Installed("numpy", "2", pools=(blas,)).detail == "openblas 0.3.33 neoversev2"
    assert Installed("numpy", "2").detail is None
    assert Installed("torch", "2", pools=(blas,), facts={"detail": ["SVE128"]}).detail == (
        "openblas 0.3.33 neoversev2, SVE128"
    )


def test_another_opinion() -> None:
    found = CrossCheck().finish()
    assert found is None or found.arch is None or found.arch.isupper()


def test_another_opinion_that_does_not_come(fake: Path) -> None:
    (fake / "cpuinfo.py").write_text("raise SystemExit(1)")
    assert CrossCheck().finish() is None
