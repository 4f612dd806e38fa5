"""The package of the values: every public name is there, and loads its own module alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module

import pytest

from armbench.bench import model
from tests.conftest import REPO

FOLDER = REPO / "bench" / "model"
NAMES = {module: names.split() for module, names in model.MODULES.items()}


def test_every_name_is_that_of_its_module() -> None:
    for module, names in NAMES.items():
        for name in names:
            assert getattr(model, name) is getattr(import_module(f"armbench.bench.model.{module}"), name)


def test_nothing_else_is_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Machines'"):
        model.Machines  # noqa: B018
    with pytest.raises(ImportError):
        exec("from armbench.bench.model import Machines")


def test_type_checkers_are_told_the_same() -> None:
    told = {
        node.module.rpartition(".")[2]: [alias.name for alias in node.names]
        for node in ast.walk(ast.parse((FOLDER / "__init__.py").read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(model.__name__)
    }
    assert told == NAMES


@pytest.mark.parametrize("path", sorted(FOLDER.glob("[a-z]*.py")), ids=lambda p: p.stem)
def test_what_is_defined_is_public(path: object) -> None:
    module = import_module(f"armbench.bench.model.{getattr(path, 'stem', '')}")
    defined = {
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__
        and isinstance(getattr(value, "__name__", None), str)
    }
    assert defined <= set(NAMES[module.__name__.rpartition(".")[2]])


def test_a_name_loads_no_other_module() -> None:
    code = "import sys; from armbench.bench.model import Machine; print('armbench.bench.model.work' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"
