"""Curves as text: golden at 80 columns, with and without Unicode, and never wider than the terminal."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest

from armbench.bench import stats
from armbench.bench.cli import console
from armbench.bench.model import Result, Session
from armbench.bench.report.session import print_session
from armbench.bench.scaling import analyze, curves, splits
from tests.bench import golden
from tests.bench.scaling.made import machine, points, usl
from tests.bench.sessions import DECODE, result, session


def printed(shown: Session, width: int = 80, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding)
    screen = console(out)
    screen.width = width
    summaries = [stats.summarize(r) for r in shown.results]
    analyses = [analyze(curve) for curve in curves(shown)]
    print_session(shown, summaries, 0.9, screen, analyses, splits(shown))
    out.flush()
    lines = raw.getvalue().decode(encoding).splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def whole() -> Session:
    results = [
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
    flagged = tuple(replace(process, flags=("preempted",)) for process in results[5].processes)
    results[5] = replace(results[5], processes=flagged)
    two = points(lambda n: n, (1, 192), variant="numpy", case="f32-n128")
    return session([*results, *two], machine())


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
    results = [
        r for name in names for r in points(usl(0.001, 1e-5), (1, 2, 8, 64, 192), variant=name, rounds=6)
    ]
    lines = printed(session(results, machine()), width).splitlines()
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
    results = [
        *points({1: 1.0, 2: 1.94}, (1, 2)),
        *points({1: 1.0, 2: 1.2}, (1, 2), variant="numpy"),
        *points({1: 1.0, 2: 2.0}, (1, 2), case="f32-n128"),
    ]
    facts = {"argv": ["run", "--cpus", "ladder"]}
    golden.check("scaling-two-80.txt", printed(session(results, machine(2, nodes=1), facts=facts)))


def ways() -> list[Result]:
    rates = {1: 4.0, 2: 6.0, 4: 7.0, 8: 5.0}
    return [result(10e-3 * n / rate, mode="split", threads=8, instances=n) for n, rate in rates.items()]


def test_splits() -> None:
    golden.check("scaling-splits-80.txt", printed(session(ways(), machine(8, nodes=1))))


def test_few_rounds_are_called_few() -> None:
    few: dict[str, Any] = {"rounds": 3}
    assert "need 6 rounds" in printed(session(points(usl(0.01, 0), **few), machine()))
    assert "need 6 rounds" not in printed(session(points(usl(0.01, 0)), machine()))
