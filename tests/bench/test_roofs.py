"""Which roof binds a result, and how far below it is."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from armbench.bench import results, roofs
from armbench.bench.estimates import summarize
from armbench.bench.model import Finding, Result, Session, Work
from armbench.bench.report.session import print_session
from tests.bench import golden
from tests.bench.sessions import result, session


def peak(dtype: str, rate: float, variant: str = "neon", threads: int = 1) -> Result:
    """A roof of so many operations a second of each thread."""
    flops = 1 << 23
    params = {"roof": "peak", "dtype": dtype}
    return made(flops / rate, f"{dtype}-fma", variant, Work(flops=flops), params, threads)


def read(nbytes: int, rate: float, dram: bool = False, threads: int = 1) -> Result:
    params = {"roof": "read", "bytes": nbytes, "size": "dram" if dram else "some"}
    name = "read-dram" if dram else f"read-{nbytes}"
    return made(nbytes / rate, name, "neon", Work(bytes_read=nbytes), params, threads)


def made(
    seconds: float, case: str, variant: str, work: Work, params: dict[str, Any], threads: int = 1
) -> Result:
    return result(
        seconds,
        kernel="roofs",
        case=case,
        variant=variant,
        work=work,
        params=params,
        threads=threads,
        noise=1e-9,
    )


def square(rate: float, dtype: str = "f32", **changes: Any) -> Result:
    """2 x 1024^3 operations on 12 MiB at so many a second."""
    work = Work(flops=2 << 30, bytes_read=8 << 20, bytes_written=4 << 20)
    return result((2 << 30) / rate, work=work, params={"dtype": dtype}, noise=1e-9, **changes)


def decode(rate: float, dtype: str = "int8", **changes: Any) -> Result:
    """Two operations a byte, at so many bytes a second."""
    work = Work(flops=2 << 24, bytes_read=1 << 24)
    changes = {"case": "decode", "cold": True, **changes}
    return result((1 << 24) / rate, work=work, params={"dtype": dtype}, noise=1e-9, **changes)


ROOFS = (
    peak("f32", 100e9),
    peak("int8", 400e9, "i8mm"),
    read(1 << 14, 90e9),
    read(16 << 20, 40e9),
    read(64 << 20, 20e9, dram=True),
)


def of(measured: Result, *others: Result) -> roofs.OfRoof | None:
    return roofs.of_session((*(others or ROOFS), measured)).of(measured)


def test_arithmetic_binds_what_is_used_often() -> None:
    found = of(square(90e9))
    assert found
    assert (found.value, found.roof) == (pytest.approx(0.9, rel=1e-3), "f32-fma neon")


def test_memory_binds_what_is_used_once() -> None:
    found = of(decode(15e9))
    assert found
    assert (found.value, found.roof) == (pytest.approx(0.75, rel=1e-3), "read-dram neon")


def test_what_stays_in_caches_has_the_read_of_its_size() -> None:
    found = of(decode(30e9, cold=False))
    assert found
    assert (found.value, found.roof) == (pytest.approx(0.75, rel=1e-3), "read-16777216 neon")


def test_the_fastest_instruction_of_a_type_counts_and_bf16_may_be_widened() -> None:
    faster = peak("f32", 200e9, "sve")
    found = of(square(100e9), *ROOFS, faster)
    assert found
    assert (found.value, found.roof) == (pytest.approx(0.5, rel=1e-3), "f32-fma sve")
    widened = of(square(50e9, "bf16"))
    assert widened
    assert widened.roof == "f32-fma neon"


def test_roofs_of_other_numbers_of_threads_do_not_count() -> None:
    assert of(square(90e9, threads=2)) is None
    both = of(square(90e9, threads=2), *ROOFS, peak("f32", 95e9, threads=2))
    assert both
    assert both.value == pytest.approx(90 / 95, rel=1e-3)


def test_what_has_no_operations_has_no_roof() -> None:
    assert of(result(1e-3, work=Work(items=5, item="token"), params={})) is None
    assert of(ROOFS[0]) is None


def test_a_library_may_exceed_it() -> None:
    found = of(square(700e9, "bf16", variant="torch"))
    assert found
    assert found.value == pytest.approx(7.0, rel=1e-3)


def test_the_file_says_it_and_reading_computes_it_anew() -> None:
    document = results.to_json(with_roofs())
    written = {r["case"]: r["summary"]["of_roof"] for r in document["results"] if r["variant"] == "neon"}
    assert written["f32-n1024"]["roof"] == "f32-fma neon"
    assert written["f32-fma"] is None
    document["results"] = [r for r in document["results"] if r["kernel"] != "roofs"]
    again = results.to_json(results.from_json(document))
    assert {r["summary"]["of_roof"] for r in again["results"] if r["summary"]["of_roof"] is None} == {None}


def with_roofs(**changes: Any) -> Session:
    return session(
        [
            *ROOFS,
            square(92e9),
            square(41e9, variant="numpy", isa=None),
            decode(15e9, variant="i8mm"),
            decode(14e9, variant="torch", isa=None),
            square(390e9, "int8", case="int8-n1024", variant="i8mm"),
            square(900e9, "int8", case="int8-n1024", variant="torch", isa=None),
        ],
        **changes,
    )


def shown(made: Session, width: int) -> str:
    out = io.StringIO()
    print_session(made, [summarize(r) for r in made.results], None, Console(file=out, width=width))
    return out.getvalue()


def test_the_table_at_80_columns() -> None:
    golden.check("session-roofs-80.txt", shown(with_roofs(), 80))


def test_a_slow_library_gets_its_likely_reason() -> None:
    found = Finding("blas-core-unknown", "OpenBLAS does not know Neoverse V3.", "upgrade it", "slow")
    text = shown(with_roofs(findings=(found,)), 200)
    assert "numpy is at 0.45 of the native code in f32-n1024: blas-core-unknown: OpenBLAS does" in text


def test_a_line_of_libraries_breaks_between_them() -> None:
    slower = [square(rate, variant=name, isa=None) for name, rate in
              (("numpy", 41e9), ("onnxruntime", 82e9), ("torch", 90e9))]  # fmt: skip
    lines = shown(session([*ROOFS, square(92e9), *slower]), 80).splitlines()
    start = next(i for i, line in enumerate(lines) if "  f32-n1024 " in line)
    assert [" ".join(line.split()[-4:]) for line in lines[start : start + 2]] == [
        "numpy 0.45 onnxruntime 0.89",
        "torch 0.98",
    ]


def test_a_rate_above_that_of_memory_is_no_matrix_engine() -> None:
    library = decode(30e9, variant="torch", isa=None)
    text = shown(session([*ROOFS, decode(25e9, variant="i8mm"), library]), 80)
    assert "torch 1.20" in text
    assert "torch 1.20*" not in text
    assert "instructions of which none" not in text
    assert "Above 100 %: the machine was slower while that roof was measured." in text
