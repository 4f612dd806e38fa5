"""Roofs of this machine for the comparisons beside it, measured when asked: of one CPU, by the suite's loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from armbench.bench import native
from armbench.bench.model import Case, Settings
from armbench.kernels.roofs import KERNEL

COLD_BYTES = 1 << 30  # of all copies together: several times a last-level cache


def native_calls(
    variant: native.NativeVariant, case: Case, data: native.Data, calls: int, warmup: int = 0
) -> float:
    """Seconds of one call, when so many are made, after `warmup` times as many."""
    ticks = data.team.measure(variant, case.native_params, data, calls, warmup, 1).ticks
    return float(ticks[-1, 0]) / native.tick_hz() / calls


class MeasuredRoofs:
    """Rates of the machine, in operations, bytes or loads a second."""

    def __init__(self, cpu: int):
        self.cpu = cpu
        self.cases = {case.name: case for case in KERNEL.cases(Settings())}

    def best(self, names: Sequence[str]) -> float:
        """The best of these cases on any variant that runs here; 0 if none does."""
        return max((rate for name in names for rate in self.rates(name).values()), default=0.0)

    def rates(self, name: str) -> dict[str, float]:
        """{variant: rate} of all that run here."""
        with self.loaded(name) as measure:
            return measure(4)

    @contextmanager
    def loaded(self, name: str, warmup: int = 0) -> Iterator[Callable[[int], dict[str, float]]]:
        """The same as a function of the number of calls, at least one of every copy in memory."""
        case = self.cases[name]
        problem = KERNEL.problem(case, Settings(), 1)
        operands = {o.name: o.data for o in problem.operands}
        outputs = [o.name for o in problem.operands if o.output]
        size = sum(array.nbytes for array in operands.values())
        copies = -(-COLD_BYTES // size) if case.cold else 1
        work = problem.work
        amount = work.flops or work.bytes_read + work.bytes_written or work.items
        names = dict.fromkeys(v.name for v in native.variants() if v.kernel == "roofs")
        found = [native.find("roofs", variant, case.operation) for variant in names]
        able = [v for v in found if v and v.supported]
        with native.Team([self.cpu]) as team:
            data = team.load(operands, outputs, copies, "throughput", seed=1)
            yield lambda calls: {
                v.name: amount / native_calls(v, case, data, max(calls, copies), warmup) for v in able
            }
            data.close()
