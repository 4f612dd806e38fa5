"""Tables of a session: golden text, and nothing wider than the terminal."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from armbench.bench import estimates
from armbench.bench.model import Core, Failure, Session, Skip, Work
from armbench.bench.report.session import headline, print_session, skip_lines
from tests.bench import golden
from tests.bench.sessions import DECODE, GRAVITON4, TEXT, result, session


def printed(shown: Session, width: int = 80, share: float | None = 0.876) -> str:
    out = io.StringIO()
    summaries = [estimates.summarize(r) for r in shown.results]
    print_session(shown, summaries, share, Console(file=out, width=width))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def trials(*places: tuple[int, Any]) -> list[Any]:
    found = []
    for threads, mode in places:
        for variant, seconds in (("neon", 9.87e-3), ("sve", 8.1e-3), ("numpy", 11e-3)):
            each = seconds / (threads if mode == "parallel" else 1)
            found.append(result(each, case="f32-n1024", variant=variant, threads=threads, mode=mode))
        found.append(
            result(11e-3, case="f32-m1-k4096-n4096", variant="numpy", work=DECODE, threads=threads, mode=mode)
        )
        found.append(result(180e-6, kernel="tokenization", case="o200k-json-2k-encode", work=TEXT,
                            variant="scalar", threads=threads, mode=mode))  # fmt: skip
    return found


def whole(*places: tuple[int, Any]) -> Session:
    measured = trials(*places)
    flagged = tuple(replace(process, flags=("preempted", "not_steady")) for process in measured[0].processes)
    measured[0] = replace(measured[0], processes=flagged)
    return session(
        measured,
        GRAVITON4,
        failed=(Failure("matmul", "sve2", "f32-n1024", "killed by SIGILL"),),
        skipped=(
            Skip("matmul", "scalar", "over 0.3 Gflop a call", "f32-n1024"),
            Skip("matmul", "avx2", "for x86_64"),
            Skip("attention", "avx2", "for x86_64"),
        ),
    )


def test_places_side_by_side() -> None:
    golden.check("session-80.txt", printed(whole((1, "throughput"), (4, "throughput"))))


def test_places_one_below_another() -> None:
    places = ((1, "throughput"), (2, "throughput"), (4, "throughput"), (4, "parallel"))
    golden.check("session-places-80.txt", printed(whole(*places)))


@pytest.mark.parametrize("width", [80, 100, 160])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    text = printed(whole((1, "throughput"), (4, "throughput")), width)
    assert max(map(len, text.splitlines())) <= width


def test_what_is_partial_or_emulated_says_so() -> None:
    shown = whole((1, "throughput"))
    assert "PARTIAL" in printed(replace(shown, session={**shown.session, "partial": True}))
    assert "times mean nothing" in printed(replace(shown, machine=replace(shown.machine, emulated=True)))


def test_a_machine_is_named_by_its_cores_short_name() -> None:
    core = Core("Intel family 6 model 207 (Emerald Rapids)", "GenuineIntel", "6/207", 0, 1, "0-3")
    machine = replace(GRAVITON4, cores=(core,), chip="Intel(R) Xeon(R) Processor", instance=None)
    assert headline(machine) == "Intel(R) Xeon(R) Processor, 4 x Emerald Rapids, 2.800 GHz"


def test_many_variants_skipped_for_one_reason_are_counted() -> None:
    names = [f"v{i}" for i in range(6)]
    skips = [Skip(kernel, name, "for aarch64") for kernel in ("matmul", "roofs") for name in names]
    assert skip_lines(skips[:8]) == [
        "not run: matmul/v0, matmul/v1, matmul/v2, matmul/v3, matmul/v4, matmul/v5, roofs/v0, roofs/v1: for aarch64"
    ]
    assert skip_lines(skips) == ["not run: 6 of matmul, 6 of roofs (see armbench list): for aarch64"]


def pair(a: int, b: int, ns: float, policy: str | None = None) -> Any:
    """A line handed over 4096 times between two CPUs."""
    which, case = ("distances", "handover") if policy else ("all", "handover-all")
    return result(4096 * ns * 1e-9, kernel="roofs", variant="scalar", case=case, threads=2, mode="parallel",
                  work=Work(items=4096, item="handover"), params={"roof": "handover", "pairs": which},
                  cpus=(a, b), placement=policy or f"pair:{a},{b}")  # fmt: skip


def test_pairs_by_distance_and_as_a_matrix() -> None:
    nearest = [pair(2, 3, 21, "pair:cluster"), pair(1, 2, 55, "pair:cache")]
    every = [pair(a, b, 21 if a // 2 == b // 2 else 50 + a + b) for b in range(4) for a in range(b)]
    golden.check("session-pairs-80.txt", printed(session([*nearest, *every], GRAVITON4)))


def test_many_pairs_are_one_line() -> None:
    every = [pair(a, b, 50 + a + b) for b in range(20) for a in range(b)]
    text = printed(session(every, GRAVITON4))
    assert "190 pairs of CPUs 0-19: median 69.0 ns, 51.0 ns of 0 and 1 to 87.0 ns of 18 and 19" in " ".join(
        text.split()
    )
