"""Curves as text: golden at 80 columns, with and without Unicode, and never wider than the terminal."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from armbench.bench import estimates, results
from armbench.bench.cli import run
from armbench.bench.model import Result, Session
from armbench.bench.report.output import Output
from armbench.bench.report.session import print_session
from armbench.bench.scaling import analyze, curves, splits
from tests.bench import golden
from tests.bench.scaling.made import machine, points, usl
from tests.bench.sessions import DECODE, result, session


def printed(shown: Session, width: int = 80, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding)
    screen = Output(out).console
    screen.width = width
    summaries = [estimates.summarize(r) for r in shown.results]
    analyses = [analyze(curve) for curve in curves(shown)]
    print_session(shown, summaries, 0.9, screen, analyses, splits(shown))
    out.flush()
    lines = raw.getvalue().decode(encoding).splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def whole() -> Session:
    trials = [
        *points(usl(2e-4, 0, 0.96), variant="sve"),
        *points(usl(0.002, 5e-5), variant="neon"),
        *points(lambda n: n * 0.3, variant="numpy"),
        *points(
            lambda n: min(n, 96, 12) + min(max(n - 96, 0), 12),
            variant="neon",
            case="f32-m1-k4096-n4096",
            work=DECODE,
        ),
    ]
    flagged = tuple(replace(process, flags=("preempted",)) for process in trials[5].processes)
    trials[5] = replace(trials[5], processes=flagged)
    two = points(lambda n: n, (1, 192), variant="numpy", case="f32-n128")
    return session([*trials, *two], machine())


def test_curves_at_80_columns() -> None:
    golden.check("scaling-80.txt", printed(whole()))


def test_curves_without_unicode() -> None:
    text = printed(whole(), encoding="ascii")
    golden.check("scaling-ascii-80.txt", text)
    assert text.isascii()


@pytest.mark.parametrize("width", [60, 80, 100, 200])
@pytest.mark.parametrize("variants", [1, 3, 9])
def test_no_line_is_wider_than_the_terminal(width: int, variants: int) -> None:
    names = [f"variant-{index}" for index in range(variants)]
    trials = [
        r for name in names for r in points(usl(0.001, 1e-5), (1, 2, 8, 64, 192), variant=name, rounds=6)
    ]
    lines = printed(session(trials, machine()), width).splitlines()
    assert max(map(len, lines)) <= width
    assert all(any(name in line for line in lines) for name in names)


def test_a_curve_is_in_no_other_table() -> None:
    text = printed(session(points(lambda n: n), machine()))
    assert "time/call" not in text
    assert text.count("f32-n1024") == 1


def test_two_points_are_in_the_usual_table() -> None:
    text = printed(session(points(lambda n: n, (1, 192)), machine()))
    assert "time/call" in text
    assert "efficiency" not in text


def test_the_efficiencies_of_a_ladder_of_two() -> None:
    trials = [
        *points({1: 1.0, 2: 1.94}, (1, 2)),
        *points({1: 1.0, 2: 1.2}, (1, 2), variant="numpy"),
        *points({1: 1.0, 2: 2.0}, (1, 2), case="f32-n128"),
    ]
    facts = {"argv": ["run", "--cpus", "ladder"]}
    golden.check("scaling-two-80.txt", printed(session(trials, machine(2, nodes=1), facts=facts)))


def ways() -> list[Result]:
    rates = {1: 4.0, 2: 6.0, 4: 7.0, 8: 5.0}
    return [result(10e-3 * n / rate, mode="split", threads=8, instances=n) for n, rate in rates.items()]


def test_splits() -> None:
    golden.check("scaling-splits-80.txt", printed(session(ways(), machine(8, nodes=1))))


def test_few_rounds_are_called_few() -> None:
    few: dict[str, Any] = {"rounds": 3}
    assert "need 6 rounds" in printed(session(points(usl(0.01, 0), **few), machine()))
    assert "need 6 rounds" not in printed(session(points(usl(0.01, 0)), machine()))


def test_json_has_the_curves_and_is_still_a_result_file(tmp_path: Path) -> None:
    path, again = tmp_path / "session.json", tmp_path / "again.json"
    results.write(whole(), path)
    with again.open("w") as out:
        assert run(["show", "--json", str(path)], out, io.StringIO()) == 0
    document = json.loads(again.read_text())
    assert results.validate(again) == []
    assert [(c["case"], c["variant"]) for c in document["curves"]] == [
        ("f32-n1024", "sve"),
        ("f32-n1024", "neon"),
        ("f32-n1024", "numpy"),
        ("f32-m1-k4096-n4096", "neon"),
        ("f32-n128", "numpy"),
    ]
    peaked = document["curves"][1]
    assert peaked["sentence"] == "peaks at 141 of 192 cores; 192 cores give 0.97 of it"
    assert peaked["model"]["parameters"]["kappa"]["value"] == pytest.approx(5e-5, rel=0.02)
    assert peaked["points"][-1]["cpus"] == "0-191"
    assert peaked["points"][-1]["efficiency"]["value"] == pytest.approx(0.311, abs=0.001)
    assert peaked["points"][-1]["fairness"]["jain"] == pytest.approx(1, abs=0.01)


def test_json_has_the_splits(tmp_path: Path) -> None:
    path, out = tmp_path / "session.json", io.StringIO()
    results.write(session(ways(), machine(8, nodes=1)), path)
    assert run(["show", "--json", str(path)], out, io.StringIO()) == 0
    (split,) = json.loads(out.getvalue())["splits"]
    assert (split["threads"], split["best"]) == (8, 4)
    assert [(o["instances"], o["threads_each"]) for o in split["options"]] == [(1, 8), (2, 4), (4, 2), (8, 1)]
