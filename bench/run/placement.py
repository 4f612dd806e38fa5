"""Which CPUs a trial runs on: ladders, policies, splits.  Pure; sites come from bench.machine.

Policies put the usable CPUs in an order, and N CPUs are the first N of it.

compact  fills one core after the other through a cluster, a last-level cache, a node, a package,
         before the next; SMT siblings come last, when every core of the machine has a thread
spread   takes packages, nodes, last-level caches and clusters in turn; siblings last, too
node:N   compact, within that node

CPU 0, which takes most interrupts, comes last: of its core, and its core's group at every level
after the others, so that groups stay whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, cycle, islice, zip_longest

from armbench.bench import cpulist
from armbench.bench.errors import UserError
from armbench.bench.model import Mode, Pairs, Placement, Site

POLICY = re.compile(r"compact|spread|node:([0-9]{1,4})", re.ASCII)
MEMORY = re.compile(r"local|interleave|node:([0-9]{1,4})", re.ASCII)
LEVELS: tuple[Callable[[Site], Hashable], ...] = (
    lambda site: site.package,
    lambda site: site.node,
    lambda site: site.cache,
    lambda site: site.cluster,
)
LEAST_GROUP = 4  # cores, below which a cache or cluster is no place where a curve could bend
NEIGHBOUR_SHARE = 48  # of a node, by which the ladder steps beside its boundary


class SelectionError(UserError):
    """The user named something that does not exist; the message is one line that says what does."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for: the words of --cpus, --placement, --memory and --oversubscribe."""

    cpus: str
    policy: str = "compact"
    memory: str = "local"
    oversubscribe: float | None = None


# --- orders --------------------------------------------------------------------------------


def order(sites: Sequence[Site], policy: str) -> tuple[int, ...]:
    """The CPUs in the order of a policy; none when node:N has none of them."""
    if node := _node_of(policy):
        sites = [site for site in sites if site.node == int(node)]
    rank = _thread_ranks(sites)
    arrange = _spread if policy == "spread" else _compact
    ranked = [[site for site in sites if rank[site.cpu] == r] for r in sorted(set(rank.values()))]
    return tuple(cpu for group in ranked for cpu in arrange(group, LEVELS))


def _node_of(policy: str) -> str | None:
    match = POLICY.fullmatch(policy)
    return match[1] if match else None


def _thread_ranks(sites: Sequence[Site]) -> dict[int, int]:
    """{CPU: how many threads of its core come before it}."""
    ranks: dict[int, int] = {}
    for core in _groups(sites, lambda site: site.core):
        ranks.update({site.cpu: rank for rank, site in enumerate(sorted(core, key=_cpu_zero_last))})
    return ranks


def _cpu_zero_last(site: Site) -> tuple[bool, int]:
    return site.cpu == 0, site.cpu


def _groups(sites: Iterable[Site], key: Callable[[Site], Hashable]) -> list[list[Site]]:
    """The sites by a level, in the order of their first CPUs; the group of CPU 0's core last."""
    found: dict[Hashable, list[Site]] = {}
    for site in sites:
        found.setdefault(key(site), []).append(site)
    return sorted(found.values(), key=_core_zero_last)


def _core_zero_last(group: Sequence[Site]) -> tuple[bool, int]:
    return any(site.core == 0 for site in group), min(site.cpu for site in group)


def _compact(sites: Sequence[Site], levels: Sequence[Callable[[Site], Hashable]]) -> list[int]:
    if not levels:
        return [site.cpu for site in sorted(sites, key=_cpu_zero_last)]
    return [cpu for group in _groups(sites, levels[0]) for cpu in _compact(group, levels[1:])]


def _spread(sites: Sequence[Site], levels: Sequence[Callable[[Site], Hashable]]) -> list[int]:
    if not levels:
        return [site.cpu for site in sorted(sites, key=_cpu_zero_last)]
    columns = [_spread(group, levels[1:]) for group in _groups(sites, levels[0])]
    return [cpu for row in zip_longest(*columns) for cpu in row if cpu is not None]


# --- counts --------------------------------------------------------------------------------


