"""`armbench list` for people: within the width, and without what it has no use for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from armbench.bench import registry
from armbench.bench.model import Case, Variant
from armbench.bench.report.listing import listing_lines

VARIANTS = (
    Variant("matmul", "scalar", isa="scalar"),
    Variant("matmul", "avx512-vnni", isa="avx512-vnni", why_not="CPU lacks avx512f, avx512dq, avx512_vnni"),
    Variant("matmul", "torch", why_not="torch is not installed", extra="torch"),
)
CASES = [Case(f"f32-n{n}", {}, "f32", (n,), tier="core" if n < 6 else "full") for n in range(20)]


@pytest.mark.parametrize("width", [50, 80, 120])
def test_all_is_told_and_no_line_is_too_wide(width: int) -> None:
    kernels = {"matmul": registry.kernels()["matmul"]}
    told = listing_lines(kernels, {"matmul": VARIANTS}, {"matmul": CASES}, width)
    lines = ["".join(text for text, _ in line) for line in told]
    assert all(len(line) <= width for line in lines)
    words = " ".join(" ".join(lines).split())
    assert "scalar runs here avx512-vnni CPU lacks avx512f, avx512dq, avx512_vnni torch torch is not" in words
    assert "(EXTRAS=torch) core cases: f32-n0, " in words and " full cases: f32-n6, " in words


def test_a_kernel_without_variants_and_cases() -> None:
    kernels = {"matmul": registry.kernels()["matmul"]}
    assert len(list(listing_lines(kernels, {"matmul": ()}, {"matmul": ()}, 80))) == 2


def test_nothing_is_loaded_that_only_other_verbs_use() -> None:
    code = (
        "import io, sys; from armbench.bench import cli\n"
        "assert cli.run(['list'], io.StringIO(), io.StringIO()) == 0\n"
        "others = {'rich', 'psutil', 'threadpoolctl', 'jsonschema', 'tiktoken', 'tokenizers', 'torch'}\n"
        "print(*sorted(others & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
