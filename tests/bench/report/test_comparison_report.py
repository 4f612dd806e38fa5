from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from armbench.bench.compare import Comparison, compare
from armbench.bench.model import Failure, Skip
from armbench.bench.report import comparison as report
from armbench.bench.report.comparison import formats, words
from tests.bench import golden
from tests.bench.sessions import DECODE, GRAVITON4, GRAVITON4_LARGE, TEXT, XEON, result, session


def printed(*comparisons: Comparison, width: int = 80, **options: Any) -> str:
    out = io.StringIO()
    report.comparison_tables(comparisons, Console(file=out, width=width, **options))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def mixed() -> Comparison:
    """Every verdict, two kernels, both modes, and trials that one side lacks."""

    def trials(factor: float, seed: int) -> list[Any]:
        return [
            result(1.234e-3 * factor, case="f32-n512", seed=seed),
            result(9.87e-3, case="f32-n1024", seed=seed),
            result(9.87e-3, case="f32-n1024", threads=4, seed=seed),
            result(2.6e-3 / factor, case="f32-n1024", threads=4, mode="parallel", seed=seed),
            result(11e-3 * factor**0.2, case="f32-m1-k4096-n4096", variant="numpy", work=DECODE, seed=seed),
            result(
                180e-6 * factor,
                kernel="tokenization",
                case="encode-o200k-json-tool-calls-2k",
                work=TEXT,
                variant="scalar",
                seed=seed,
            ),
            result(
                100e-9,
                kernel="tokenization",
                case="encode-o200k-prose-2k",
                work=TEXT,
                rounds=1,
                variant="scalar",
                seed=seed,
            ),
        ]

    base = [*trials(1, 0), result(case="f32-n128"), result(case="f32-n128", variant="numpy")]
    base += [result(case="f32-n2048", variant=v) for v in ("i8mm", "sve", "sve2", "numpy")]
    new = [*trials(1.08, 1)]
    flagged = tuple(replace(process, flags=("preempted",)) for process in new[1].processes)
    new[1] = replace(new[1], processes=flagged)
    new += [result(case="f32-n128", kernel_version=2), result(case="f32-n4096")]
    machine = replace(GRAVITON4_LARGE, kernel="6.12.0-7-aws", clock_hz=2.7e9)
    return compare(
        [session(base)],
        [
            session(
                new,
                machine,
                name="new",
                failed=(Failure("matmul", "numpy", "f32-n128", "killed by SIGILL"),),
                skipped=(Skip("matmul", "numpy", "over 0.3 Gflop a call", "f32-n2048"),),
            )
        ],
    )


def across() -> Comparison:
    ours = [result(10e-3), result(8e-3, variant="sve2"), result(12e-3, variant="numpy")]
    theirs = [result(4e-3, variant="avx512"), result(30e-3, variant="numpy")]
    return compare([session(ours)], [session(theirs, XEON, name="new")])


def test_the_table_at_80_columns() -> None:
    golden.check("compare-80.txt", printed(mixed()))


def test_the_table_on_a_wide_terminal() -> None:
    golden.check("compare-120.txt", printed(mixed(), width=120))


def test_the_table_across_architectures() -> None:
    golden.check("compare-across-80.txt", printed(across()))


def test_what_is_refused() -> None:
    emulated = session([result()], replace(GRAVITON4, emulated=True), name="new")
    golden.check("compare-refused-80.txt", printed(compare([session([result()])], [emulated])))


def test_markdown() -> None:
    golden.check("compare.md", report.comparison_markdown([mixed()]))


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """But the last, which programs read."""
    *lines, _ = printed(mixed(), across(), width=width).splitlines()
    assert max(map(len, lines)) <= width


def test_colours_only_on_a_terminal() -> None:
    plain = printed(mixed())
    coloured = printed(mixed(), force_terminal=True, color_system="truecolor")
    assert "\x1b" not in plain
    assert "\x1b[1;31m + slower" in coloured


def test_the_last_line_is_for_programs() -> None:
    line = printed(mixed(), across()).splitlines()[-1]
    words = dict(word.split("=", 1) for word in line.split(" "))
    assert words["verdict"] == "slower"
    assert words["compared"] == "9/14"


def test_json_says_everything() -> None:
    document = json.loads(report.comparison_json([mixed(), across()]))
    first, second = document["comparisons"]
    assert document["verdict"] == "slower"
    assert document["line"].startswith("verdict=slower compared=")
    assert first["grade"] == "same silicon"
    assert first["base"]["machine"]["instance"] == "c8g.xlarge"
    assert first["rows"][0]["verdict"] == "slower"
    assert first["rows"][0]["ratio"]["value"] == pytest.approx(1.08, abs=0.01)
    assert [row["variants"] for row in second["rows"] if row["variants"]] == [["sve2", "avx512"]]


def test_csv_has_a_line_for_each_trial() -> None:
    comparisons = [mixed(), across()]
    lines = list(csv.DictReader(io.StringIO(report.comparison_csv(comparisons))))
    assert len(lines) == sum(len(comparison.rows) for comparison in comparisons)
    assert list(lines[0]) == ["base", "new", *formats.COLUMNS]
    assert (lines[0]["kernel"], lines[0]["verdict"], lines[0]["threads"]) == ("matmul", "slower", "1")
    assert float(lines[0]["ratio"]) == pytest.approx(1.08, abs=0.01)
    best = next(line for line in lines if line["variant"] == "best native")
    assert (best["base_variant"], best["new_variant"]) == ("sve2", "avx512")


def test_every_column_of_the_csv_is_a_field() -> None:
    filled = {
        name for row in (*mixed().rows, *across().rows) for name, value in formats._flat(row).items() if value
    }
    assert set(formats.COLUMNS) - filled == {"instances", "side", "notes", "rounds_needed"}


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(1.0, "0.0"), (1.0234, "+2.3"), (0.5, "-50.0"), (2.5, "+150"), (0.99999, "0.0")],
)
def test_a_change_in_percent(ratio: float, text: str) -> None:
    assert words.change(ratio) == text
