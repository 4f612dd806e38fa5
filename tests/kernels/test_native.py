"""The native contract: what loads, what is refused, what the timing loop hands back."""

from __future__ import annotations

import ctypes
import os
import platform
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from armbench.bench import native, registry
from armbench.bench.facts import FEATURES, ISA
from armbench.bench.model import Array, Mode, Problem, Settings
from armbench.kernels import matmul

CPUS = sorted(os.sched_getaffinity(0))
MODES: tuple[Mode, ...] = ("throughput", "parallel")
VARIANTS = [v for v in native.variants() if (v.kernel, v.operation) == ("matmul", "f32") and v.supported]
# Each way of f32: packed, with several phases and grains; in strips; streamed in slices.
SHAPES = ((72, 260, 260), (20, 530, 40), (3, 1100, 300))
SHAPE = SHAPES[0]
WARMUP, SAMPLES = 2, 3

modes = pytest.mark.parametrize("mode", MODES)
variants = pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: v.name)


@pytest.fixture(scope="module")
def team() -> Iterator[native.Team]:
    with native.Team(CPUS[:2]) as opened:
        yield opened


def made(shape: tuple[int, int, int]) -> Problem:
    return matmul.KERNEL.problem(matmul.case_of("f32", *shape), Settings(), 7)


@pytest.fixture(scope="module")
def problem() -> Problem:
    return made(SHAPE)


def load(team: native.Team, problem: Problem, mode: Mode, copies: int = 1) -> native.Data:
    operands = {o.name: o.data for o in problem.operands}
    return team.load(operands, ["c"], copies, mode, seed=1)


def error_of(problem: Problem, data: native.Data, thread: int = 0, copy: int = 0) -> float:
    return matmul.KERNEL.error(problem, {"c": data.arrays(thread, copy)["c"]})


# --- loading -------------------------------------------------------------------------------


def test_a_library_of_another_abi_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    native._check_version(native.library())
    monkeypatch.setattr(native, "ABI", native.ABI + 1)
    with pytest.raises(native.NativeError, match="another version"):
        native._check_version(native.library())


def test_a_struct_of_another_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Longer(ctypes.Structure):
        _fields_ = [*native._Plan._fields_, ("more", ctypes.c_uint64)]

    monkeypatch.setattr(native, "_Plan", Longer)
    with pytest.raises(native.NativeError, match="another version"):
        native._check_version(native.library())


def test_the_environment_names_another_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ARMBENCH_LIBRARY", str(tmp_path / "none.so"))
    with pytest.raises(native.NativeError, match=r"none\.so"):
        native.library.__wrapped__()


def test_a_library_of_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMBENCH_LIBRARY", "libc.so.6")
    with pytest.raises(native.NativeError, match=r"libc\.so\.6 is no library of armbench"):
        native.library.__wrapped__()


def test_every_variant_describes_itself_in_this_abi() -> None:
    for variant in native.variants():
        entry = native._Variant.from_address(variant.address)
        assert (entry.abi, entry.struct_bytes) == (native.ABI, ctypes.sizeof(native._Variant))


def test_no_two_variants_have_the_same_name() -> None:
    names = [(v.kernel, v.name, v.operation) for v in native.variants()]
    assert len(set(names)) == len(names)


# --- what this CPU can run -----------------------------------------------------------------


def test_build_requires_what_the_table_says() -> None:
    bits = FEATURES[platform.machine()]
    for variant in native.variants():
        words = [0] * native.FEATURE_WORDS
        for feature in ISA[registry.native_stem(variant.name)]["requires"]:
            word, bit = bits[feature]
            words[word] |= 1 << bit
        assert list(native._Variant.from_address(variant.address).requires) == words, variant


def test_supported_means_that_no_feature_is_missing() -> None:
    for variant in native.variants():
        stem = registry.native_stem(variant.name)
        missing = registry.missing_features(stem, registry.host_feature_names())
        assert variant.supported == (not missing), variant


def test_host_has_every_feature_that_the_kernel_lists() -> None:
    """The other way round a hypervisor or an old kernel may hide some from /proc/cpuinfo."""
    listed = {
        word
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.split(":")[0].strip() in ("flags", "Features")
        for word in line.split(":")[1].split()
    }
    known = listed & set(FEATURES[platform.machine()])
    assert known and known <= set(registry.host_feature_names())


