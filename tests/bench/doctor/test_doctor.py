"""`armbench doctor` as a user types it: roots with one thing wrong, this host, bad input."""

from __future__ import annotations

import io
import json
import os
import platform
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from armbench.bench import cli, results
from armbench.bench.doctor import RULES, findings, from_files
from armbench.bench.model import Settings
from armbench.bench.report.progress import TerminalProgress
from armbench.bench.run import runner, session
from armbench.bench.run.plan import PROFILES
from armbench.bench.run.request import Request
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


FUZZED = (  # what doctor reads beside what machine detection reads
    *(
        "proc/loadavg",
        "proc/meminfo",
        "proc/stat",
        "proc/cmdline",
        "proc/self/limits",
        "boot/config-6.1",
        "proc/version",
    ),
    *("proc/sys/kernel/osrelease", "proc/sys/kernel/perf_event_paranoid", "sys/devices/system/cpu/isolated"),
    *("proc/sys/kernel/numa_balancing", "sys/kernel/mm/ksm/run", "sys/class/net/eth0/queues/rx-0/rps_cpus"),
)
WORDS = (
    "cpu",
    "MemTotal:",
    "SwapFree:",
    "Max processes",
    "CONFIG_KASAN=y",
    "6.1",
    "-1",
    "1" * 30,
    " ",
    "\n",
    "kB",
)
TEXTS = st.lists(st.sampled_from(WORDS), max_size=12).map(lambda words: " ".join(words).encode())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(FUZZED), TEXTS | st.binary(max_size=60), max_size=4))
def test_any_files_have_an_answer(tmp_path: Path, files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
        for name, content in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        code, out, err = doctor("--root", folder)
    assert code in (0, 7)
    assert (bool(out), err) == (True, "")


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
    first, *others = texts["library-broken"].split("; ")
    assert first == "Importing fails: torch 2.99 (killed by SIGSEGV)"
    assert all(other.endswith("(not asked, since torch ended the process)") for other in others)


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


def test_what_a_run_finds_while_it_measures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds that were stolen from make a finding of the finished file."""
    monkeypatch.setattr(runner, "_round_flags", lambda *_: iter(["steal"]))
    request = Request(
        select=("matmul/numpy/f32-n128",),
        settings=Settings(),
        profile=replace(PROFILES["quick"], rounds=1),
        cpus="1",
        mode="throughput",
        trial_seconds=60.0,
        seed=1,
    )
    prepared = session.prepare(request, tmp_path / "out.json")
    assert "steal-in-run" not in {finding.code for finding in prepared.findings}
    with TerminalProgress(Console(file=io.StringIO())) as progress:
        outcome = session.measure(prepared, progress)
    (found,) = (finding for finding in outcome.session.findings if finding.code == "steal-in-run")
    assert found.text == "In 1 of 1 round the hypervisor gave time to others"
    assert results.read(outcome.path).findings == outcome.session.findings
