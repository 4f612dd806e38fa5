"""`armbench doctor` as a user types it: roots with one thing wrong, this host, bad input."""

from __future__ import annotations

import io
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

import pytest

from armbench.bench import cli
from armbench.bench.doctor import RULES, findings, from_files
from tests.bench.doctor.roots import SPOILT, Spoilt
from tests.conftest import Armbench
from tests.machines.fake_root import build, specs

FEW_CPUS = 20  # every CPU has some thirty files


def _plain(spec: dict[str, Any]) -> bool:
    """Whether a spec says what a machine is, and nothing of how it is set up."""
    return spec["cpus"] <= FEW_CPUS and not spec.get("files")


def doctor(*words: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = cli.run(["doctor", *map(str, words)], out, err)
    return code, out.getvalue(), err.getvalue()


def codes(root: Path) -> set[str]:
    return {found.code for found in findings(RULES, from_files(root))}


@pytest.mark.parametrize("spoilt", SPOILT, ids=lambda spoilt: spoilt.code)
def test_a_root_with_the_problem_and_one_without(spoilt: Spoilt, tmp_path: Path) -> None:
    before = codes(spoilt.build_sound(tmp_path / "sound"))
    root = spoilt.build(tmp_path / "spoilt")
    assert spoilt.code not in before
    assert spoilt.code in codes(root)
    code, out, err = doctor("--root", root)
    assert (code, err) == (spoilt.exit_code, "")
    assert spoilt.code in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("name", sorted(name for name, spec in specs().items() if _plain(spec)))
def test_real_machines_have_nothing_wrong_but_what_they_are(name: str, tmp_path: Path) -> None:
    evidence = from_files(build(specs()[name], tmp_path))
    serious = {found.code for found in findings(RULES, evidence) if found.severity != "note"}
    assert serious <= {"emulated", "kernel-too-old"}
    assert ("emulated" in serious) == evidence.machine.emulated


def test_json_of_a_root(tmp_path: Path) -> None:
    root = Spoilt("thp-never", files={"sys/kernel/mm/transparent_hugepage/enabled": "[never]"}).build(
        tmp_path
    )
    code, out, _ = doctor("--root", root, "--json")
    document = json.loads(out)
    assert code == 0
    assert document["machine"]["instance"] == "m8g.metal-24xl"
    assert document["software"] is None
    (finding,) = (found for found in document["findings"] if found["code"] == "thp-never")
    assert set(finding) == {"code", "text", "remedy", "severity", "source"}
    assert finding["severity"] == "slow"


def test_below_a_root_nothing_else_is_opened(tmp_path: Path) -> None:
    root = SPOILT[0].build_sound(tmp_path / "root")
    from_files(root)  # what Python itself loads has been loaded then
    opened: list[str] = []
    watching = True

    def watch(event: str, arguments: Any) -> None:
        if watching and event in (
            "open",
            "os.listdir",
            "subprocess.Popen",
            "socket.connect",
            "ctypes.dlopen",
        ):
            opened.append(str(arguments[0]))

    sys.addaudithook(watch)  # cannot be removed, so it is switched off
    try:
        from_files(root)
    finally:
        watching = False
    assert opened
    assert [path for path in opened if not path.startswith(str(root))] == []


def test_an_empty_root(tmp_path: Path) -> None:
    code, out, err = doctor("--root", tmp_path)
    assert (code, err) == (0, "")
    assert "Nothing makes numbers wrong" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--root", "/no/such/folder"], "armbench: --root /no/such/folder: no such folder\n"),
        (["--jsn"], "armbench: unknown option --jsn; did you mean --json?\n"),
        (["extra"], "armbench: unexpected argument extra; see armbench doctor --help\n"),
    ],
)
def test_mistakes_are_one_line(words: list[str], message: str) -> None:
    assert doctor(*words) == (2, "", message)


def test_this_host(armbench: Armbench) -> None:
    done = armbench("doctor", "--no-imds", "--json")
    document = json.loads(done.stdout)
    found = {finding["code"]: finding for finding in document["findings"]}
    wrong = [f for f in found.values() if f["severity"] == "wrong numbers"]
    assert done.returncode == (7 if wrong else 0), done.stderr
    assert set(found) <= {rule.code for rule in RULES}
    (numpy,) = (library for library in document["software"]["libraries"] if library["name"] == "numpy")
    assert numpy["problem"] is None
    assert numpy["facts"]["simd"]
    assert document["machine"]["clock_source"] == "dependent adds"
    assert document["software"]["python"].startswith(platform.python_implementation())
    assert set(document["software"]) == {"python", "libc", "native", "libraries", "environment"}


def test_variables_of_this_host(armbench: Armbench) -> None:
    variables = {"OMP_NUM_THREADS": "100000", "OPENBLAS_CORETYPE": ""}
    done = armbench("doctor", "--no-imds", env=variables)
    assert "too-many-threads" in done.stdout
    assert "OMP_NUM_THREADS=100000" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_library_that_crashes_is_a_finding(armbench: Armbench, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "torch.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    (site / "torch-2.99.dist-info").mkdir()
    (site / "torch-2.99.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.99\n")
    done = armbench("doctor", "--no-imds", "--json", env={"PYTHONPATH": os.fspath(site)})
    assert done.returncode in (0, 7), done.stderr
    texts = {finding["code"]: finding["text"] for finding in json.loads(done.stdout)["findings"]}
    assert texts["library-broken"] == "Importing fails: torch 2.99 (killed by SIGSEGV)"


def test_a_run_keeps_its_findings(armbench: Armbench, tmp_path: Path) -> None:
    words = ("run", "matmul/numpy/f32-n128", "--cpus", "1", "--rounds", "1", "-o", "out.json")
    done = armbench(*words, env={"OMP_NUM_THREADS": "100000", "PYTHONMALLOC": "malloc_debug"})
    assert done.returncode == 0, done.stderr
    assert "too-many-threads" in done.stderr
    document = json.loads((tmp_path / "out.json").read_text())
    kept = {finding["code"]: finding for finding in document["findings"]}
    assert kept["too-many-threads"]["severity"] == "slow"
    assert kept["debug-allocator"]["source"].startswith("https://")
    assert armbench("validate", "out.json").returncode == 0
    shown = armbench("show", "out.json").stdout
    assert "too-many-threads: OMP_NUM_THREADS=100000" in " ".join(shown.split())
    (numpy,) = document["software"]["libraries"]
    assert numpy["version"]
