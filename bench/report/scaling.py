"""Curves for people and programs: a table and a chart for each case, a sentence for each variant."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from armbench.bench import codec, cpulist, stats
from armbench.bench.model import Json
from armbench.bench.report import chart, units
from armbench.bench.scaling.analysis import Analysis, Best
from armbench.bench.scaling.sentences import sentence
from armbench.bench.stats import Interval

LEAST_POINTS = 3  # with fewer, the table of the session says it all
VARIANTS_ABREAST = 4  # in 80 columns
CHART_ROWS = 12
CHART_COLUMNS = 72
FLOORS = (0.9, 0.8, 0.5, 0.0)  # lowest efficiency of a chart: the highest that shows everything
STEPS = {0.9: 0.02, 0.8: 0.05, 0.5: 0.1, 0.0: 0.25}


@dataclass(frozen=True, slots=True)
class Told:
    """A curve as it is shown: its analysis, its sentence, letters for what disturbed each point."""

    analysis: Analysis
    sentence: str
    letters: tuple[str, ...] = ()