def changed(variant: native.NativeVariant, **fields: object) -> tuple[native.NativeVariant, object]:
    """A copy of a variant's description with some fields changed, and what keeps it alive."""
    entry = native._Variant.from_buffer_copy(native._Variant.from_address(variant.address))
    for name, value in fields.items():
        setattr(entry, name, value)
    copy = native.NativeVariant(variant.kernel, variant.name, variant.operation, ctypes.addressof(entry))
    return copy, entry


def refusals(variant: native.NativeVariant, team: native.Team, problem: Problem) -> list[str]:
    """What binding and measuring the variant say."""
    arrays = [np.array(o.data) for o in problem.operands]
    said = []
    data = load(team, problem, "parallel")
    for attempt in (
        lambda: native.Bound(variant, SHAPE, arrays),
        lambda: team.measure(variant, SHAPE, data, 1, 0, 1),
    ):
        with pytest.raises(native.NativeError) as raised:
            attempt()
        said.append(str(raised.value))
    data.close()
    return said


def test_a_variant_that_needs_more_than_this_cpu_has_is_never_run(
    team: native.Team, problem: Problem
) -> None:
    absent = [~word & (2**64 - 1) for word in native.host_features()]
    for word, bits in enumerate(absent):
        needs = (ctypes.c_uint64 * native.FEATURE_WORDS)()
        needs[word] = bits & -bits  # the lowest feature bit that is not set here
        greedy, alive = changed(VARIANTS[0], requires=needs)
        assert not greedy.supported
        for message in refusals(greedy, team, problem):
            assert "lacks a feature" in message
        del alive


def test_parameters_that_a_variant_does_not_accept_are_refused(team: native.Team, problem: Problem) -> None:
    never = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(lambda params: 0)
    picky, alive = changed(VARIANTS[0], accepts=ctypes.cast(never, ctypes.c_void_p).value)
    for message in refusals(picky, team, problem):
        assert "does not accept these parameters" in message
    del alive


def test_operands_must_be_contiguous(problem: Problem) -> None:
    arrays = [np.array(o.data) for o in problem.operands]
    with pytest.raises(ValueError, match="C-contiguous"):
        native.Bound(VARIANTS[0], SHAPE, [arrays[0][:, ::2], *arrays[1:]])


def test_a_cpu_that_is_not_there_is_named() -> None:
    with pytest.raises(native.NativeError, match="99999"):
        native.Team([99999])


# --- the timing loop -----------------------------------------------------------------------


@modes
@variants
def test_every_sample_of_every_thread_is_handed_back(
    variant: native.NativeVariant, mode: Mode, team: native.Team, problem: Problem
) -> None:
    data = load(team, problem, mode, copies=2)
    measured = team.measure(variant, SHAPE, data, 3, WARMUP, SAMPLES)
    columns = 1 if mode == "parallel" else len(team.cpus)
    assert measured.ticks.shape == (WARMUP + SAMPLES, columns)
    assert measured.warmup == WARMUP
    assert (measured.ticks > 0).all()
    for report, cpu in zip(measured.reports, team.cpus, strict=True):
        assert (report.cpu_first, report.cpu_last) == (cpu, cpu)
        assert report.wall_ns > 0
        assert 0 <= report.last_copy < 2
    data.close()


@modes
@variants
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_what_was_timed_is_right_and_the_same_as_a_single_call(
    variant: native.NativeVariant, mode: Mode, team: native.Team, shape: tuple[int, int, int]
) -> None:
    problem = made(shape)
    arrays = [np.array(o.data) for o in problem.operands]
    native.Bound(variant, shape, arrays)()
    data = load(team, problem, mode, copies=3)
    team.measure(variant, shape, data, 4, WARMUP, SAMPLES)
    for thread in range(len(team.cpus) if mode == "throughput" else 1):
        for copy in range(3):
            assert error_of(problem, data, thread, copy) <= problem.tolerance
            assert np.array_equal(data.arrays(thread, copy)["c"], arrays[2])
    data.close()


@variants
def test_grains_shared_out_over_threads_many_times(
    variant: native.NativeVariant, team: native.Team, problem: Problem
) -> None:
    """Barriers and grain counters over hundreds of phases; a race shows as a wrong sum."""
    data = load(team, problem, "parallel")
    for _ in range(20):
        team.measure(variant, SHAPE, data, 5, 0, 2)
        assert error_of(problem, data) <= problem.tolerance
    data.close()


