"""The inner loops of the Arm tiles, in the objects of the reference build."""

from __future__ import annotations

import pytest

from tests.comparisons import arm_inner_loops as inner

pytestmark = pytest.mark.skipif(
    not inner.disassembler(), reason="needs a disassembler for aarch64 (binutils)"
)


def test_no_inner_loop_spills_a_register() -> None:
    found = list(inner.loops())
    for kernel, least in {"matmul": 8, "attention": 5, "roofs": 8}.items():
        assert len({loop.variant for loop in found if loop.kernel == kernel}) >= least
    assert {(loop.variant, loop.function): loop.spills for loop in found if loop.spills} == {}


def test_every_peak_loop_is_nothing_but_its_instruction() -> None:
    """What a roof measures: multiply-adds, one counter, one branch."""
    found = [loop for loop in inner.loops() if loop.kernel == "roofs"]
    assert len(found) >= 14
    for loop in found:
        others = [line for line in loop.body if not inner.MACS.match(line)]
        assert len(others) <= 3, (loop.variant, loop.function, others)


def test_an_outer_product_costs_a_load_of_a_vector_and_no_other_access() -> None:
    found = [loop for loop in inner.outer_products() if loop.kernel != "roofs"]
    assert {loop.variant for loop in found} == {"sme", "sme-f64"}
    assert len(found) == 5  # f32, bf16, f16 and f64 of matmul, f32 of attention
    for loop in found:
        products = sum(map(bool, map(inner.OUTER_PRODUCTS.match, loop.body)))
        accesses = [line for line in loop.body if "[" in line]
        assert products == len(accesses) == 4, (loop.variant, loop.function, loop.body)
        assert all(line.startswith("ld1") for line in accesses)


@pytest.mark.skipif(not inner.tool("llvm-mca"), reason="needs llvm-mca of LLVM 22")
def test_the_page_has_the_table_of_this_build() -> None:
    assert inner.PAGE.read_text().partition(inner.MARK)[2].strip() == inner.table().strip()
