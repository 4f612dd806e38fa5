"""A folder of result files is one side of several sessions."""

from __future__ import annotations

from pathlib import Path

from armbench.bench import results
from tests.bench.sessions import result, session
from tests.conftest import Armbench


def write(folder: Path, seconds: float, count: int, seed: int) -> None:
    folder.mkdir()
    for number in range(count):
        made = session([result(seconds, seed=seed + number)], name=f"{folder.name}-{number}")
        results.write(made, folder / f"{number}.json")


def test_the_sessions_of_a_folder_are_pooled(armbench: Armbench, tmp_path: Path) -> None:
    write(tmp_path / "old", 10e-3, 3, 0)
    write(tmp_path / "new", 10.5e-3, 4, 10)
    done = armbench("compare", "old", "new", "--gate")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "3 sessions" in done.stdout
    assert "4 sessions" in done.stdout
    assert "verdict=slower compared=1/1" in done.stdout
    assert "a prior stands" not in done.stdout, "three sessions tell their own noise"
    assert armbench("compare", "old/0.json", "new").returncode == 0


def test_folders_that_are_no_side_get_one_line(armbench: Armbench, tmp_path: Path) -> None:
    write(tmp_path / "old", 10e-3, 2, 0)
    (tmp_path / "empty").mkdir()
    for words, said in (
        (("old",), "old: a folder is one side; give a second file or folder"),
        (("old", "empty"), "empty: no .json file in this folder"),
    ):
        done = armbench("compare", *words)
        assert (done.returncode, done.stderr) == (2, f"armbench: {said}\n")
