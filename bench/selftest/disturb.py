"""Disturbances that the self-test makes itself: other work on the machine, while sides are compared."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

Regime = Literal["quiet", "neighbour", "same-cpu", "drift"]
REGIMES: dict[Regime, str] = {
    "quiet": "nothing beside the measurement",
    "neighbour": "a competitor on another CPU, on and off at random",
    "same-cpu": "a competitor on the measured CPU at the lowest priority",
    "drift": "a competitor on the measured CPU whose share grows from nothing to a half, again and again",
}

# Burns and sleeps; argv: CPU, niceness, seed, seconds of a whole drift, regime.
COMPETITOR = """
import os, random, sys, time
cpu, nice, seed, period = map(float, sys.argv[1:5])
kind = sys.argv[5]
os.sched_setaffinity(0, {int(cpu)})
os.nice(int(nice))
chance, begun = random.Random(seed), time.monotonic()
def burn(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end and os.getppid() == parent:
        sum(range(1000))
parent = os.getppid()
while os.getppid() == parent:
    if kind == "neighbour":
        burn(chance.uniform(0.05, 0.5)); time.sleep(chance.uniform(0.05, 0.5))
    elif kind == "same-cpu":
        burn(1.0)
    else:
        share = 0.5 * ((time.monotonic() - begun) % period) / period
        burn(0.02 * share); time.sleep(0.02 * (1 - share))
"""
NICE = {"neighbour": 0, "same-cpu": 19, "drift": 0}


@contextmanager
def disturbed(regime: Regime, cpu: int, others: list[int], seed: int, period: float) -> Iterator[None]:
    """Run a block beside a regime's competitor.  Without another CPU a neighbour is impossible.

    cpu: the measured one; others: those that may be used beside it; period: seconds of a drift.
    """
    if regime == "quiet":
        yield
        return
    where = random.Random(seed).choice(others) if regime == "neighbour" else cpu
    words = [*map(str, (where, NICE[regime], seed, period)), regime]
    process = subprocess.Popen([sys.executable, "-c", COMPETITOR, *words])
    try:
        yield
    finally:
        process.kill()
        process.wait()
