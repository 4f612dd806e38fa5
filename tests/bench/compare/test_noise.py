"""The A/A floor of a machine, learnt from its sessions of the noise profile."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from armbench.bench import results
from armbench.bench.compare import compare, noise
from armbench.bench.compare.verdicts import MARGIN
from armbench.bench.facts import SESSION_NOISE
from armbench.bench.model import Machine, Session
from tests.bench.sessions import DECODE, GRAVITON4, XEON, result, session
from tests.conftest import Armbench

LEVELS = (0.004, -0.003, 0.001, -0.002, 0.0)


def calm(
    spread: float = 1.0, machine: Machine = GRAVITON4, profile: str = "noise", **changes: Any
) -> list[Session]:
    """Sessions whose times differ by `spread` times LEVELS."""
    return [
        session(
            [result(10e-3 * math.exp(spread * level), work=DECODE, noise=1e-6, **changes)],
            machine,
            name=f"{profile}-{spread}-{number}",
            facts={"profile": profile},
        )
        for number, level in enumerate(LEVELS)
    ]


def one(seconds: float, name: str, seed: int = 0, spread: float = 1e-4, **changes: Any) -> Session:
    return session([result(seconds, work=DECODE, noise=spread, seed=seed)], name=name, **changes)


def test_a_floor_is_the_spread_of_sessions_and_the_quantile_of_their_differences() -> None:
    (floor,) = noise.learn(calm()).values()
    logs = np.array(LEVELS)
    pairs = [abs(a - b) for i, a in enumerate(logs) for b in logs[:i]]
    assert floor.deviation == pytest.approx(logs.std(ddof=1), rel=1e-3)
    assert (floor.dof, floor.margin) == (4, pytest.approx(np.quantile(pairs, 0.95), rel=1e-3))


def test_setups_are_pooled_apart() -> None:
    """What a new kernel changed is no noise."""
    other = [
        session([result(20e-3 * math.exp(level), work=DECODE, noise=1e-6)], name=f"b{i}", software=software)
        for i, level in enumerate(LEVELS)
        for software in [{**session().software, "libc": "glibc 2.41"}]
    ]
    (floor,) = noise.learn([*calm(), *other]).values()
    assert (floor.deviation, floor.dof) == (pytest.approx(np.std(LEVELS, ddof=1), rel=1e-3), 8)


def test_two_sessions_teach_nothing() -> None:
    assert noise.learn(calm()[:2]) == {}


def test_a_quiet_machine_shows_what_the_prior_hides() -> None:
    """5 % of streaming from memory is less than sessions of machines at large differ by."""
    base, new = one(10e-3, "a"), one(10.5e-3, "b", 1)
    (blind,) = compare([base], [new]).rows
    found = compare([base], [new], noise=calm())
    (row,) = found.rows
    assert (blind.verdict, blind.noise) == ("undecided", "stream")
    assert (row.verdict, row.noise) == ("slower", "learnt")
    assert found.learnt == (5, 5)


def test_a_restless_machine_has_a_wider_margin() -> None:
    restless = calm(spread=10)
    (row,) = compare([one(10e-3, "a")], [one(10.3e-3, "b", 1)], noise=restless).rows
    assert row.margin > 0.05 > MARGIN
    assert row.verdict == "same", "within what sessions differ by here"
    sides = [[one(s, f"{s}{i}", i) for i in range(3)] for s in (10e-3, 10.3e-3)]
    (row,) = compare(*sides, noise=restless).rows
    assert row.verdict != "slower", "three sessions that happen to agree do not undo the floor"
    (row,) = compare(*sides).rows
    assert row.verdict == "slower"


def test_a_session_is_no_surer_than_its_own_rounds() -> None:
    (sure,) = compare([one(10e-3, "a")], [one(10e-3, "b", 1)], noise=calm()).rows
    (vague,) = compare([one(10e-3, "a", spread=0.1)], [one(10e-3, "b", 1, spread=0.1)], noise=calm()).rows
    assert sure.ratio is not None
    assert vague.ratio is not None
    assert vague.ratio.high - vague.ratio.low > 5 * (sure.ratio.high - sure.ratio.low)


def test_only_the_own_machine_and_the_own_trial_tell() -> None:
    for foreign in (calm(machine=XEON), calm(profile="standard"), calm(variant="numpy")):
        (row,) = compare([one(10e-3, "a")], [one(10.5e-3, "b", 1)], noise=foreign).rows
        assert (row.noise, row.margin) == ("stream", MARGIN)


def test_noise_sessions_count_where_they_are_a_side_themselves() -> None:
    found = compare(calm(), [one(11e-3, "b")])
    assert found.learnt == (5, 5)
    assert found.rows[0].noise == "learnt"


def test_known_noise_raises_no_more_false_alarms_than_said() -> None:
    """200 A/A trials on a machine as restless as its floor says: 5 %, and 3 standard deviations."""
    random = np.random.default_rng(5)
    alarms = 0
    for number in range(200):
        levels = 0.02 * random.standard_normal(7)
        learnt = [
            session(
                [result(10e-3 * math.exp(level), work=DECODE, noise=1e-6)],
                name=f"n{i}",
                facts={"profile": "noise"},
            )
            for i, level in enumerate(levels[:5])
        ]
        sides = [one(10e-3 * math.exp(level), f"{number}-{i}", i) for i, level in enumerate(levels[5:])]
        (row,) = compare(sides[:1], sides[1:], noise=learnt).rows
        alarms += row.verdict in ("slower", "faster")
    assert alarms <= 19


def test_priors_are_for_every_kind_of_work() -> None:
    assert list(SESSION_NOISE) == ["core", "cache", "branches", "latency", "stream"]


def test_sessions_beside_the_files_are_found(armbench: Armbench, tmp_path: Path) -> None:
    for made in (one(10e-3, "a"), one(10.5e-3, "b", 1), *calm()):
        results.write(made, tmp_path / f"{made.session['id']}.json")
    (tmp_path / "half.json").write_bytes((tmp_path / "noise-1.0-0.json").read_bytes()[:-300])
    done = armbench("compare", "a.json", "b.json")
    assert "verdict=slower" in done.stdout, done.stdout + done.stderr
    assert "5 sessions of --profile noise tell margins" in done.stdout
    assert done.stderr == "not used for margins: half.json: truncated: the JSON ends early\n"
