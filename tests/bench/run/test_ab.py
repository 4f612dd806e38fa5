"""`armbench ab` as a user types it, and the order in which its sides run."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from armbench.bench.run import sides
from armbench.bench.run.plan import Group
from armbench.bench.run.runner import in_order
from armbench.bench.run.sides import Setting, SettingError
from tests.conftest import REPO, Armbench

TRIAL = ("matmul/numpy/f32-n128", "--rounds", "6", "--seed", "1", "-o", "out.json")


def load(path: Path) -> Any:
    return json.loads(path.read_text())


# --- settings ------------------------------------------------------------------------------


def test_settings_of_a_side() -> None:
    setting = Setting.parse(["env:OPENBLAS_CORETYPE=Haswell", "env:EMPTY=", "cpus:0", "huge-pages:never"])
    assert setting.environment == {"OPENBLAS_CORETYPE": "Haswell", "EMPTY": "", sides.HUGE_PAGES: "never"}
    assert (setting.cpus, setting.variant) == ("0", None)
    assert setting.text == "env:OPENBLAS_CORETYPE=Haswell env:EMPTY= cpus:0 huge-pages:never"
    assert Setting.parse([]).text == "as it is"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fast"], "fast: no setting; write env:NAME=VALUE"),
        (["env:X"], "env:X: write env:NAME=VALUE"),
        (["env:1X=2"], "env:1X=2: write env:NAME=VALUE"),
        (["speed:high"], "speed:high: no setting"),
        (["huge-pages:always"], "write huge-pages:never"),
        (["variant:neon", "variant:sve"], "variant:sve: a side has one variant"),
        (["python:/usr/bin/python3", "checkout:."], "give python: or checkout:"),
    ],
)
def test_what_is_no_setting_gets_one_line(words: list[str], said: str) -> None:
    with pytest.raises(SettingError, match=r".") as raised:
        Setting.parse(words)
    assert said in str(raised.value)


def test_an_interpreter_without_the_suite_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"No such file or directory; install this suite there"):
        sides.installed(Setting.parse([f"python:{tmp_path}/python"]))
    with pytest.raises(SettingError, match="run make bench-quick in"):
        sides.installed(Setting.parse([f"checkout:{tmp_path}"]))


# --- order ---------------------------------------------------------------------------------


def test_a_coin_decides_which_side_of_a_round_is_first() -> None:
    groups = [Group(1, 1, side=side) for side in ("a", "b")]
    groups += [Group(2, 1, (0, 1), side=side) for side in ("a", "b")]
    first: Counter[str | None] = Counter()
    for seed in range(400):
        for pair in in_order(groups, random.Random(seed)):
            assert {group.side for group in pair} == {"a", "b"}
            assert pair[0].processes == pair[1].processes, "the sides of one environment follow each other"
            first[pair[0].side] += 1
    assert 340 < first["a"] < 460


def test_link_orders_have_the_same_parts_in_another_order(tmp_path: Path) -> None:
    objects = []
    for order in (0, 1, 2):
        folder = tmp_path / str(order)
        tools = str(Path(sys.executable).parent)
        subprocess.run(
            ["cmake", "-S", REPO, "-B", folder, "-G", "Ninja", f"-DARMBENCH_LINK_ORDER={order}"],
            check=True,
            capture_output=True,
            env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},
        )
        build = (folder / "build.ninja").read_text()
        line = next(line for line in build.splitlines() if line.startswith("build libarmbench.so:"))
        objects.append([word for word in line.split() if word.endswith(".o")])
    assert len({tuple(order) for order in objects}) == 3
    assert len({tuple(sorted(order)) for order in objects}) == 1


# --- whole runs ----------------------------------------------------------------------------


def test_both_sides_are_in_one_file_and_compared(armbench: Armbench, tmp_path: Path) -> None:
    done = armbench("ab", *TRIAL, "--b", "env:ARMBENCH_TEST=1")
    assert done.returncode == 0, done.stderr
    document = load(tmp_path / "out.json")
    assert document["session"]["sides"] == {"a": "as it is", "b": "env:ARMBENCH_TEST=1"}
    assert [r["side"] for r in document["results"]] == ["a", "b"]
    for result in document["results"]:
        assert [process["round"] for process in result["processes"]] == list(range(6))
    calls, _ = (result["calls"] for result in document["results"])
    assert document["results"][1]["calls"] == calls, "samples of both sides hold as many calls"
    assert "compared=1/1" in done.stdout.splitlines()[-1]
    assert armbench("validate", "out.json").returncode == 0
    again = armbench("compare", "out.json")
    assert again.stdout == done.stdout
    assert armbench("show", "out.json").stdout == done.stdout


def test_a_side_that_cannot_start_is_refused_before_anything_is_measured(
    armbench: Armbench, tmp_path: Path
) -> None:
    done = armbench("ab", *TRIAL, "--b", "env:ARMBENCH_LIBRARY=/nowhere")
    assert done.returncode == 2
    assert "/nowhere" in done.stderr
    assert not (tmp_path / "out.json").exists()


def test_json_and_gate(armbench: Armbench) -> None:
    done = armbench("ab", *TRIAL, "--same", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["comparisons"][0]["paired"] is True


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "both sides are the same; to measure the noise so, add --same"),
        (("--b", "variant:nosuch"), "variant nosuch is none of those selected"),
        (("--b", "checkout:/nowhere"), "run make bench-quick in /nowhere first"),
    ],
)
def test_bad_input_is_one_line(armbench: Armbench, words: tuple[str, ...], said: str) -> None:
    done = armbench("ab", *TRIAL, *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