def ladder(sites: Sequence[Site], ordered: Sequence[int]) -> list[int]:
    """1, 2, 4, … up to all CPUs of an order, and every count at which it has filled a group.

    A boundary between nodes, or between first and further threads of cores, gets a point on both
    sides too, a 48th of the node away (at least a CPU): 94, 96 and 98 with nodes of 96 CPUs.
    """
    total = len(ordered)
    site_of = {site.cpu: site for site in sites}
    chosen = [site_of[cpu] for cpu in ordered]
    rank = _thread_ranks(chosen)
    counts = {1 << power for power in range(total.bit_length())} | {total}
    for level in LEVELS:
        filled = _filled([(rank[site.cpu], level(site)) for site in chosen])
        counts.update(at for at, size in filled if size >= LEAST_GROUP)
    for groups in ([(rank[s.cpu], s.node) for s in chosen], [rank[s.cpu] for s in chosen]):
        for at, size in _filled(groups):
            step = max(1, size // NEIGHBOUR_SHARE)
            counts |= {at - step, at, at + step}
    return sorted(count for count in counts if 0 < count <= total)


def _filled(groups: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Of each CPU's group: (CPUs so far, CPUs of the last group) where all groups begun are whole.

    The end is left out.
    """
    left, sizes = Counter(groups), Counter(groups)
    begun: set[Hashable] = set()
    found = []
    for at, group in enumerate(groups[:-1], 1):
        begun.add(group)
        left[group] -= 1
        if not left[group]:
            begun.remove(group)
            if not begun:
                found.append((at, sizes[group]))
    return found


def divisors(count: int) -> list[int]:
    return [n for n in range(1, count + 1) if count % n == 0]


# --- splits --------------------------------------------------------------------------------


def split(sites: Sequence[Site], ordered: Sequence[int], count: int, instances: int) -> tuple[int, ...]:
    """`count` CPUs for so many instances, one instance's behind another's.

    An instance gets CPUs that share a last-level cache where it fits into one, else a node, in the
    order given; what no node has room for takes what is left.
    """
    each = count // instances
    site_of = {site.cpu: site for site in sites}
    rank = _thread_ranks(sites)
    free, taken = list(ordered), list[int]()
    levels: list[Callable[[int], Hashable]] = [
        lambda cpu: (rank[cpu], site_of[cpu].node, site_of[cpu].cache),
        lambda cpu: (rank[cpu], site_of[cpu].node),
        lambda cpu: site_of[cpu].node,
        lambda cpu: None,
    ]
    for level in levels:
        found: dict[Hashable, list[int]] = {}
        for cpu in free:
            found.setdefault(level(cpu), []).append(cpu)
        for group in found.values():
            room = min(len(group) // each, instances - len(taken) // each)
            taken += group[: room * each]
        gone = set(taken)
        free = [cpu for cpu in free if cpu not in gone]
    return tuple(taken)


# --- placements ----------------------------------------------------------------------------


def placements(wish: Wish, sites: Sequence[Site], budget: int, modes: Sequence[Mode]) -> list[Placement]:
    """Every placement that was asked for; `sites` of the CPUs that may be used, `budget` of them at a time.

    Raises SelectionError for a word that is none, a CPU that may not be used or a node without one.
    """
    _check_words(wish)
    words = wish.cpus.split(",")
    if not set(words) <= {"1", "all", "ladder"}:
        ordered, counts = _explicit(wish, sites, budget), None
    else:
        ordered = _ordered(wish, sites)[:budget]
        wanted = {"1": [1], "all": [len(ordered)], "ladder": ladder(sites, ordered)}
        counts = sorted({count for word in words for count in wanted[word]})
    sets = [ordered if counts is None else tuple(sorted(ordered[:n])) for n in counts or [len(ordered)]]
    policy = "list" if counts is None else wish.policy
    places: list[Placement] = []
    for cpus in sets:
        places += _of_modes(cpus, modes, policy, wish.memory, sites, ordered)
    return places + _crowded(wish, sets[-1], modes, policy)


def _of_modes(
    cpus: tuple[int, ...],
    modes: Sequence[Mode],
    policy: str,
    memory: str,
    sites: Sequence[Site],
    ordered: Sequence[int],
) -> list[Placement]:
    """On one CPU all modes are the same thing, which is measured once."""
    if len(cpus) == 1:
        return [Placement(cpus, "throughput", policy, memory)]
    places = []
    for mode in modes:
        if mode != "split":
            places.append(Placement(cpus, mode, policy, memory))
            continue
        for instances in divisors(len(cpus)):
            mine = split(sites, ordered, len(cpus), instances)
            places.append(Placement(mine, mode, policy, memory, instances))
    return places


def _crowded(wish: Wish, cpus: tuple[int, ...], modes: Sequence[Mode], policy: str) -> list[Placement]:
    """More threads than CPUs, in turn; a split of them would measure the scheduler, so there is none."""
    if wish.oversubscribe is None:
        return []
    threads = max(len(cpus) + 1, round(wish.oversubscribe * len(cpus)))
    shared = tuple(islice(cycle(cpus), threads))
    return [Placement(shared, mode, policy, wish.memory) for mode in modes if mode != "split"]


# --- pairs ---------------------------------------------------------------------------------


def pairs(which: Pairs, places: Sequence[Placement], sites: Sequence[Site]) -> list[Placement]:
    """Two of the CPUs of these placements: the first pair of each distance in compact order, or every two."""
    used = set(chain.from_iterable(place.cpus for place in places))
    mine = {site.cpu: site for site in sites if site.cpu in used}
    clusters = len({site.cluster for site in sites}) > 1
    memory = places[0].memory if places else "local"
    found: dict[str, tuple[int, int]] = {}
    for a, b in combinations(order(tuple(mine.values()), "compact"), 2):
        two = min(a, b), max(a, b)
        name = shared(mine[a], mine[b], clusters) if which == "distances" else f"{two[0]},{two[1]}"
        found.setdefault(name, two)
    return [Placement(two, "parallel", f"pair:{name}", memory) for name, two in found.items()]


def shared(a: Site, b: Site, clusters: bool) -> str:
    """The smallest thing that two CPUs share; `clusters` whether the kernel reports some."""
    same = {
        "core": a.core == b.core,
        "cluster": clusters and a.cluster == b.cluster,
        "cache": a.cache == b.cache,
        "node": a.node == b.node,
        "package": a.package == b.package,
    }
    return next((name for name, is_so in same.items() if is_so), "machine")


def _check_words(wish: Wish) -> None:
    if not POLICY.fullmatch(wish.policy):
        raise SelectionError(f"--placement {wish.policy}: give compact, spread or node:N")
    if not MEMORY.fullmatch(wish.memory):
        raise SelectionError(f"--memory {wish.memory}: give local, interleave or node:N")


def _ordered(wish: Wish, sites: Sequence[Site]) -> tuple[int, ...]:
    found = order(sites, wish.policy)
    if not found:
        known = cpulist.format({site.node for site in sites})
        raise SelectionError(f"--placement {wish.policy}: no usable CPU there; nodes with some: {known}")
    return found


def _explicit(wish: Wish, sites: Sequence[Site], budget: int) -> tuple[int, ...]:
    text, usable = wish.cpus, [site.cpu for site in sites]
    if wish.policy != "compact":
        raise SelectionError(f"--cpus {text} places by itself; leave --placement {wish.policy} out")
    try:
        wanted = cpulist.parse(text)
    except ValueError:
        raise SelectionError(f"--cpus {text}: give 1, all, ladder or a list such as 0-3,8") from None
    if twice := sorted({cpu for cpu in wanted if wanted.count(cpu) > 1}):
        raise SelectionError(
            f"--cpus {text}: CPU {cpulist.format(twice)} twice; name each once (--oversubscribe shares them)"
        )
    if foreign := [cpu for cpu in wanted if cpu not in usable]:
        raise SelectionError(
            f"--cpus {text}: CPU {cpulist.format(foreign)} may not be used here; "
            f"these may: {cpulist.format(usable)}"
        )
    if len(wanted) > budget:
        raise SelectionError(f"--cpus {text}: {len(wanted)} CPUs, but the budget is {budget}; name fewer")
    return wanted
