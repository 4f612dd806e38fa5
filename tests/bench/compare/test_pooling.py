"""Any number of files: sessions of one set-up are pooled, each counts once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from armbench.bench import results
from armbench.bench.compare import compare, pooled
from armbench.bench.errors import UserError
from armbench.bench.model import Session
from tests.bench.foreign.test_foreign import HERE as FOREIGN
from tests.bench.sessions import GRAVITON3, GRAVITON4, XEON, result, session
from tests.conftest import Armbench


def of(name: str, seconds: float = 10e-3, seed: int = 0, **changes: object) -> Session:
    return session([result(seconds, variant="numpy", seed=seed)], name=name, **changes)


def names(sides: list[list[Session]]) -> list[list[str]]:
    return [[str(one.session["id"]) for one in side] for side in sides]


def test_sessions_of_one_setup_are_pooled_in_order() -> None:
    sides = [
        [of("a")],
        [of("x", machine=XEON)],
        [of("b")],
        [of("y", machine=XEON)],
        [of("g", machine=GRAVITON3)],
    ]
    assert names(pooled(sides)) == [["a", "b"], ["x", "y"], ["g"]]


@pytest.mark.parametrize(
    ("change", "apart"),
    [
        ({"machine": replace(GRAVITON4, kernel="6.12")}, True),
        ({"machine": replace(GRAVITON4, clock_hz=2.7e9)}, True),
        ({"machine": replace(GRAVITON4, clock_hz=2.801e9)}, False),
        ({"facts": {"version": "0.2.0"}}, True),
        ({"facts": {"profile": "quick", "partial": True}}, False),
        ({"findings": ()}, False),
    ],
)
def test_what_sets_sessions_of_one_machine_apart(change: dict[str, object], apart: bool) -> None:
    assert (len(pooled([[of("a")], [of("b", **change)]])) == 2) == apart


@pytest.mark.parametrize("key", ["libraries", "environment", "native"])
def test_other_software_is_another_setup(key: str) -> None:
    other = {
        "libraries": [{"name": "numpy", "version": "2.4.6", "detail": "openblas neoversen1"}],
        "environment": {"OPENBLAS_CORETYPE": "NEOVERSEN1"},
        "native": {"build_hash": "ffff", "compiler": "clang 22"},
    }
    new = of("b")
    new = replace(new, software={**new.software, key: other[key]})
    assert len(pooled([[of("a")], [new]])) == 2


def test_a_session_given_twice_is_no_second_one() -> None:
    with pytest.raises(UserError, match="a: the same session as a"):
        compare([of("a"), of("a")], [of("b")])
    assert compare([of("a")], [of("a")]).rows[0].verdict == "same", "but it may be both sides"


def write(folder: Path, *sessions: Session) -> list[str]:
    for one in sessions:
        results.write(one, folder / f"{one.session['id']}.json")
    return [f"{one.session['id']}.json" for one in sessions]


def test_files_of_one_setup_make_one_side(armbench: Armbench, tmp_path: Path) -> None:
    old = write(tmp_path, *(of(f"old-{i}", seed=i) for i in range(3)))
    new = write(tmp_path, *(of(f"new-{i}", 10.3e-3, seed=10 + i) for i in range(3)))
    other = write(tmp_path, of("x", machine=XEON))
    done = armbench("compare", *old, "--vs", *new, *other, "--gate")
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.count("Z, 3 sessions") == 3, "BASE twice, and the pool of NEW"
    assert "verdict=slower compared=2/2 slower=1" in done.stdout
    done = armbench("compare", old[0], *new)
    assert "new-0.json, 2026-11-01T12:00:00Z, 3 sessions" in done.stdout
    done = armbench("compare", old[0], old[0], "--vs", *new)
    assert (done.returncode, done.stderr) == (2, "armbench: old-0.json: the same session as old-0.json\n")


def test_files_of_other_tools_are_not_pooled(armbench: Armbench) -> None:
    hyperfine = str(FOREIGN / "hyperfine.json")
    done = armbench("compare", hyperfine, hyperfine, hyperfine, "--format", "json")
    assert done.stdout.count('"geomean"') == 2, done.stdout + done.stderr


@pytest.mark.parametrize("side", [0, 1])
def test_a_truncated_file_among_many_is_named(armbench: Armbench, tmp_path: Path, side: int) -> None:
    sides = [write(tmp_path, of("a"), of("b")), write(tmp_path, of("c"), of("d"))]
    cut = tmp_path / sides[side][1]
    cut.write_bytes(cut.read_bytes()[:-200])
    done = armbench("compare", *sides[0], "--vs", *sides[1])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"armbench: {cut.name}: truncated: the JSON ends early\n"
