from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from armbench.bench import compare as comparing
from armbench.bench.compare import Comparison, exit_code, unpaired, verdict_line
from armbench.bench.compare.verdicts import Row
from armbench.bench.machine import comparability
from armbench.bench.model import Core, Failure, Machine, Node, Result, Session, Skip, Smbios, Verified, Work
from tests.bench.sessions import (
    CHAIN,
    DECODE,
    GRAVITON3,
    GRAVITON4,
    GRAVITON4_LARGE,
    SQUARE,
    TEXT,
    XEON,
    result,
    session,
)


def compare(base: Session | Sequence[Session], new: Session | Sequence[Session]) -> Comparison:
    bases = [base] if isinstance(base, Session) else base
    news = [new] if isinstance(new, Session) else new
    return comparing.compare(bases, news)


def one(base: Result, new: Result, **changes: Any) -> Row:
    (row,) = compare(session([base]), session([new], name="new", **changes)).rows
    return row


def suite(factor: float = 1.0, seed: int = 0, count: int = 8, **changes: Any) -> list[Result]:
    """Trials of several cases, the first `factor` times as long as it should be."""
    return [
        result((factor if i == 0 else 1.0) * (i + 1) * 1e-3, case=f"f32-n{i}", seed=seed, **changes)
        for i in range(count)
    ]


# --- verdicts ------------------------------------------------------------------------------


def test_the_same_samples_are_the_same() -> None:
    row = one(result(), result())
    assert row.verdict == "same"
    assert row.ratio is not None
    assert row.ratio.value == 1.0
    assert row.within is not None
    assert 0 < row.within < 0.01


@pytest.mark.parametrize("seed", range(1, 6))
def test_no_difference_is_found_where_there_is_none(seed: int) -> None:
    found = compare(session(suite()), session(suite(seed=seed), name="new"))
    assert {row.verdict for row in found.rows} <= {"same", "undecided"}
    assert exit_code([found], gate=True) == 0


def test_alarms_are_rare_and_balanced_where_sessions_differ_as_the_prior_says() -> None:
    """400 A/A trials whose sessions differ by the prior: at most 2 % called different."""
    random = np.random.default_rng(2)
    verdict = []
    for seed in range(50):
        shift = np.exp(0.003 * random.standard_normal((2, 8)))
        sides = [
            [
                replace(r, calls=1, tick_hz=round(r.tick_hz * s))
                for r, s in zip(suite(seed=n), row, strict=True)
            ]
            for n, row in zip((2 * seed, 2 * seed + 1), shift, strict=True)
        ]
        found = compare(session(sides[0]), session(sides[1], XEON, name="new"))
        verdict += [row.verdict for row in found.rows if row.matched]
    assert len(verdict) == 400
    assert verdict.count("slower") + verdict.count("faster") <= 8
    assert verdict.count("same") > 100


@pytest.mark.parametrize(("factor", "verdict"), [(1.05, "slower"), (1 / 1.05, "faster")])
def test_five_percent_is_found_and_no_more(factor: float, verdict: str) -> None:
    found = compare(session(suite()), session(suite(factor, seed=1), name="new"))
    changed, *others = found.rows
    assert changed.verdict == verdict
    assert changed.ratio is not None
    assert changed.ratio.low < factor < changed.ratio.high
    assert {row.verdict for row in others} <= {"same", "undecided"}


def test_five_percent_of_streaming_from_memory_is_less_than_sessions_differ() -> None:
    row = one(result(work=DECODE), result(10.5e-3, work=DECODE))
    assert (row.verdict, row.noise) == ("undecided", "stream")
    assert row.detectable == pytest.approx(math.expm1(3 * math.sqrt(2) * 0.05), rel=0.01)
    assert row.sessions_needed == pytest.approx((3.1 * math.sqrt(2) * 0.05 / math.log(1.05)) ** 2, abs=1)
    assert one(result(work=DECODE), result(13e-3, work=DECODE)).verdict == "slower"


def test_a_difference_below_the_margin_is_none() -> None:
    row = one(result(work=CHAIN, noise=1e-5), result(10.03e-3, work=CHAIN, noise=1e-5, seed=1))
    assert row.verdict == "same"
    assert one(result(work=CHAIN, noise=1e-5), result(10.07e-3, work=CHAIN, noise=1e-5)).verdict == "slower"


