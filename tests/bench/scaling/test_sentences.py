"""Sentences about curves: golden ones for each kind, and published ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from armbench.bench.model import Machine
from armbench.bench.scaling import sentence
from tests.bench.scaling.made import LADDER, analyses, machine, usl
from tests.bench.sessions import DECODE

ONE_NODE = machine(64, nodes=1)
TO_64 = (1, 2, 4, 8, 16, 32, 48, 64)


def by_node(limit: float) -> Callable[[int], float]:
    return lambda n: min(n, 96, limit) + min(max(n - 96, 0), limit)


def by_node_rounded(n: int) -> float:
    """20 with a rounded knee: 95 % of what 96 give from 36 on."""
    return float((n**-3.0 + 20**-3.0) ** (-1 / 3)) if n > 0 else 0.0


@pytest.mark.parametrize(
    ("rate", "cores", "of", "more", "text"),
    [
        ({1: 1, 2: 1.94}, (1, 2), None, {}, "2 cores give 1.94 x (efficiency 0.97)"),
        (
            {1: 1, 2: 1.9, 4: 1.5},
            (1, 2, 4),
            None,
            {},
            "4 cores give 1.50 x (efficiency 0.37, 0.37 to 0.38), less than 2 cores",
        ),
        ({1: 1, 2: 0.8}, (1, 2), None, {}, "2 cores give 0.80 x (efficiency 0.40), less than 1 core"),
        (lambda n: n, LADDER, None, {}, "scales linearly to 192 cores (efficiency 1.00)"),
        (usl(2.5e-4, 0), LADDER, None, {}, "scales linearly to 192 cores (efficiency 0.95)"),
        (
            lambda n: min(n, 12),
            TO_64,
            ONE_NODE,
            {"work": DECODE},
            "saturates memory (1200 GB/s) at 12 of 64 cores; more cores add nothing",
        ),
        (
            lambda n: min(n, 12),
            TO_64,
            ONE_NODE,
            {},
            "saturates at 12 of 64 cores; more cores add nothing",
        ),
        (
            by_node(12),
            LADDER,
            None,
            {"work": DECODE},
            "saturates each node's memory (1200 GB/s) at 12 of its 96 cores; 2 nodes give 2.00 x one",
        ),
        (
            lambda n: by_node_rounded(min(n, 96)) + by_node_rounded(n - 96),
            LADDER,
            None,
            {},
            "saturates each node at 36 of its 96 cores; 2 nodes give 2.00 x one",
        ),
        (
            usl(0, 0, 0.9),
            (1, 2, 4, 8, 16, 32, 64, 96, 144, 192),
            None,
            {},
            "192 cores give 173 x (efficiency 0.90); crossing to the next node costs 10 % of every core's rate",
        ),
        (
            usl(0.001, 1e-4),
            LADDER,
            None,
            {},
            "peaks at 100 of 192 cores; 192 cores give 0.83 of it",
        ),
        (
            usl(0.03, 0),
            LADDER,
            None,
            {},
            "192 cores give 28.5 x (efficiency 0.15); 141 give 95 % of the highest rate",
        ),
        (
            usl(0, 0, 0.9),
            LADDER,
            None,
            {},
            "192 cores give 173 x (efficiency 0.90); crossing to the next node costs 10 % of every core's rate",
        ),
        (
            usl(0, 0, 0.9),
            LADDER,
            machine(packages=2),
            {},
            "192 cores give 173 x (efficiency 0.90); crossing to the next package costs 10 % of every core's rate",
        ),
        (
            lambda n: n if n <= 4 else 4 + 0.3 * (n - 4),
            (1, 2, 4, 6, 8),
            machine(8, nodes=1, threads_per_core=2),
            {},
            "8 CPUs give 5.2 x (efficiency 0.65); no model fits (nearest: Amdahl, 15 % above it at 4, "
            "where cores begin to run two threads)",
        ),
    ],
)
def test_sentences(
    rate: Callable[[int], float] | Mapping[int, float],
    cores: tuple[int, ...],
    of: Machine | None,
    more: Mapping[str, Any],
    text: str,
) -> None:
    assert sentence(analyses(rate, cores, of, noise=2e-4, **more)) == text


def test_without_one_core_only_the_best_is_told() -> None:
    assert sentence(analyses(lambda n: n, (2, 4, 8))) == "highest at 8 of 8 cores"


def test_one_round_makes_nothing_sure() -> None:
    """Neither a peak, nor that fewer cores give more."""
    two = analyses({1: 1, 2: 0.8}, (1, 2), rounds=1)
    assert (sentence(two), two.best.tied) == ("2 cores give 0.80 x (efficiency 0.40)", (2,))
    many = analyses(usl(0.001, 1e-4), rounds=1)
    assert sentence(many).startswith("192 cores give 39")
    assert set(many.best.tied) == {*LADDER} - {many.best.highest}


def test_noise_blurs_what_is_said() -> None:
    told = sentence(analyses({1: 1, 2: 1.9}, (1, 2), noise=0.03))
    assert "efficiency 0.9" in told
    assert " to " in told


# Efficiencies of stress-ng (div16) on m9g.48xlarge: one core, up to a node, all cores; and GB/s that
# lmbench reads on m9g sizes of 1 to 192 CPUs.  Spare Cores, sc-inspector-data (CC BY-SA 4.0).
CONTROL = {1: 1.0, 2: 0.998, 8: 0.998, 16: 0.998, 32: 0.998, 64: 0.998, 96: 0.998, 192: 0.989}
READ = {1: 44, 2: 67, 4: 124, 8: 130, 16: 183, 32: 168, 48: 192, 64: 358, 96: 374, 192: 747}


def test_the_published_control_curve_is_linear() -> None:
    found = analyses(lambda n: n * CONTROL[n], CONTROL, noise=5e-4)
    assert sentence(found) == "scales linearly to 192 cores (efficiency 0.99)"
    assert found.best.peak is None


def test_published_memory_reads_of_different_machines_fit_no_model() -> None:
    """Eight sizes of one machine type, each with other memory channels, are no curve of one machine."""
    told = sentence(analyses({n: gb / 44 for n, gb in READ.items()}, READ, work=DECODE, noise=5e-4))
    assert told.startswith("192 cores give 17 x (efficiency 0.09)")
    assert "no model fits" in told
