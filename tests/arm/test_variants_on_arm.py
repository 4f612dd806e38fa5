"""Every native variant on every emulated CPU: right, or refused for the right reason."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from fnmatch import fnmatchcase

import pytest

from armbench.bench import registry
from armbench.bench.facts import ISA
from armbench.bench.machine import arm
from armbench.bench.model import Case, Problem, Variant
from tests.arm import lab
from tests.arm.ledger import LEDGER
from tests.kernels import shapes

VARIANTS = [
    variant
    for kernel in registry.kernels()
    for variant in registry.variants(kernel)
    if variant.isa and ISA[variant.isa]["arch"] in (None, "aarch64")
]
NAMES = [f"{v.kernel}/{v.name}" for v in VARIANTS]
PROFILES = lab.profiles()

on_each_profile = pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.name)


@pytest.fixture
def emulated(profile: lab.Profile) -> Iterator[lab.Emulated]:
    process = lab.Emulated(profile)
    yield process
    process.close()


@on_each_profile
def test_profile_is_the_cpu_that_it_claims_to_be(profile: lab.Profile, emulated: lab.Emulated) -> None:
    features, sve_bits, sme_bits = emulated.features()
    assert set(profile.has) <= features
    assert not set(profile.lacks) & features
    assert bool(sve_bits) == ("sve" in features)
    assert profile.sve_bits in (None, sve_bits)
    assert bool(sme_bits) == ("sme" in features)
    assert profile.sme_bits in (None, sme_bits)


@on_each_profile
def test_the_registers_of_the_cpu(profile: lab.Profile, emulated: lab.Emulated) -> None:
    probes = emulated.probes()
    midr = arm.decode_midr(probes.midr)
    assert midr is not None
    names = {"graviton1": "Cortex-A72", "graviton2": "Neoverse N1", "max": "QEMU max"}
    assert profile.name not in names or arm.core_name(midr.core) == names[profile.name]
    assert probes.counter_rate == pytest.approx(probes.counter_hz, rel=0.05)
    assert probes.step >= 1
    assert probes.reading > 0
    assert probes.perf_errno == errno.ENOSYS  # which qemu's user mode does not know
    assert (probes.added, probes.stored) == (12, 12)  # with LSE's atomics on max, without on cortex-a72


PAIRS = [(v, p) for p in PROFILES for v in VARIANTS if fnmatchcase(v.name, p.only)]


@pytest.mark.parametrize(
    ("variant", "profile"), PAIRS, ids=[f"{v.kernel}-{v.name}-{p.name}" for v, p in PAIRS]
)
def test_right_or_refused(variant: Variant, profile: lab.Profile, emulated: lab.Emulated) -> None:
    assert variant.isa
    name = f"{variant.kernel}/{variant.name}"
    LEDGER.note(name, profile.name, "FAILED")
    built, reasons = emulated.variants()
    if reason := reasons.get((variant.kernel, variant.name)):
        LEDGER.note(name, profile.name, f"not built: {reason}")
        return
    problems = [
        (built[address], case, problem)
        for case, problem in shapes.problems(variant.kernel)
        if (address := (variant.kernel, variant.name, case.operation)) in built
    ]
    assert problems, f"{name} implements none of its kernel's test shapes"
    if missing := registry.missing_features(variant.isa, emulated.features()[0]):
        index, case, problem = problems[0]
        answer = emulated.call(index, case.native_params, problem.operands, at_end=True, backward=False)
        assert answer.status == lab.UNSUPPORTED, f"lacks {missing} and was not refused"
        LEDGER.note(name, profile.name, f"refused: CPU lacks {', '.join(missing)}")
        return
    right = sum(is_right(emulated, variant.kernel, *problem) for problem in problems)
    assert right, f"{name} accepts none of its kernel's test shapes"
    LEDGER.note(name, profile.name, f"right on {right} problems", ran=True)


def is_right(emulated: lab.Emulated, kernel: str, index: int, case: Case, problem: Problem) -> bool:
    """Check both placements, each with its order of grains; False if the variant takes no such problem."""
    error = registry.kernels()[kernel].error
    for at_end in (True, False):
        try:
            answer = emulated.call(index, case.native_params, problem.operands, at_end, backward=not at_end)
        except lab.LabError as died:
            raise AssertionError(f"{case.name}, at_end={at_end}: {died}") from died
        if answer.status == lab.REFUSED:
            return False
        assert answer.status == lab.OK, case.name
        assert error(problem, answer.outputs) <= problem.tolerance, f"{case.name}, at_end={at_end}"
    return True


def test_every_variant_ran_somewhere() -> None:
    if len(LEDGER.cells) < len(PAIRS):
        pytest.skip("only some variants or profiles were selected")
    assert set(NAMES) <= LEDGER.ran, f"ran on no profile: {sorted(set(NAMES) - LEDGER.ran)}"