def test_the_margin_is_two_ticks_where_ticks_are_coarse() -> None:
    coarse = result(10e-3, tick_hz=10_000, noise=0.0)
    assert one(coarse, coarse).margin == pytest.approx(0.02)


def test_constant_samples_leave_the_noise_between_sessions() -> None:
    row = one(result(noise=0.0), result(noise=0.0))
    assert row.verdict == "same"
    assert row.ratio is not None
    assert row.ratio.high == pytest.approx(math.exp(1.96 * math.sqrt(2) * 0.003), rel=1e-4)
    assert one(result(noise=0.0), result(10.1e-3, noise=0.0)).verdict == "undecided"
    assert one(result(noise=0.0), result(10.5e-3, noise=0.0)).verdict == "slower"


def test_unequal_counts_change_nothing_but_the_precision() -> None:
    assert one(result(rounds=60), result(rounds=63, seed=1)).verdict == "same"
    assert one(result(rounds=5), result(10.5e-3, rounds=40, seed=1)).verdict == "slower"


def test_a_single_process_tells_nothing() -> None:
    row = one(result(rounds=1), result(20e-3, rounds=20))
    assert (row.verdict, row.ratio, row.sessions_needed) == ("undecided", None, None)
    assert "measure 3 rounds or more" in (row.reason or "")


def test_three_noisy_rounds_are_not_enough_for_two_percent() -> None:
    noisy = one(result(rounds=3, noise=0.02, seed=8), result(10.2e-3, rounds=3, noise=0.02, seed=9))
    assert noisy.verdict == "undecided"
    assert noisy.detectable is not None
    assert noisy.detectable > 0.02
    assert noisy.sessions_needed is not None
    assert noisy.sessions_needed >= 3


def test_many_trials_need_stronger_evidence() -> None:
    """One p among forty is worth less than alone: the adjusted p says so."""
    alone = compare(session(suite(count=1)), session(suite(1.02, seed=1, count=1), name="new")).rows[0]
    among = compare(session(suite(count=40)), session(suite(1.02, seed=1, count=40), name="new")).rows[0]
    assert alone.p is not None
    assert among.p == pytest.approx(alone.p)
    assert alone.adjusted_p == alone.p
    assert among.adjusted_p == pytest.approx(40 * alone.p)


@pytest.mark.parametrize(
    ("work", "noise"),
    [
        (SQUARE, "cache"),
        (DECODE, "stream"),
        (TEXT, "branches"),
        (CHAIN, "core"),
        (Work(bytes_read=1 << 30), "stream"),
        (Work(items=1000, item="load", bytes_read=1 << 16), "latency"),
    ],
)
def test_the_noise_of_a_kind_of_work(work: Work, noise: str) -> None:
    assert unpaired.noise_of(work) == noise


# --- several sessions a side ---------------------------------------------------------------


def sessions_of(level: float, spread: float, count: int, seed: int) -> list[Session]:
    shifts = np.random.default_rng(seed).normal(0, spread, count)
    return [
        session([result(level * math.exp(s), seed=seed + i, work=DECODE)], name=f"{seed}-{i}")
        for i, s in enumerate(shifts)
    ]


def test_three_sessions_a_side_tell_their_own_noise() -> None:
    """5 % is beyond doubt when sessions of this machine differ by 0.2 %, whatever the prior."""
    (row,) = compare(sessions_of(10e-3, 0.002, 3, 1), sessions_of(10.5e-3, 0.002, 3, 2)).rows
    assert (row.verdict, row.noise) == ("slower", None)


def test_sessions_that_differ_leave_it_undecided() -> None:
    (row,) = compare(sessions_of(10e-3, 0.05, 4, 3), sessions_of(10.2e-3, 0.05, 4, 4)).rows
    assert row.verdict == "undecided"
    assert row.sessions_needed is not None
    assert row.sessions_needed > 4


def test_two_sessions_narrow_the_prior() -> None:
    (single,) = compare(sessions_of(1e-2, 0, 1, 5), sessions_of(1e-2, 0, 1, 6)).rows
    (double,) = compare(sessions_of(1e-2, 0, 2, 5), sessions_of(1e-2, 0, 2, 6)).rows
    assert single.detectable is not None
    assert double.detectable is not None
    ratio = math.log1p(single.detectable) / math.log1p(double.detectable)
    assert ratio == pytest.approx(math.sqrt(2), rel=0.01)


