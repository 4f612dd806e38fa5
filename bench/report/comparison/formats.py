"""Comparisons as JSON, Markdown and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence

from armbench.bench import codec
from armbench.bench.compare import Comparison, overall, verdict_line
from armbench.bench.compare.verdicts import Row
from armbench.bench.report.comparison import words
from armbench.bench.report.headline import headline
from armbench.bench.stats import Interval

BESIDE = ("per_ghz", "per_core", "per_vcpu")
COLUMNS = (
    *("kernel", "case", "variant", "base_variant", "new_variant", "mode", "threads", "placement", "memory"),
    *("instances", "side", "verdict", "base_seconds", "new_seconds", "ratio", "low", "high"),
    *("confidence", "p", "adjusted_p", "margin", "within", "detectable", "sessions_needed"),
    *("rounds_needed", "noise", "reason", "excused", "notes", "disturbed"),
    *(f"{name}{part}" for name in BESIDE for part in ("", "_low", "_high")),
)


def comparison_json(comparisons: Sequence[Comparison]) -> str:
    """{"verdict", "line", "comparisons": every field of Comparison}; ratios as numbers."""
    document = {
        "verdict": overall(comparisons),
        "line": verdict_line(comparisons),
        "comparisons": codec.encode(list(comparisons)),
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def comparison_csv(comparisons: Sequence[Comparison]) -> str:
    """A line for each trial, with the columns base, new and COLUMNS; unknown is empty.

    base and new are files, or of --by the values.
    """
    out = io.StringIO()
    writer = csv.DictWriter(out, ("base", "new", *COLUMNS), lineterminator="\n")
    writer.writeheader()
    for comparison in comparisons:
        sides = comparison.names if comparison.by else (comparison.base.name, comparison.new.name)
        for row in comparison.rows:
            writer.writerow({"base": sides[0], "new": sides[1], **_flat(row)})
    return out.getvalue()


def _flat(row: Row) -> dict[str, object]:
    values = {**codec.encode(row), **codec.encode(row.key), **(codec.encode(row.ratio) or {})}
    base, new = row.variants or (row.key.variant, row.key.variant)
    values |= {"base_variant": base, "new_variant": new}
    values |= {"notes": "; ".join(row.notes), "disturbed": "; ".join(row.disturbed)}
    values["ratio"] = values.pop("value", None)
    values["threads"] = f"{row.threads[0]}->{row.threads[1]}" if row.threads else row.key.threads
    for name in BESIDE:
        values |= _bounds(name, getattr(row, name))
    return {name: values.get(name) for name in COLUMNS}


def _bounds(name: str, beside: Interval | None) -> dict[str, object]:
    if beside is None:
        return {name: None}
    return {name: beside.value, f"{name}_low": beside.low, f"{name}_high": beside.high}


def comparison_markdown(comparisons: Sequence[Comparison]) -> str:
    """Headings, a table for each comparison, footnotes, and last the line for programs in code."""
    lines: list[str] = []
    for comparison in comparisons:
        lines += [*_markdown_head(comparison), ""]
        notes = words.Footnotes()
        matched = words.by_kernel([row for row in comparison.rows if row.matched])
        lines += [*_markdown_rows(matched, notes, comparison.names), ""]
        lines += _markdown_normalised(words.normalised(matched))
        below = (*words.numbered(notes), *words.missing(comparison), *words.explanation(comparison))
        lines += [*(f"- {escaped(text.strip())}" for text in below), "", f"**{words.total(comparison)}**", ""]
    return "\n".join([*lines, f"`{verdict_line(comparisons)}`", ""])


def _markdown_head(comparison: Comparison) -> Iterator[str]:
    for name, side in words.named(comparison):
        yield f"- **{name}**: {escaped(headline(side.machine))} ({escaped(words.origin(side))})"
    yield f"- **Machines**: {escaped(words.grade_of(comparison))}"
    if comparison.residue:
        yield f"- **Differs**: {escaped('; '.join(map(words.change_of, comparison.residue)))}"
    if comparison.lacks:
        yield f"- **Lacks**: {escaped('; '.join(comparison.lacks))}"
    if comparison.refusal:
        yield f"- **Not comparable**: {escaped(comparison.refusal)}"


def _markdown_rows(rows: Sequence[Row], notes: words.Footnotes, names: tuple[str, str]) -> Iterator[str]:
    if not rows:
        return
    yield f"| kernel | case | variant | CPUs | {' | '.join(names)} | time | 95 % interval | verdict |"
    yield "|---|---|---|--:|--:|--:|--:|--:|---|"
    for row in rows:
        cells = [
            row.key.kernel,
            words.case_of(row),
            words.variant_of(row),
            words.cpus_of(row),
            words.time(row.base_seconds),
            words.time(row.new_seconds),
            *words.ratio_of(row),
            words.verdict_of(row) + notes.mark(words.remarks(row)),
        ]
        yield f"| {' | '.join(map(escaped, cells))} |"


def _markdown_normalised(rows: Sequence[Row]) -> Iterator[str]:
    """Beside the raw ratios, where they differ from them."""
    if not rows:
        return
    names = list(words.besides(rows[0]))
    yield f"| kernel | case | variant | CPUs | time | {' | '.join(names)} |"
    yield "|---|---|---|--:|--:|--:|--:|--:|"
    for row in rows:
        ratios = [words.ratio_of(row)[0], *map(words.beside_of, words.besides(row).values())]
        cells = [row.key.kernel, words.case_of(row), words.variant_of(row), words.cpus_of(row), *ratios]
        yield f"| {' | '.join(map(escaped, cells))} |"
    yield ""


def escaped(text: str) -> str:
    return text.replace("|", "\\|")
