"""The simulated machine itself, and whole sessions on every machine of tests/machines."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armbench.bench import results
from armbench.bench.cli import run
from armbench.bench.model import Site, Work
from armbench.bench.run.placement import Wish
from armbench.bench.scaling import analyze, curves, sentence, splits
from tests.bench.scaling.made import machine
from tests.machines.fake_root import specs
from tests.simulator.physics import SIBLING_SHARE, Behaviour, Chip, Noise, rates
from tests.simulator.session import Simulation

Chips = Callable[..., Chip]

WORK = Work(flops=1000, bytes_read=4000)
QUIET = Noise(round=1e-4, process=1e-4, sample=1e-4, drift=0.0)
SMALL = "matmul/scalar/f32-n128"
STREAM = "matmul/scalar/f32-m1-k4096-n4096"


def two_nodes(bandwidth: float = 1e9, threads: int = 1) -> Chip:
    """16 CPUs on two nodes; with two threads a core, siblings are 8 apart."""
    half = 16 // threads
    sites = tuple(Site(cpu, node=cpu % half * 2 // half, core=cpu % half) for cpu in range(16))
    return Chip(machine(16), sites, bandwidth)


# --- physics -------------------------------------------------------------------------------


def test_a_lone_core_runs_at_its_rate() -> None:
    assert rates(two_nodes(), Behaviour(rate=5e6), WORK, [3]).tolist() == [5000.0]


def test_contention_is_the_universal_scalability_law() -> None:
    total = rates(two_nodes(), Behaviour(rate=1e6, sigma=0.1, kappa=0.01), WORK, range(8)).sum()
    assert total == pytest.approx(1000 * 8 / (1 + 0.1 * 7 + 0.01 * 8 * 7))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 15), min_size=1, max_size=24),
    st.sampled_from(["local", "interleave", "node:0", "node:1"]),
    st.floats(1e4, 1e8),
)
def test_no_node_gives_more_than_it_has(cpus: list[int], memory: str, rate: float) -> None:
    chip, behaviour = two_nodes(1e7), Behaviour(rate=rate, memory=1.0)
    found = rates(chip, behaviour, WORK, cpus, memory)
    free = rates(replace(chip, node_bytes_per_second=np.inf), behaviour, WORK, cpus, memory)
    nodes = 1 if memory.startswith("node") else 2
    assert found.sum() * 4000 <= nodes * 1e7 * (1 + 1e-9)
    assert (found <= free * (1 + 1e-9)).all()


def test_both_nodes_give_twice_as_much() -> None:
    behaviour = Behaviour(rate=1e9, memory=1.0)
    near = rates(two_nodes(), behaviour, WORK, [0, 1]).sum()
    apart = rates(two_nodes(), behaviour, WORK, [0, 15]).sum()
    far = rates(two_nodes(), behaviour, WORK, [0, 15], "node:1").sum()
    assert (apart / near, far / near) == (pytest.approx(2), pytest.approx(1))


def test_siblings_share_a_core_and_threads_a_cpu() -> None:
    chip, behaviour = two_nodes(threads=2), Behaviour(rate=1e6)
    assert rates(chip, behaviour, WORK, [0, 8]) == pytest.approx([1000 * SIBLING_SHARE] * 2)
    assert rates(chip, behaviour, WORK, [0, 0, 1]) == pytest.approx([500, 500, 1000])


# --- sessions ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", specs())
def test_a_ladder_on_every_machine(name: str, chip: Chips, tmp_path: Path) -> None:
    """Measured, written, valid, read, fitted, told and shown at 80 columns."""
    made = chip(name)
    simulation = Simulation(made, {"*": Behaviour(rate=2e10)}, (SMALL,), noise=QUIET, rounds=6)
    target = tmp_path / "session.json"
    session = simulation.run(target, seed=1)
    assert results.validate(target) == []
    out, err = io.StringIO(), io.StringIO()
    assert run(["show", str(target)], out, err) == 0
    assert max(map(len, out.getvalue().splitlines())) <= 80
    found = curves(session)
    assert len(found) == (made.machine.cpus > 1)
    for curve in found:
        assert curve.cores[0] == 1
        assert curve.cores[-1] == made.machine.cpus
        assert curve.on_nodes.sum(axis=1).tolist() == list(curve.cores)
        told = sentence(analyze(curve))
        siblings = (made.machine.threads_per_core or 1) > 1
        assert siblings or "efficiency 1.00" in told, told


@pytest.mark.parametrize("name", [name for name, spec in specs().items() if len(spec.get("nodes", [])) > 1])
def test_points_on_both_sides_of_every_node_boundary(name: str, chip: Chips, tmp_path: Path) -> None:
    made = chip(name)
    session = Simulation(made, {"*": Behaviour(crossing=0.1)}, (SMALL,), noise=QUIET, rounds=6).run(
        tmp_path / "session.json", seed=2
    )
    (curve,) = curves(session)
    crossings = analyze(curve).crossings
    used = {site.node for site in made.sites}
    assert len(crossings) == len(used) - 1
    for crossing in crossings:
        size = len({site.core for site in made.sites}) // len(used)  # second threads of cores come last
        assert crossing.before % size == 0
        assert crossing.after - crossing.before <= max(1, size // 48)
    if crossings:
        assert crossings[0].ratio.value == pytest.approx(0.9, abs=0.01)


def test_spread_finds_the_memory_of_both_nodes_sooner(chip: Chips, tmp_path: Path) -> None:
    made = chip("graviton5-m9g.48xlarge", 374e9)
    given = {"*": Behaviour(rate=1e10, memory=1.0)}  # 20 GB/s a core: 18.7 of them fill a node
    knees = {}
    for policy in ("compact", "spread"):
        simulation = Simulation(made, given, (STREAM,), Wish("ladder", policy), noise=QUIET, rounds=8)
        (curve,) = curves(simulation.run(tmp_path / f"{policy}.json", seed=3))
        model = analyze(curve).model
        assert model is not None
        knees[policy] = model.name, round(model.parameters["knee"].value, 1)
    assert knees == {"compact": ("saturation of each node", 18.7), "spread": ("saturation", 37.4)}


def test_more_threads_than_cpus_are_flagged_and_gain_nothing(chip: Chips, tmp_path: Path) -> None:
    made = chip("graviton5-m9g.16xlarge")
    wish = Wish("ladder", oversubscribe=1.5)
    (curve,) = curves(Simulation(made, {"*": Behaviour()}, (SMALL,), wish, noise=QUIET, rounds=6).run(
        tmp_path / "session.json", seed=4
    ))  # fmt: skip
    found = analyze(curve)
    assert curve.cores[-1] == 96
    assert all("oversubscribed" in process.flags for process in curve.last.processes)
    assert sentence(found).startswith("scales linearly to 64 cores")


def test_many_instances_are_best_where_cores_contend(chip: Chips, tmp_path: Path) -> None:
    made = chip("graviton5-m9g.16xlarge")
    given = {"*": Behaviour(sigma=0.05, kappa=1e-3)}
    simulation = Simulation(
        made, given, ("matmul/scalar/f32-n512",), Wish("all"), ("split",), noise=QUIET, rounds=6
    )
    (split,) = splits(simulation.run(tmp_path / "session.json", seed=5))
    assert [option.name for option in split.options][:2] == ["1 x 64", "2 x 32"]
    assert split.best.name == "64 x 1"


def test_the_same_seed_gives_the_same_session(chip: Chips, tmp_path: Path) -> None:
    made = chip("raspberry-pi-5")
    simulation = Simulation(made, {"*": Behaviour()}, (SMALL,), rounds=2)
    texts = []
    for name in ("a", "b"):
        simulation.run(tmp_path / name, seed=6)
        texts.append((tmp_path / name).read_text())
    assert texts[0] == texts[1]