def test_sessions_of_different_machines_are_no_side() -> None:
    found = compare([session([result()]), session([result()], XEON, name="x")], session([result()]))
    assert found.refusal == "the sessions of BASE are of different machines"
    assert exit_code([found]) == 4


# --- what is not comparable ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kernel_version": 2}, "kernel versions differ: 1 and 2"),
        ({"params": {"case": "f32-n1024", "corpus": "b"}}, "parameters differ: corpus"),
        ({"isa": "sve"}, "instruction sets differ: neon and sve"),
        ({"work": TEXT}, "the work of a call differs"),
        ({"tick_hz": 10**8}, "clocks differ: 1000000000 and 100000000 Hz on one type of machine"),
        ({"verified": Verified(1e-6, 1e-3)}, "checked to different tolerances: 1e-05 and 0.001"),
        ({"verified": Verified(1e-4, 1e-5)}, "wrong result: error 0.0001"),
    ],
)
def test_trials_that_are_not_the_same_are_invalid(changes: dict[str, Any], reason: str) -> None:
    new = result(**{**changes, "rounds": 3})
    row = one(result(rounds=3), new)
    assert (row.verdict, row.reason, row.ratio) == ("invalid", reason, None)


def test_only_invalid_trials_are_not_comparable() -> None:
    found = compare(session([result()]), session([result(kernel_version=2)], name="new"))
    assert exit_code([found]) == 4
    assert verdict_line([found]).startswith("verdict=not-comparable compared=0/1 ")


@pytest.mark.parametrize("side", [0, 1])
def test_an_emulator_is_refused(side: int) -> None:
    machines = [GRAVITON4, GRAVITON4]
    machines[side] = replace(GRAVITON4, emulated=True)
    found = compare(*(session([result()], machine) for machine in machines))
    assert found.refusal is not None
    assert "emulator" in found.refusal
    assert found.rows == ()
    assert exit_code([found]) == 4


def test_nothing_in_common() -> None:
    found = compare(session([result()]), session([result(case="other")], name="new"))
    assert exit_code([found]) == 5
    assert verdict_line([found]) == (
        "verdict=nothing compared=0/1 slower=0 faster=0 same=0 undecided=0 invalid=1 worst=none"
    )
    assert exit_code([compare(session(), session(name="new"))]) == 5


def test_trials_of_other_placements_are_other_trials() -> None:
    changes: list[dict[str, Any]] = [
        {"mode": "parallel"},
        {"placement": "spread"},
        {"memory": "node:1"},
        {"side": "a"},
    ]
    for change in changes:
        found = compare(session([result(threads=2)]), session([result(threads=2, **change)], name="new"))
        assert not any(row.matched for row in found.rows)


def test_a_trial_twice_in_a_file_is_invalid() -> None:
    found = compare(session([result(), result(cpus=(1,))]), session([result()], name="new"))
    assert [(row.verdict, row.reason) for row in found.rows] == [("invalid", "twice in one file")]


# --- what one side lacks -------------------------------------------------------------------


def missing_row(machine: Machine = GRAVITON4, extra: Result | None = None, **changes: Any) -> Row:
    """The row of a trial of BASE that NEW lacks."""
    base = session([result(rounds=3), extra or result(variant="numpy", rounds=3)])
    found = compare(base, session([result(rounds=3)], machine, name="new", **changes))
    (row,) = (row for row in found.rows if not row.matched)
    return row


def test_a_missing_trial_is_invalid_and_says_why() -> None:
    row = missing_row()
    assert (row.verdict, row.reason, row.excused) == ("invalid", "not in NEW", False)
    row = missing_row(failed=(Failure("matmul", "numpy", "f32-n1024", "killed by SIGILL"),))
    assert (row.reason, row.failed, row.excused) == ("failed in NEW: killed by SIGILL", True, False)
    row = missing_row(skipped=(Skip("matmul", "numpy", "numpy is not installed"),))
    assert (row.reason, row.excused) == ("not run in NEW: numpy is not installed", True)
    row = missing_row(skipped=(Skip("matmul", "numpy", "too slow", "f32-n1024"),))
    assert row.excused
    row = missing_row(skipped=(Skip("matmul", "numpy", "too slow", "f32-n2048"),))
    assert not row.excused


