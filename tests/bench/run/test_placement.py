"""Orders, ladders and splits, on made-up machines and on those of tests/machines."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armbench.bench.machine.layout import sites
from armbench.bench.model import Pairs, Placement, Settings, Site
from armbench.bench.run import placement, plan
from armbench.bench.run.placement import SelectionError, Wish
from tests.machines import fake_root

Sites = tuple[Site, ...]


def regular(packages: int, nodes: int, caches: int, cores: int, threads: int = 1) -> Sites:
    """`cores` to a cache, `caches` to a node, `nodes` to a package; siblings numbered behind all cores."""
    total = packages * nodes * caches * cores
    return tuple(
        Site(
            cpu=core + thread * total,
            node=core // cores // caches,
            package=core // cores // caches // nodes,
            cache=core // cores * cores,
            core=core,
        )
        for thread in range(threads)
        for core in range(total)
    )


small = st.integers(1, 3)
machines = st.builds(regular, small, small, small, st.integers(1, 6), st.integers(1, 2))
policies = st.sampled_from(["compact", "spread"])
G4 = regular(2, 1, 1, 96)  # 192 CPUs in two packages, as Graviton4's largest


@given(machines, policies)
def test_an_order_has_every_cpu_once_and_cpu_0_last(machine: Sites, policy: str) -> None:
    ordered = placement.order(machine, policy)
    assert sorted(ordered) == sorted(site.cpu for site in machine)
    assert ordered[-1] == 0


@given(machines, policies)
def test_siblings_come_when_every_core_has_a_thread(machine: Sites, policy: str) -> None:
    core_of = {site.cpu: site.core for site in machine}
    cores = [core_of[cpu] for cpu in placement.order(machine, policy)]
    count = len(set(cores))
    assert len(set(cores[:count])) == count


@given(machines)
def test_compact_begins_a_group_when_the_last_is_full(machine: Sites) -> None:
    one_thread_each = [site for site in machine if site.cpu == site.core]
    site_of = {site.cpu: site for site in one_thread_each}
    ordered = [site_of[cpu] for cpu in placement.order(one_thread_each, "compact")]
    for level in placement.LEVELS:
        changes = sum(level(a) != level(b) for a, b in pairwise(ordered))
        assert changes == len({level(site) for site in ordered}) - 1


@given(machines, st.data())
def test_spread_takes_nodes_and_caches_evenly(machine: Sites, data: st.DataObject) -> None:
    site_of = {site.cpu: site for site in machine}
    ordered = [site_of[cpu] for cpu in placement.order(machine, "spread")]
    some = ordered[: data.draw(st.integers(1, len({site.core for site in machine})))]
    for level in ("node", "cache"):
        taken = Counter(getattr(site, level) for site in some)
        most = max(taken.values())
        assert all(taken[getattr(site, level)] >= most - 1 for site in machine)


@given(machines)
def test_a_ladder_doubles_ends_with_all_and_is_sorted(machine: Sites) -> None:
    counts = placement.ladder(machine, placement.order(machine, "compact"))
    assert counts == sorted(set(counts))
    assert counts[-1] == len(machine)
    assert {1 << i for i in range(10) if 1 << i <= len(machine)} <= set(counts)


@pytest.mark.parametrize(
    ("machine", "counts"),
    [
        (regular(1, 1, 1, 2), [1, 2]),
        (regular(1, 1, 1, 64), [1, 2, 4, 8, 16, 32, 64]),
        (G4, [1, 2, 4, 8, 16, 32, 64, 94, 96, 98, 128, 192]),
        (regular(1, 1, 3, 8), [1, 2, 4, 8, 16, 24]),
        (regular(1, 1, 3, 2), [1, 2, 4, 6]),  # pairs of cores are no places to look at
        (regular(1, 1, 1, 8, threads=2), [1, 2, 4, 7, 8, 9, 16]),
        (regular(1, 3, 1, 5), [1, 2, 4, 5, 6, 8, 9, 10, 11, 15]),
    ],
)
def test_ladders(machine: Sites, counts: list[int]) -> None:
    assert placement.ladder(machine, placement.order(machine, "compact")) == counts


def test_a_spread_ladder_fills_no_group_before_the_end() -> None:
    assert placement.ladder(G4, placement.order(G4, "spread")) == [1, 2, 4, 8, 16, 32, 64, 128, 192]


@pytest.mark.parametrize("name", fake_root.specs())
def test_ladders_of_known_machines_have_points_on_both_sides_of_every_node(name: str, tmp_path: Path) -> None:
    spec = fake_root.specs()[name]
    online = fake_root.cpu_list(spec["online"]) if "online" in spec else range(spec["cpus"])
    machine = sites(online, fake_root.build(spec, tmp_path))
    ordered = placement.order(machine, "compact")
    counts = placement.ladder(machine, ordered)
    node_of = {site.cpu: site.node for site in machine}
    core_of = {site.cpu: site.core for site in machine}
    cores = len(set(core_of.values()))
    for at, (one, other) in enumerate(pairwise(ordered[:cores]), 1):
        if node_of[one] != node_of[other]:
            near = max(1, Counter(node_of.values())[node_of[one]] // placement.NEIGHBOUR_SHARE)
            assert {at - near, at, at + near} <= set(counts)
    assert sorted(cpu for text in spec.get("nodes", []) for cpu in fake_root.cpu_list(text)) == sorted(
        cpu for cpu in node_of if spec.get("nodes")
    )
    assert len({site.node for site in machine}) == max(1, len([n for n in spec.get("nodes", []) if n]))


# --- splits --------------------------------------------------------------------------------


@given(machines, policies, st.data())
def test_splits_keep_an_instance_together(machine: Sites, policy: str, data: st.DataObject) -> None:
    ordered = placement.order(machine, policy)
    count = data.draw(st.integers(1, len(ordered)))
    instances = data.draw(st.sampled_from(placement.divisors(count)))
    cpus = placement.split(machine, ordered, count, instances)
    assert len(set(cpus)) == len(cpus) == count
    assert set(cpus) <= set(ordered)
    node_of = {site.cpu: site.node for site in machine}
    teams = Placement(cpus, "split", instances=instances).teams
    assert len(teams) == instances
    each, room = count // instances, Counter(node_of.values())
    whole = sum(len({node_of[cpu] for cpu in team}) == 1 for team in teams)
    assert whole == min(instances, sum(size // each for size in room.values())), "no node is left half used"


def test_instances_share_a_cache_where_they_fit() -> None:
    machine = regular(1, 2, 3, 8)
    cache_of = {site.cpu: site.cache for site in machine}
    cpus = placement.split(machine, placement.order(machine, "compact"), 36, 6)
    teams = Placement(cpus, "split", instances=6).teams
    assert all(len({cache_of[cpu] for cpu in team}) == 1 for team in teams)
    assert len({cache_of[team[0]] for team in teams}) == 6


def test_a_split_takes_all_divisors() -> None:
    places = placement.placements(Wish("all"), regular(1, 1, 1, 12), 12, ("split",))
    assert [place.instances for place in places] == [1, 2, 3, 4, 6, 12]
    assert {(place.mode, place.threads) for place in places} == {("split", 12)}
    assert [place.at_once for place in places] == [1, 2, 3, 4, 6, 12]


# --- from words to placements --------------------------------------------------------------


def flat(*cpus: int) -> Sites:
    return tuple(Site(cpu, core=cpu) for cpu in cpus)


def sets(words: str, *cpus: int, budget: int = 99) -> list[tuple[int, ...]]:
    return [p.cpus for p in placement.placements(Wish(words), flat(*cpus), budget, ("throughput",))]


def test_cpu_words() -> None:
    usable = (0, 1, 2, 3, 8, 9)
    assert sets("1", *usable) == [(1,)]
    assert sets("all", *usable) == [usable]
    assert sets("1,all", *usable) == [(1,), usable]
    assert sets("ladder", *usable) == [(1,), (1, 2), (1, 2, 3, 8), usable]
    assert sets("0-1,8", *usable) == [(0, 1, 8)]
    assert sets("8,0", *usable) == [(8, 0)], "in the order given"
    assert sets("1,all", 5) == [(5,)]
    assert sets("all", *usable, budget=3) == [(1, 2, 3)], "a quota leaves the first of the order"


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (Wish("4"), "CPU 4 may not be used here; these may: 0-3"),
        (Wish("0-4"), "these may: 0-3"),
        (Wish("7,1"), "these may: 0-3"),
        (Wish("2,2"), "CPU 2 twice"),
        (Wish("0-3"), "4 CPUs, but the budget is 3; name fewer"),
        (Wish("none"), "--cpus none: give 1, all"),
        (Wish(""), "--cpus : give"),
        (Wish("3-1x"), "--cpus 3-1x"),
        (Wish("1-"), "--cpus 1-"),
        (Wish("all", policy="near"), "--placement near: give compact, spread or node:N"),
        (Wish("all", policy="node:2"), "--placement node:2: no usable CPU there; nodes with some: 0"),
        (Wish("0", policy="spread"), "--cpus 0 places by itself"),
        (Wish("all", memory="node:"), "--memory node:: give local, interleave or node:N"),
    ],
)
def test_words_that_are_none_are_refused_with_those_that_are(wish: Wish, message: str) -> None:
    with pytest.raises(SelectionError) as caught:
        placement.placements(wish, flat(0, 1, 2, 3), 3, ("throughput",))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_node_0_can_be_named() -> None:
    places = placement.placements(Wish("all", policy="node:0"), G4, 192, ("throughput",))
    assert places == [Placement(tuple(range(96)), policy="node:0")]


def test_policies_and_memory_are_recorded() -> None:
    spread = placement.placements(Wish("1,all", "spread", "interleave"), G4, 192, ("throughput", "parallel"))
    assert [(p.mode, p.threads) for p in spread] == [
        ("throughput", 1),
        ("throughput", 192),
        ("parallel", 192),
    ]
    assert {(p.policy, p.memory) for p in spread} == {("spread", "interleave")}
    (listed,) = placement.placements(Wish("3"), G4, 192, ("parallel",))
    assert (listed.policy, listed.mode) == ("list", "throughput")


def test_oversubscription_shares_the_largest_set() -> None:
    wish = Wish("1,all", oversubscribe=1.5)
    places = placement.placements(wish, flat(0, 1), 2, ("throughput", "split"))
    crowded = [place for place in places if place.oversubscribed]
    assert [(place.cpus, place.mode) for place in crowded] == [((0, 1, 0), "throughput")]
    assert places[0].cpus == (1,)
    one = placement.placements(Wish("1", oversubscribe=1.2), flat(0, 1), 2, ("parallel",))
    assert one[-1].cpus == (1, 1)


def test_a_ladder_of_192_cpus_times_all_kernels_is_planned_by_looking_at_each_case_once() -> None:
    """The trials are a product; what is slow (cases, whether a variant accepts one) does not multiply."""
    wish = Wish("ladder", oversubscribe=1.5)
    places = placement.placements(wish, G4, 192, ("throughput", "parallel"))
    made = plan.make_plan([], Settings(), plan.PROFILES["standard"], places)
    pairs = {(t.kernel.name, t.variant.name, t.case.name) for t in made.trials}
    single = {(s.kernel, s.variant, s.case) for s in made.skips if s.mode == "parallel"}
    alone = [place for place in places if place.mode == "throughput"]
    assert len(places) == 1 + 11 * 2 + 2
    assert len(made.trials) == len(pairs - single) * len(places) + len(single) * len(alone)
    assert len({trial.key for trial in made.trials}) == len(made.trials)


def paired(which: Pairs, machine: Sites, count: int | None = None) -> list[Placement]:
    places = placement.placements(Wish("all"), machine, count or len(machine), ("throughput",))
    return placement.pairs(which, places, machine)


@given(st.builds(regular, small, small, small, st.integers(1, 2), st.integers(1, 2)))
def test_pairs_have_every_distance_once_or_every_two_cpus(machine: Sites) -> None:
    site_of = {site.cpu: site for site in machine}
    every = paired("all", machine)
    assert len({place.cpus for place in every}) == len(every) == len(machine) * (len(machine) - 1) // 2
    assert len({place.policy for place in every}) == len(every)
    distances = Counter(
        f"pair:{placement.shared(*(site_of[cpu] for cpu in place.cpus), False)}" for place in every
    )
    chosen = paired("distances", machine)
    assert {place.policy for place in chosen} == set(distances)
    assert len(chosen) == len(distances)
    assert all(place.mode == "parallel" and place.threads == 2 for place in (*every, *chosen))


def test_pairs_by_the_smallest_thing_they_share() -> None:
    machine = regular(packages=2, nodes=2, caches=2, cores=2, threads=2)
    found = {place.policy.removeprefix("pair:"): place.cpus for place in paired("distances", machine)}
    assert found == {
        "core": (8, 24),
        "cache": (8, 9),
        "node": (8, 10),
        "package": (8, 12),
        "machine": (4, 8),
    }


def test_clusters_count_where_the_kernel_reports_some() -> None:
    machine = tuple(Site(cpu, cluster=cpu // 2, core=cpu) for cpu in range(4))
    assert {place.policy for place in paired("distances", machine)} == {"pair:cluster", "pair:cache"}


def test_one_cpu_makes_no_pair_and_pairs_stay_within_the_budget() -> None:
    assert paired("all", flat(0)) == []
    assert {cpu for place in paired("all", flat(0, 1, 2, 3), 2) for cpu in place.cpus} == {1, 2}
