"""What the README tells people to write works as written."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from armbench.bench.arguments import VERBS
from tests.conftest import REPO, clean_environment

BLOCK = re.compile(r"```(?:python|c)\n(?:# |/\* )(kernels/\S+)(?: \*/)?\n(.*?)```", re.DOTALL)
KEPT = ("bench", "kernels", "results", "pyproject.toml", "CMakeLists.txt", "README.md", "LICENSE")


def examples() -> dict[str, str]:
    """{file: content} of the README's blocks that start with a comment naming a file."""
    return dict(BLOCK.findall((REPO / "README.md").read_text()))


@pytest.fixture(scope="module")
def copy_with_examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with this checkout and the README's files built into it."""
    home = tmp_path_factory.mktemp("readme")
    source = home / "armbench"
    source.mkdir()
    for name in KEPT:
        path = REPO / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source / name)
    for name, content in examples().items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(content)
    venv.create(home / "venv", with_pip=False)
    _share_packages(home / "venv")
    _install(home / "venv", source)
    return home / "venv"


def _share_packages(folder: Path) -> None:
    """Dependencies of the running environment, without its own (editable) armbench."""
    (site,) = folder.glob("lib/python*/site-packages")
    paths = [path for path in sys.path if path.endswith("site-packages")]
    (site / "shared.pth").write_text("\n".join([*paths, sysconfig.get_path("purelib")]))


def _install(folder: Path, source: Path) -> None:
    environment = clean_environment(PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", folder / "bin/python", "install", "-q",
         "--no-build-isolation", "--no-deps", "--force-reinstall", source],
        check=True, env=environment, capture_output=True,
    )  # fmt: skip


def test_the_readme_shows_a_kernel_and_two_variants() -> None:
    assert {Path(name).name for name in examples()} == {"__init__.py", "scalar.c", "numpy.py"}


def test_the_kernel_of_the_readme_runs(copy_with_examples: Path, tmp_path: Path) -> None:
    def armbench(*words: str) -> subprocess.CompletedProcess[str]:
        command = [str(copy_with_examples / "bin/python"), "-m", "armbench.bench", *words]
        return subprocess.run(command, cwd=tmp_path, env=clean_environment(), capture_output=True, text=True)

    listed = json.loads(armbench("list", "--json").stdout)
    (kernel,) = (k for k in listed["kernels"] if k["name"] == "saxpy")
    assert {v["name"]: v["why_not"] for v in kernel["variants"]} == {"scalar": None, "numpy": None}
    done = armbench("run", "saxpy", "--rounds", "2", "--cpus", "1", "-o", "out.json")
    assert done.returncode == 0, done.stderr
    assert {r["variant"] for r in json.loads((tmp_path / "out.json").read_text())["results"]} == {
        "scalar",
        "numpy",
    }


def test_installed_as_a_wheel_it_is_complete(copy_with_examples: Path, tmp_path: Path) -> None:
    """The library, the schema and the tables are found without the checkout."""
    code = (
        "import armbench.bench.native as n, armbench.bench.results as r, armbench.bench.cli as c;"
        "n.library(); r.schema(); print(c.__file__)"
    )
    done = subprocess.run(
        [copy_with_examples / "bin/python", "-c", code],
        cwd=tmp_path, env=clean_environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert str(copy_with_examples) in done.stdout


def test_commands_of_the_readme_exist() -> None:
    text = (REPO / "README.md").read_text()
    targets = set(re.findall(r"^([a-z-]+):", (REPO / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z-]+)(?=[` ])", text)) - {"sure"} <= targets
    assert set(re.findall(r"`armbench ([a-z]+)", text)) <= set(VERBS)