def test_samples_from_before_a_failure_prove_nothing() -> None:
    def row(**where: Any) -> Row:
        failed = (Failure("matmul", "neon", "f32-n1024", "killed by SIGILL", **where),)
        return compare(session([result()]), session([result()], name="new", failed=failed)).rows[0]

    assert (row().verdict, row().reason, row().failed) == ("invalid", "failed in NEW: killed by SIGILL", True)
    assert row(mode="throughput", cpus="0").verdict == "invalid"
    assert row(mode="throughput", cpus="0-1").verdict == "same", "the other placement is another trial"
    assert row(mode="parallel", cpus="0").verdict == "same"


def test_what_the_other_machine_cannot_have_is_excused() -> None:
    row = missing_row(GRAVITON3, result(variant="sve2", rounds=3))
    assert (row.reason, row.excused) == ("not in NEW, which cannot run sve2", True)
    row = missing_row(GRAVITON4_LARGE, result(threads=4, rounds=3))
    assert (row.reason, row.excused) == ("not in NEW, which may use 8 CPUs (BASE 4)", True)


def test_what_is_new_needs_no_excuse() -> None:
    found = compare(session([result()]), session([result(), result(variant="numpy")], name="new"))
    assert [(row.verdict, row.excused) for row in found.rows] == [("same", False), ("invalid", True)]
    assert exit_code([found], gate=True, strict=True) == 0


# --- machines ------------------------------------------------------------------------------


METAL = replace(
    GRAVITON4,
    instance="m8g.metal-48xl",
    hypervisor=None,
    cpus=192,
    nodes=(Node(0, "0-95", None, (10, 20)), Node(1, "96-191", None, (20, 10))),
    comparability_key="metal",
)
AXION = replace(GRAVITON4, cloud="gcp", instance=None, chip="Google Axion", comparability_key="axion")
COBALT = replace(
    AXION,
    cloud="azure",
    chip="Azure Cobalt 100",
    cores=(Core("Neoverse N2", "0x41", "0xd49", 0, 0, "0-3"),),
    comparability_key="cobalt",
)


def graded(base: Machine, new: Machine) -> str:
    return compare(session([result()], base), session([result()], new, name="new")).grade


def test_a_chip_that_goes_by_two_identities_is_one() -> None:
    native = replace(COBALT, cores=(Core("Azure Cobalt 100", "0x6d", "0xd49", 0, 0, "0-3"),))
    yitian = replace(COBALT, cloud="alicloud", chip="Alibaba Yitian 710", comparability_key="yitian")
    assert graded(COBALT, replace(native, comparability_key="native")) == "same silicon"
    assert graded(COBALT, native) == "same type"
    assert graded(COBALT, yitian) == graded(native, yitian) == "same ISA"
    key = comparability.key(replace(native, chip=None))
    assert key == comparability.key(COBALT)


def test_names_that_newer_facts_improve_make_no_other_silicon() -> None:
    old, new = (
        replace(XEON, cores=(Core(name, None, None, None, 1, "0-3"),), comparability_key=name, instance=size)
        for name, size in (("AMD family 26 model 2", "a.1"), ("AMD family 26 model 2 (Zen 5)", "a.2"))
    )
    assert graded(old, new) == "same silicon"


def test_emulated_against_real_is_different_on_one_instance_too() -> None:
    emulated = replace(GRAVITON4, emulated=True, comparability_key="emulated")
    assert graded(GRAVITON4, emulated) == graded(emulated, GRAVITON4) == "different"
    assert graded(emulated, emulated) == "same type"


def test_one_boot_is_one_host() -> None:
    facts = {"boot_id": "b"}
    found = compare(session([result()], facts=facts), session([result()], name="new", facts=facts))
    assert (found.grade, found.reasons, found.residue) == ("same host", (), ())


@pytest.mark.parametrize(
    ("machine", "grade", "changed"),
    [
        (GRAVITON4, "same type", {"boot"}),
        (replace(GRAVITON4, comparability_key="other"), "same type", {"boot"}),
        (GRAVITON4_LARGE, "same silicon", {"instance", "CPUs", "memory"}),
        (GRAVITON3, "same ISA", {"core", "instance"}),
        (XEON, "different", {"architecture", "core", "instance"}),
        (replace(GRAVITON4, kernel="7.0", features=()), "same type", {"boot"}),
        (replace(GRAVITON4, comparability_key="other", cpus=2), "same silicon", {"CPUs"}),
        (replace(GRAVITON4, instance="c8gd.xlarge"), "same silicon", {"instance"}),
        (METAL, "same silicon", {"instance", "CPUs", "NUMA nodes"}),
        (replace(GRAVITON4, emulated=True, comparability_key="other"), "different", {"emulated"}),
        (AXION, "same ISA", {"instance", "chip"}),
        (replace(AXION, chip=None), "same ISA", {"instance", "chip"}),
    ],
)
def test_grades_and_their_reasons(machine: Machine, grade: str, changed: set[str]) -> None:
    found = compare(session([result()]), session([result()], machine, name="new"))
    assert found.grade == grade
    assert {change.name for change in found.reasons} == changed