@modes
def test_an_output_that_no_timed_call_wrote_is_found_out(
    mode: Mode, team: native.Team, problem: Problem
) -> None:
    data = load(team, problem, mode, copies=2)
    for copy in range(2):
        for thread in range(len(team.cpus) if mode == "throughput" else 1):
            data.arrays(thread, copy)["c"][...] = problem.expected["c"]
            assert error_of(problem, data, thread, copy) <= problem.tolerance
    team.measure(None, SHAPE, data, 1, 1, 1)  # the call that does nothing
    for copy in range(2):
        for thread in range(len(team.cpus) if mode == "throughput" else 1):
            assert error_of(problem, data, thread, copy) == float("inf")
    data.close()


@modes
def test_an_output_of_a_few_bytes_is_found_out_too(mode: Mode, team: native.Team) -> None:
    for size in (1, 3, 4, 7, 9):
        operands = {"c": np.zeros(size, np.uint8)}
        data = team.load(operands, ["c"], 1, mode, seed=1)
        team.measure(None, (), data, 1, 0, 1)
        assert data.arrays(0, 0)["c"].any()
        data.close()


@modes
def test_the_loop_itself_can_be_timed(mode: Mode, team: native.Team, problem: Problem) -> None:
    data = load(team, problem, mode)
    measured = team.measure(None, SHAPE, data, 10_000, 1, SAMPLES)
    assert measured.ticks.shape[0] == 1 + SAMPLES
    assert (measured.ticks > 0).all()
    data.close()


def test_operands_lie_apart_and_as_the_contract_says(team: native.Team, problem: Problem) -> None:
    data = load(team, problem, "throughput", copies=3)
    spans = []
    for thread in range(len(team.cpus)):
        for copy in range(3):
            for name, array in data.arrays(thread, copy).items():
                assert array.ctypes.data % 128 == 0
                spans.append((array.ctypes.data, array.ctypes.data + array.nbytes))
                given = next(o for o in problem.operands if o.name == name)
                assert given.output or np.array_equal(array, given.data)
    spans.sort()
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    data.close()


# --- groups of threads ---------------------------------------------------------------------

CROWD = 192  # threads, however few the CPUs


@pytest.fixture(scope="module")
def crowd() -> Iterator[native.Team]:
    with native.Team([CPUS[i % len(CPUS)] for i in range(CROWD)]) as opened:
        yield opened


@pytest.mark.parametrize(
    ("mode", "instances", "columns"),
    [("throughput", None, CROWD), ("parallel", None, 1), ("split", 2, 2), ("split", 24, 24)],
)
def test_192_threads_come_through_on_however_few_cpus(
    mode: Mode, instances: int | None, columns: int, crowd: native.Team, problem: Problem
) -> None:
    operands = {o.name: o.data for o in problem.operands}
    data = crowd.load(operands, ["c"], 1, mode, 1, instances)
    measured = crowd.measure(VARIANTS[0], SHAPE, data, 1, 1, 2)
    assert measured.ticks.shape == (3, columns)
    assert measured.starts.shape == (3, CROWD)
    assert (measured.ticks > 0).all()
    for group in range(columns):
        assert error_of(problem, data, group) <= problem.tolerance
    found = {(r.cpu_first, r.cpu_last) for r in measured.reports}
    assert found == {(cpu, cpu) for cpu in CPUS[:CROWD]}, "each on its CPU, at the start and at the end"
    data.close()


@variants
def test_a_split_is_as_many_calls_each_by_threads_of_its_own(
    variant: native.NativeVariant, problem: Problem
) -> None:
    operands = {o.name: o.data for o in problem.operands}
    with native.Team([CPUS[i % len(CPUS)] for i in range(6)]) as team:
        data = team.load(operands, ["c"], 2, "split", 1, 3)
        assert [data.leader(group) for group in range(data.groups)] == [0, 2, 4]
        measured = team.measure(variant, SHAPE, data, 3, WARMUP, SAMPLES)
        assert measured.ticks.shape == (WARMUP + SAMPLES, 3)
        for group in range(3):
            begun = measured.starts[:, 2 * group : 2 * group + 2].min(axis=1)
            ended = begun + measured.ticks[:, group]
            assert (begun[1:] >= ended[:-1]).all(), "a sample begins when the one before has ended"
            for copy in range(2):
                assert error_of(problem, data, group, copy) <= problem.tolerance
        data.close()


