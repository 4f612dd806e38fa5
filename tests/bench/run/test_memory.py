"""Memory policies: what is refused beforehand, and what pages that lie elsewhere are called."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armbench.bench import machine, native
from armbench.bench.model import Machine, Node
from armbench.bench.run import memory
from armbench.bench.run.placement import SelectionError

GIB = 1 << 30


def of_nodes(*memory_bytes: int | None) -> Machine:
    nodes = tuple(Node(i, str(i), size, ()) for i, size in enumerate(memory_bytes))
    return replace(machine.detect(), nodes=nodes)


def test_the_nodes_of_a_policy_are_those_with_memory() -> None:
    found = of_nodes(GIB, 0, None, GIB)
    assert memory.nodes_of("local", found) == ()
    assert memory.nodes_of("interleave", found) == (0, 3)
    assert memory.nodes_of("node:3", found) == (3,)


@pytest.mark.parametrize(
    ("policy", "nodes", "message"),
    [
        ("node:5", (GIB, GIB), "--memory node:5: no node 5 with memory; there are: 0-1"),
        ("node:1", (GIB, 0), "no node 1 with memory; there are: 0"),
        ("interleave", (), "--memory interleave: the kernel shows no NUMA nodes here; leave it out"),
        ("node:0", (None,), "the kernel shows no NUMA nodes here"),
    ],
)
def test_nodes_that_are_not_there(policy: str, nodes: tuple[int | None, ...], message: str) -> None:
    with pytest.raises(SelectionError) as caught:
        memory.check(policy, of_nodes(*nodes))
    assert message in str(caught.value)


def test_a_kernel_that_refuses_is_told_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def refuse(policy: str, nodes: object) -> None:
        tried.append(policy)
        raise native.PagePolicyError(1, "Operation not permitted")

    monkeypatch.setattr(native, "pages_from", refuse)
    with pytest.raises(SelectionError, match="Operation not permitted") as caught:
        memory.check("interleave", of_nodes(GIB, GIB))
    assert caught.value.exit_code == 2
    assert tried[0] == "interleave"
    memory.check("local", of_nodes())
    with memory.pages_from("local", ()):
        pass  # the kernel's own, whatever it says


def test_the_policy_of_a_block_ends_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, tuple[int, ...]]] = []
    monkeypatch.setattr(native, "pages_from", lambda policy, nodes: told.append((policy, tuple(nodes))))
    with memory.pages_from("interleave", (0, 1)):
        assert told == [("interleave", (0, 1))]
    assert told[-1] == ("local", ())


# --- where pages lie -----------------------------------------------------------------------


def pages(*counts: dict[int, int]) -> list[Counter[int]]:
    return [Counter(count) for count in counts]


@pytest.mark.parametrize(
    ("found", "homes", "policy", "nodes", "shares", "remote"),
    [
        (pages({0: 64}), [0], "local", (), {"0": 1.0}, False),
        (pages({0: 64}, {1: 64}), [0, 1], "local", (), {"0": 0.5, "1": 0.5}, False),
        (pages({0: 64}, {0: 64}), [0, 1], "local", (), {"0": 1.0}, True),
        (pages({0: 97, 1: 3}), [0], "local", (), {"0": 0.97, "1": 0.03}, False),
        (pages({0: 90, 1: 10}), [0], "local", (), {"0": 0.9, "1": 0.1}, True),
        (pages({1: 64}), [0], "node:1", (1,), {"1": 1.0}, False),
        (pages({1: 32, 0: 32}), [0], "node:1", (1,), {"0": 0.5, "1": 0.5}, True),
        (pages({0: 33, 1: 31}), [0], "interleave", (0, 1), {"0": 0.5156, "1": 0.4844}, False),
        (pages({0: 64}), [0], "interleave", (0, 1), {"0": 1.0}, True),
        (pages({0: 1}), [0], "interleave", (0, 1), {"0": 1.0}, False),  # one page cannot be in two places
    ],
)
def test_pages_elsewhere_than_asked(
    found: list[Counter[int]],
    homes: list[int],
    policy: str,
    nodes: tuple[int, ...],
    shares: dict[str, float],
    remote: bool,
) -> None:
    assert memory.judge(found, homes, policy, nodes) == memory.Pages(shares, remote)


def test_untouched_pages_tell_nothing() -> None:
    assert memory.judge(pages({}), [0], "local", ()) == memory.Pages(None)


@given(st.lists(st.dictionaries(st.integers(0, 7), st.integers(1, 64), min_size=1), min_size=1, max_size=5))
def test_shares_add_up_to_one(found: list[dict[int, int]]) -> None:
    judged = memory.judge(pages(*found), [0] * len(found), "local", ())
    assert judged.shares is not None
    assert sum(judged.shares.values()) == pytest.approx(1, abs=1e-3)
