"""A chain has as many steps as it says: what selftest rests on."""

from __future__ import annotations

import numpy as np
import pytest

from armbench.bench import native
from armbench.bench.model import Settings
from armbench.kernels import chains


def ends(
    operation: str,
    steps: int,
    repeats: int,
    x: list[int],
    following: np.ndarray,
    calls: int = 1,
    goes_on: bool = False,
) -> int:
    found = native.find("chains", "scalar", operation)
    assert found
    y = np.empty(1, np.int64)
    bound = native.Bound(found, (steps, repeats, int(goes_on)), [np.array(x, np.int64), following, y])
    for _ in range(calls):
        bound()
    return int(y[0])


@pytest.mark.parametrize("steps", [10, 1000, 1010, 1020, 1050])
@pytest.mark.parametrize("repeats", [1, 7])
def test_chains_have_exactly_so_many_steps(steps: int, repeats: int) -> None:
    assert ends("add", steps, repeats, [5, 1], np.zeros(1, np.int64)) == 5 + steps * repeats
    line = np.arange(1, steps * repeats + 2)
    assert ends("chase", steps, repeats, [0, -1], line) == steps * repeats


def test_a_chase_begins_anew_or_goes_on_where_the_call_before_it_ended() -> None:
    line = np.arange(1, 102)
    assert ends("chase", 10, 2, [40, -1], line, calls=3) == 40 + 20
    assert ends("chase", 10, 2, [40, -1], line, calls=3, goes_on=True) == 40 + 3 * 20


def test_a_chase_visits_every_node_before_it_returns() -> None:
    following = chains.cycle(1000, seed=3)
    seen, at = set(), 0
    for _ in range(1000):
        seen.add(at)
        at = int(following[at])
    assert (len(seen), at) == (1000, 0)


def test_the_environment_makes_chains_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(chains.VARIABLE, "add-5=1010 chase-16k-2=1020")
    steps = {case.name: case.native_params[0] for case in chains.cases(Settings())}
    assert {name: n for name, n in steps.items() if n != chains.STEPS} == {"add-5": 1010, "chase-16k-2": 1020}


def test_other_lengths_are_refused() -> None:
    with pytest.raises(native.NativeError, match="does not accept"):
        ends("add", 1001, 1, [0, 1], np.zeros(1, np.int64))