def test_threads_that_do_not_fall_into_equal_groups_are_refused(team: native.Team, problem: Problem) -> None:
    operands = {o.name: o.data for o in problem.operands}
    with pytest.raises(native.NativeError, match="bad argument"):
        team.load(operands, ["c"], 1, "split", 1, len(team.cpus) + 1)


def test_most_grains_is_how_many_threads_can_help() -> None:
    documents = native.find("tokenization", "scalar", "decode")
    assert documents  # its parameters are bytes, documents and ranks; a grain is a document
    assert [native.most_grains(documents, (8, count, 256), 8) for count in (1, 3)] == [1, 3]


@pytest.mark.parametrize("threads", [2, 64, 96, 192])
@pytest.mark.parametrize("shape", [(512, 512, 512), (2048, 2048, 2048), (512, 14336, 4096)])
def test_matmul_falls_into_enough_grains(shape: tuple[int, int, int], threads: int) -> None:
    """Of as many cores as a Graviton5 has, few are left without work in the phase that has most."""
    found = [v for v in native.variants() if v.kernel == "matmul" and v.supported and v.name != "scalar"]
    for variant in found:
        assert native.most_grains(variant, shape, threads) >= threads * 3 // 4, variant


@pytest.mark.parametrize("threads", [2, 64, 96, 192])
@pytest.mark.parametrize("seq", [4096, 32768])
def test_decode_of_attention_falls_into_enough_grains(seq: int, threads: int) -> None:
    found = [v for v in native.variants() if v.kernel == "attention" and v.supported]
    decoding = [v for v in found if v.operation.startswith("decode")]
    assert decoding
    for variant in decoding:
        grains = native.most_grains(variant, (1, 32, 8, seq, 128, 0), threads)
        rounds = -(-grains // threads)
        assert grains >= rounds * threads * 3 // 4, variant


# --- NUMA ----------------------------------------------------------------------------------


def test_pages_lie_on_nodes_that_there_are(team: native.Team, problem: Problem) -> None:
    data = load(team, problem, "throughput", copies=2)
    for group in range(data.groups):
        nodes = data.page_nodes(group, 16)
        if nodes is None:
            pytest.skip("the kernel does not tell")
        assert len(nodes) == 16
        assert all(os.path.isdir(f"/sys/devices/system/node/node{node}") or node == 0 for node in set(nodes))
    data.close()


def test_a_thread_finds_itself_where_it_is_pinned(team: native.Team, problem: Problem) -> None:
    assert native.where()[0] in {*CPUS, -1}
    data = load(team, problem, "parallel")
    reports = team.measure(VARIANTS[0], SHAPE, data, 1, 0, 1).reports
    for report in reports:
        folder = f"/sys/devices/system/cpu/cpu{report.cpu_first}"
        if os.path.isdir("/sys/devices/system/node/node1"):
            assert os.path.exists(f"{folder}/node{report.node}")
    data.close()


def test_a_memory_policy_is_taken_or_refused_with_the_kernels_word() -> None:
    for source, nodes in (("local", []), ("node:1000", [1000])):
        try:
            native.pages_from(source, nodes)
        except native.PagePolicyError as error:  # of "local" too: sandboxes and kernels without NUMA
            assert error.errno and error.strerror
        else:
            assert source == "local"


# --- clock and gate ------------------------------------------------------------------------


def test_ticks_do_not_go_back() -> None:
    ticks = [native.ticks() for _ in range(1000)]
    assert ticks == sorted(ticks)
    assert native.tick_hz() > 0


def test_the_clock_is_told_from_any_number_of_chains() -> None:
    assert native.clock_hz(0) == 0
    assert native.clock_hz(1) > 0


@pytest.mark.parametrize("crowded", [False, True])
def test_a_gate_opens_when_all_have_come(crowded: bool) -> None:
    memory: Array = np.zeros(native.Gate.BYTES // 4, np.uint32)
    gate = native.Gate(memory, 3, crowded)
    passed: list[int] = []

    def come_twice(name: int) -> None:
        for _ in range(2):
            gate.wait()
            passed.append(name)

    threads = [threading.Thread(target=come_twice, args=(name,)) for name in range(2)]
    for thread in threads:
        thread.start()
    assert not passed
    come_twice(2)
    for thread in threads:
        thread.join()
    assert sorted(passed) == [0, 0, 1, 1, 2, 2]
    assert set(passed[:3]) == {0, 1, 2}
    gate.finish()
    assert gate.finished() == 1
