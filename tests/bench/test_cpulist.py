from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armbench.bench import cpulist


@given(st.lists(st.integers(0, 300), min_size=1))
def test_the_order_of_threads_survives(cpus: list[int]) -> None:
    assert cpulist.parse(cpulist.in_order(cpus)) == tuple(cpus)


@given(st.sets(st.integers(0, 300), min_size=1))
def test_format_is_sorted(cpus: set[int]) -> None:
    assert cpulist.parse(cpulist.format(cpus)) == tuple(sorted(cpus))


def test_the_kernels_format() -> None:
    assert cpulist.format([8, 0, 1, 2, 3]) == "0-3,8"
    assert cpulist.in_order([4, 0, 1]) == "4,0-1"
    assert cpulist.parse("0-3,8\n") == (0, 1, 2, 3, 8)


@pytest.mark.parametrize("text", ["", "a", "1-", "1,,2", "3-1", "-1"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        cpulist.parse(text)
