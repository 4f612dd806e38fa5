"""Which NUMA nodes memory comes from: asked for, checked beforehand, verified by where pages lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from armbench.bench import cpulist, native
from armbench.bench.machine.layout import node_free_bytes
from armbench.bench.model import Machine
from armbench.bench.run.placement import MEMORY, SelectionError

PAGES = 1024  # that are looked at in a trial
LEAST_PAGES, MOST_PAGES = 4, 64  # of one call's operands
REMOTE_SHARE = 0.05  # of the pages, that may lie elsewhere than asked for


def nodes_of(policy: str, machine: Machine) -> tuple[int, ...]:
    """The nodes of a policy: none for "local", all that have memory for "interleave"."""
    if policy == "local":
        return ()
    if policy == "interleave":
        return tuple(node.id for node in machine.nodes if node.memory_bytes)
    match = MEMORY.fullmatch(policy)
    assert match and match[1]
    return (int(match[1]),)


def check(policy: str, machine: Machine) -> None:
    """Raise SelectionError when this machine cannot place memory so; the message says what to do."""
    if policy == "local":
        return
    known = [node.id for node in machine.nodes if node.memory_bytes]
    if not known:
        raise SelectionError(f"--memory {policy}: the kernel shows no NUMA nodes here; leave it out")
    if missing := set(nodes_of(policy, machine)) - set(known):
        there = cpulist.format(known)
        raise SelectionError(f"--memory {policy}: no node {missing.pop()} with memory; there are: {there}")
    try:
        native.pages_from(policy, nodes_of(policy, machine))
    except native.PagePolicyError as error:
        raise SelectionError(
            f"--memory {policy}: the kernel refuses it ({error.strerror}); leave it out, "
            "or give the container CAP_SYS_NICE"
        ) from error
    finally:
        _back_to_local()


def _back_to_local() -> None:
    with suppress(native.PagePolicyError):  # what was refused has changed nothing
        native.pages_from("local", ())


@contextmanager
def pages_from(policy: str, nodes: Collection[int]) -> Iterator[None]:
    """Run a block with a memory policy; what it starts keeps it, before its first page.

    One that is refused has no effect: `check` said so beforehand, and "local" is the kernel's own.
    """
    with suppress(native.PagePolicyError):
        native.pages_from(policy, nodes)
    try:
        yield
    finally:
        _back_to_local()


def limit(policy: str, free_bytes: int) -> int:
    """How much of the free memory a policy can use."""
    match = MEMORY.fullmatch(policy)
    there = node_free_bytes(int(match[1])) if match and match[1] else None
    return free_bytes if there is None else min(free_bytes, there)


# --- where pages lie -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pages:
    """The share of the operands' pages on each node, None where the kernel does not tell.

    remote: whether more than REMOTE_SHARE of them lie elsewhere than was asked for.
    """

    shares: Mapping[str, float] | None
    remote: bool = False


def lying(data: native.Data, homes: Sequence[int], policy: str, nodes: Sequence[int]) -> Pages:
    """Where a trial's pages lie; homes: the node of the thread that touched each call's first."""
    count = min(MOST_PAGES, max(LEAST_PAGES, PAGES // data.groups))
    found: list[Counter[int]] = []
    for group in range(data.groups):
        seen = data.page_nodes(group, count)
        if seen is None:
            return Pages(None)
        found.append(Counter(node for node in seen if node >= 0))
    return judge(found, homes, policy, nodes)


def judge(found: Sequence[Counter[int]], homes: Sequence[int], policy: str, nodes: Sequence[int]) -> Pages:
    """found: the pages of each call at a time on each node."""
    everywhere: Counter[int] = sum(found, Counter())
    total = everywhere.total()
    if not total:
        return Pages(None)
    shares = {str(node): round(count / total, 4) for node, count in sorted(everywhere.items())}
    if policy == "local":
        at_home = sum(pages[home] for pages, home in zip(found, homes, strict=True))
        return Pages(shares, remote=at_home < (1 - REMOTE_SHARE) * total)
    fair = total / len(nodes)
    spare = REMOTE_SHARE * total + len(nodes) - 1  # a page more or less on each is no fault
    beyond = sum(max(0.0, count - (fair if node in nodes else 0.0)) for node, count in everywhere.items())
    return Pages(shares, remote=beyond > spare)
