"""Comparisons for people and programs: tables, and JSON, Markdown and CSV."""

from armbench.bench.report.comparison.crosstab import crosstab_markdown, print_crosstab
from armbench.bench.report.comparison.formats import comparison_csv, comparison_json, comparison_markdown
from armbench.bench.report.comparison.table import comparison_tables

__all__ = [
    "comparison_csv",
    "comparison_json",
    "comparison_markdown",
    "comparison_tables",
    "crosstab_markdown",
    "print_crosstab",
]