def test_swapped_machines_give_the_inverse() -> None:
    ours = session([result(variant="numpy")])
    theirs = session([result(20e-3, variant="numpy", seed=1)], XEON, name="new")
    there, back = compare(ours, theirs).rows[0], compare(theirs, ours).rows[0]
    assert (there.verdict, back.verdict) == ("slower", "faster")
    assert there.ratio is not None
    assert back.ratio is not None
    assert there.ratio.value == pytest.approx(1 / back.ratio.value)
    assert there.ratio.low == pytest.approx(1 / back.ratio.high)


def test_other_clocks_of_other_silicon_are_no_matter() -> None:
    row = one(result(), result(tick_hz=1_050_000_000), machine=GRAVITON3)
    assert row.verdict == "same"


def test_memory_modules_differ_only_where_both_sides_know_them() -> None:
    fast, slow = (
        replace(GRAVITON4, smbios=Smbios(None, None, None, "DDR5", rate))
        for rate in (5_600_000_000, 5_200_000_000)
    )

    def residue(base: Machine, new: Machine) -> list[tuple[str | None, str | None]]:
        found = compare(session([result()], base), session([result()], new, name="new")).residue
        return [(change.base, change.new) for change in found if change.name == "memory modules"]

    assert residue(fast, slow) == [("DDR5-5600", "DDR5-5200")]
    assert residue(GRAVITON4, slow) == residue(fast, GRAVITON4) == residue(fast, fast) == []


def test_residue_names_whatever_else_differs() -> None:
    new = session([result()], replace(GRAVITON4, kernel="6.12", clock_hz=2.805e9), name="new")
    software = {
        **new.software,
        "native": {"build_hash": "ffff", "compiler": "clang 22"},
        "libraries": [{"name": "numpy", "version": "2.4.6", "detail": "openblas neoversen1"}],
        "environment": {"OPENBLAS_CORETYPE": "NEOVERSEN1"},
    }
    new = replace(new, software=software, findings=())
    changes = {change.name: (change.base, change.new) for change in compare(session([result()]), new).residue}
    assert changes == {
        "kernel": ("6.8.0-1021-aws", "6.12"),
        "native build": ("0123abcd", "ffff"),
        "numpy": ("2.4.6 (openblas neoversev1)", "2.4.6 (openblas neoversen1)"),
        "OPENBLAS_CORETYPE": (None, "NEOVERSEN1"),
        "finding thp": ("present", None),
    }


def test_a_partial_session_and_another_clock_are_residue() -> None:
    new = session([result()], replace(GRAVITON4, clock_hz=2.7e9), name="new", facts={"partial": True})
    changes = {change.name: (change.base, change.new) for change in compare(session([result()]), new).residue}
    assert changes == {"clock": ("2.800 GHz", "2.700 GHz"), "partial": (None, "yes")}


def test_settings_that_vary_inside_a_side_are_listed() -> None:
    bases = [session([result()], replace(GRAVITON4, kernel=kernel), name=kernel) for kernel in ("6.1", "6.2")]
    (change,) = compare(bases, session([result()], replace(GRAVITON4, kernel="6.2"))).residue
    assert (change.base, change.new) == ("6.1 | 6.2", "6.2")


def test_disturbed_processes_and_other_pages_are_noted() -> None:
    disturbed = result()
    processes = tuple(replace(p, flags=("off_cpu",)) if p.round % 2 else p for p in disturbed.processes)
    row = one(result(page_bytes=2 << 20), replace(disturbed, processes=processes))
    assert row.notes == ("pages of 2097152 -> 4096 bytes",)
    assert row.disturbed == ("NEW off_cpu",)


# --- best native ---------------------------------------------------------------------------


