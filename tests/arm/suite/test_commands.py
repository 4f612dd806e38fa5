"""The commands on emulated Arm CPUs: right about the machine, and no verdict from times that mean nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from armbench.bench.facts import ISA, missing_features
from tests.arm import lab
from tests.arm.suite.root import Python
from tests.conftest import Armbench

CASES = ("matmul/scalar/f32-n128", "matmul/neon/f32-n128")
NOT_COMPARABLE = 4
PROFILES = [p for p in lab.profiles() if p.name in ("graviton2", "a64fx", "no-sve")]


def told(python: Python, folder: Path, *words: object, cpu: str = "neoverse-n1") -> Any:
    done = python.run("-m", "armbench.bench", *words, "--json", cwd=folder, cpu=cpu)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_children_are_emulated_too(python: Python, tmp_path: Path) -> None:
    ask = "import platform; print(platform.machine())"
    code = (
        f"import subprocess, sys; {ask}; sys.exit(subprocess.run([sys.executable, '-c', {ask!r}]).returncode)"
    )
    done = python.run("-uc", code, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "aarch64\naarch64\n"), done.stderr


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.name)
def test_machine_and_what_it_can_run(profile: lab.Profile, python: Python, tmp_path: Path) -> None:
    machine = told(python, tmp_path, "machine", cpu=profile.cpu)
    assert (machine["arch"], machine["emulated"]) == ("aarch64", True)
    assert set(profile.has) <= set(machine["features"])
    assert set(profile.lacks).isdisjoint(machine["features"])
    if profile.sve_bits:
        assert machine["sve_bits"] == profile.sve_bits
    for kernel in told(python, tmp_path, "list", cpu=profile.cpu)["kernels"]:
        native = {v["isa"]: v["why_not"] for v in kernel["variants"] if v["isa"]}
        assert native
        for stem, why_not in native.items():
            runs = ISA[stem]["arch"] in (None, "aarch64") and not missing_features(stem, machine["features"])
            assert (why_not is None) == runs, f"{kernel['name']}/{stem}: {why_not}"


@pytest.fixture(scope="module")
def results(python: Python, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two result files of one emulated machine."""
    folder = tmp_path_factory.mktemp("results")
    for name in ("a.json", "b.json"):
        words = ("run", *CASES, "--cpus", "1", "--rounds", "2", "--limit", "300", "-o", name)
        done = python.run("-m", "armbench.bench", *words, cwd=folder, cpu="neoverse-n1")
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "a.json", folder / "b.json"


def test_a_result_is_valid_and_marked(results: tuple[Path, Path], python: Python, tmp_path: Path) -> None:
    done = python.run("-m", "armbench.bench", "validate", *results, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for path in results:
        document = json.loads(path.read_text())
        assert document["machine"]["emulated"] is True
        assert "Neoverse N1" in (core["name"] for core in document["machine"]["cores"])
        found = {f"{r['kernel']}/{r['variant']}/{r['case']}": r for r in document["results"]}
        assert set(found) == set(CASES)
        assert not document["failed"]
        for result in found.values():
            assert len(result["processes"]) == 2
            assert result["verified"]["max_error"] <= result["verified"]["tolerance"]


@pytest.mark.parametrize("words", [(), ("--gate",)])
def test_no_verdict_on_emulated_times(
    words: tuple[str, ...], results: tuple[Path, Path], python: Python, tmp_path: Path
) -> None:
    done = python.run("-m", "armbench.bench", "compare", *results, *words, cwd=tmp_path)
    assert done.returncode == NOT_COMPARABLE, done.stdout + done.stderr
    assert "ran under an emulator, whose times say nothing about a CPU" in " ".join(done.stdout.split())


def test_this_host_refuses_them_too(results: tuple[Path, Path], armbench: Armbench) -> None:
    assert armbench("validate", *results).returncode == 0
    assert armbench("compare", *results).returncode == NOT_COMPARABLE
