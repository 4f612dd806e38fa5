"""The audit of skips: what ran in no run is named, what ran in one is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.audit import VARIABLE, audit
from tests.conftest import REPO

TESTS = """
import os, pytest
def test_runs(): pass
@pytest.mark.skipif(os.environ["RUN"] != "2", reason="the second run's")
def test_second(): pass
def test_never(): pytest.skip("nobody's")
"""


def test_runs_add_up(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "from tests.audit import pytest_collectreport, pytest_runtest_logreport, pytest_sessionfinish\n"
    )
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "test_module.py").write_text("import pytest\npytest.importorskip('no_such_module')\n")
    told = tmp_path / "audit"
    for number in "12":
        environment = {**os.environ, "PYTHONPATH": str(REPO), VARIABLE: str(told), "RUN": number}
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=."],
            cwd=tmp_path, env=environment, check=True, capture_output=True,
        )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "tests.audit", told], cwd=REPO, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout.splitlines()[:3] == [
        "2 tests ran, 2 ran nowhere",
        "  NOT excused: test_module.py: could not import 'no_such_module': No module named 'no_such_module'",
        "  NOT excused: test_some.py::test_never: nobody's",
    ]


def test_an_excuse_needs_its_pattern() -> None:
    found = audit([("a::x", "far"), ("a::y", "far"), ("a::z", None)], {"a::x": "too far"})
    assert (found.nowhere, found.excused) == ({"a::y": "far"}, {"a::x": "too far"})
    assert found.lines() == ["1 tests ran, 2 ran nowhere", "  1 excused: too far", "  NOT excused: a::y: far"]
