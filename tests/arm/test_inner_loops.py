"""The inner loops of the Arm tiles, in the objects of the reference build."""

from __future__ import annotations

import pytest

from tests.comparisons import arm_inner_loops as inner

pytestmark = pytest.mark.skipif(
    not inner.disassembler(), reason="needs a disassembler for aarch64 (binutils)"
)
TILES = ("_tile", "_few")  # of matmul; what packs or streams rows beside them is bound by memory


def test_no_tile_of_matmul_spills_a_register() -> None:
    found = [loop for loop in inner.loops() if loop.kernel == "matmul" and loop.function.endswith(TILES)]
    assert len({loop.variant for loop in found}) >= 8
    assert {loop.function: loop.spills for loop in found if loop.spills} == {}


def test_every_peak_loop_is_nothing_but_its_instruction() -> None:
    """What a roof measures: multiply-adds, one counter, one branch."""
    found = [loop for loop in inner.loops() if loop.kernel == "roofs"]
    assert len(found) >= 14
    for loop in found:
        others = [line for line in loop.body if not inner.MACS.match(line)]
        assert len(others) <= 3, (loop.variant, loop.function, others)


@pytest.mark.skipif(not inner.tool("llvm-mca"), reason="needs llvm-mca of LLVM 22")
def test_the_page_has_the_table_of_this_build() -> None:
    assert inner.PAGE.read_text().partition(inner.MARK)[2].strip() == inner.table().strip()