def across() -> Comparison:
    ours = [
        result(10e-3),
        result(8e-3, variant="sve2"),
        result(12e-3, variant="numpy"),
        result(1, variant="scalar"),
    ]
    theirs = [result(9e-3, variant="avx2"), result(4e-3, variant="avx512"), result(36e-3, variant="numpy")]
    return compare(session(ours), session([*theirs, result(2, variant="scalar")], XEON, name="new"))


def test_across_architectures_the_fastest_native_variants_are_compared() -> None:
    found = across()
    (best,) = (row for row in found.rows if row.variants)
    assert (best.key.variant, best.variants, best.verdict) == ("best native", ("sve2", "avx512"), "faster")
    assert best.ratio is not None
    assert best.ratio.value == pytest.approx(0.5, rel=0.01)
    assert {row.key.variant for row in found.valid} == {"numpy", "scalar", "best native"}
    assert {row.reason for row in found.expected if row.verdict == "invalid"} == set()


def test_the_geometric_mean_counts_a_group_of_native_variants_once() -> None:
    """With numpy 3 and best native 0.5; scalar, 2, is one of the native variants that this stands for."""
    mean = across().geomean
    assert mean is not None
    assert mean.value == pytest.approx(math.sqrt(3 * 0.5), rel=0.01)


def test_on_one_silicon_there_is_no_best_native() -> None:
    found = compare(
        session([result(10e-3), result(8e-3, variant="sve2")]),
        session([result(8e-3), result(10e-3, variant="sve2")], name="new"),
    )
    assert not any(row.variants for row in found.rows)


def test_noise_between_sessions_does_not_average_out_of_the_geometric_mean() -> None:
    found = compare(session(suite(noise=1e-6, count=100)), session(suite(noise=1e-6, count=100), name="new"))
    assert found.geomean is not None
    assert math.log(found.geomean.high) == pytest.approx(1.96 * math.sqrt(2) * 0.003, rel=0.01)


# --- exit codes ----------------------------------------------------------------------------

FINE = [result(), result(variant="numpy")]
SLOW = [result(12e-3), result(variant="numpy")]
VAGUE = [result(10.1e-3), result(variant="numpy")]
LACKING = [result(12e-3)]
CRASH = (Failure("matmul", "numpy", "f32-n1024", "killed by SIGSEGV"),)


@pytest.mark.parametrize(
    ("new", "failed", "plain", "gate", "strict", "both"),
    [
        (FINE, (), 0, 0, 0, 0),
        (SLOW, (), 0, 1, 0, 1),
        (VAGUE, (), 0, 0, 3, 3),
        (LACKING, (), 0, 4, 4, 4),
        (LACKING, CRASH, 0, 6, 6, 6),
        (FINE, CRASH, 0, 6, 6, 6),
    ],
)
def test_exit_codes(
    new: list[Result], failed: tuple[Failure, ...], plain: int, gate: int, strict: int, both: int
) -> None:
    found = [compare(session(FINE), session(new, name="new", failed=failed))]
    assert exit_code(found) == plain
    assert exit_code(found, gate=True) == gate
    assert exit_code(found, strict=True) == strict
    assert exit_code(found, gate=True, strict=True) == both


def test_the_first_of_several_codes_holds() -> None:
    slow, vague, crash, lack, nothing = (
        compare(session(FINE), session(new, name="new", failed=failed))
        for new, failed in [(SLOW, ()), (VAGUE, ()), (LACKING, CRASH), (LACKING, ()), ([], ())]
    )
    assert exit_code([vague, slow], gate=True, strict=True) == 1
    assert exit_code([vague, slow, crash], gate=True, strict=True) == 6
    assert exit_code([slow, crash, nothing], gate=True) == 5
    assert exit_code([nothing, lack], gate=True) == 4


def test_a_gate_wants_less_doubt_than_a_display() -> None:
    row = replace(one(result(), result(12e-3)), adjusted_p=0.03)
    assert (row.verdict, comparing.gated(row)) == ("slower", False)
    assert comparing.gated(replace(row, adjusted_p=0.01))


def test_the_line_for_programs() -> None:
    found = compare(session(suite()), session(suite(1.05, seed=1), name="new"))
    words = dict(word.split("=") for word in verdict_line([found]).split())
    assert words["verdict"] == "slower"
    assert words["compared"] == "8/8"
    assert words["slower"] == "1"
    name, ratio = words["worst"].split(":")
    assert name == "matmul/neon/f32-n0/1"
    assert float(ratio) == pytest.approx(1.05, abs=0.01)
