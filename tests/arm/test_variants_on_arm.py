"""Every native variant on every emulated CPU: right, or refused for the right reason."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from functools import cache

import pytest

from armbench.bench import registry
from armbench.bench.facts import FEATURES, ISA
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
OFTEN, SELDOM, LEAST = 4, 16, 8  # of a variant's shapes one in so many, and so many at least

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
    assert sve_bits == profile.sve_bits
    assert profile.sme_bits in (None, sme_bits)
    assert ("sve" in features, "sme" in features) == (bool(sve_bits), bool(sme_bits))
    if profile.claims is not None:
        assert features <= profile.claims
        required = {name for entry in ISA.values() for name in entry["requires"]}
        assert required & profile.claims <= features, "qemu lacks what a variant requires"


@on_each_profile
def test_what_is_masked_is_what_qemu_cannot_take_away(profile: lab.Profile, emulated: lab.Emulated) -> None:
    bare = lab.Emulated(profile, masked=False)
    try:
        features = bare.features()[0]
    finally:
        bare.close()
    kept = features if profile.claims is None else features & profile.claims
    assert emulated.features()[0] == kept


@on_each_profile
def test_the_registers_of_the_cpu(profile: lab.Profile, emulated: lab.Emulated) -> None:
    probes = emulated.probes()
    midr = arm.decode_midr(probes.midr)
    assert midr is not None
    names = {"graviton1": "Cortex-A72", "graviton2": "Neoverse N1", "no-sve": "QEMU max"}
    assert profile.name not in names or arm.core_name(midr.core) == names[profile.name]
    assert probes.counter_rate == pytest.approx(probes.counter_hz, rel=0.05)
    assert probes.step >= 1
    assert probes.reading > 0
    assert probes.perf_errno == errno.ENOSYS  # which qemu's user mode does not know
    assert (probes.added, probes.stored) == (12, 12)  # with LSE's atomics on max, without on cortex-a72


PAIRS = [(v, p) for p in PROFILES for v in VARIANTS]


@pytest.mark.parametrize(
    ("variant", "profile"), PAIRS, ids=[f"{v.kernel}-{v.name}-{p.name}" for v, p in PAIRS]
)
def test_right_or_refused(variant: Variant, profile: lab.Profile, emulated: lab.Emulated) -> None:
    often = OFTEN if variant.isa in profile.often.split() else SELDOM
    check(variant, profile, emulated, profile.name, 1 if variant.isa in profile.home.split() else often)


OTHER_BUILDS = [(v, b) for b in lab.BUILDS if b != "aarch64" for v in VARIANTS]


@pytest.mark.parametrize(
    ("variant", "build"), OTHER_BUILDS, ids=[f"{v.kernel}-{v.name}-{b}" for v, b in OTHER_BUILDS]
)
def test_other_builds(variant: Variant, build: str) -> None:
    """On the first CPU that the variant is at home on: compiled by gcc, and with UBSan."""
    profile = next(profile for profile in PROFILES if variant.isa in profile.home.split())
    process = lab.Emulated(profile, build)
    try:
        check(variant, profile, process, build, SELDOM)
    finally:
        process.close()


def check(variant: Variant, profile: lab.Profile, emulated: lab.Emulated, column: str, each: int) -> None:
    """Right on one in `each` of its shapes, or refused for what the CPU lacks; and noted."""
    assert variant.isa
    name = f"{variant.kernel}/{variant.name}"
    LEDGER.note(name, column, "FAILED")
    built, reasons = emulated.variants()
    if reason := reasons.get((variant.kernel, variant.name)):
        LEDGER.note(name, column, f"not built: {reason}")
        return
    problems = [
        (built[address], case, problem)
        for case, problem in shapes.problems(variant.kernel)
        if (address := (variant.kernel, variant.name, case.operation)) in built
    ]
    assert problems, f"{name} implements none of its kernel's test shapes"
    if missing := registry.missing_features(variant.isa, emulated.features()[0]):
        index, case, problem = problems[0]
        answer = emulated.call(index, case.native_params, problem.operands, lab.AT_END, backward=False)
        assert answer.status == lab.UNSUPPORTED, f"lacks {missing} and was not refused"
        masked = " (masked)" if profile.claims and not set(missing) & qemu_lacks(profile) else ""
        LEDGER.note(name, column, f"refused{masked}: lacks {', '.join(missing)}")
        return
    chosen = problems[:: max(1, min(each, len(problems) // LEAST))]
    places = [PLACES[:2], PLACES]  # off alignment every other shape
    right = sum(is_right(emulated, variant.kernel, places[i % 2], *p) for i, p in enumerate(chosen))
    assert right, f"{name} accepts none of its kernel's test shapes"
    LEDGER.note(name, column, f"right on {right}", ran=True)


@cache
def qemu_lacks(profile: lab.Profile) -> set[str]:
    """The features that the emulated CPU itself has not, whatever it claims."""
    bare = lab.Emulated(profile, masked=False)
    try:
        return set(FEATURES["aarch64"]) - bare.features()[0]
    finally:
        bare.close()


PLACES = (
    (lab.AT_END, False),
    (lab.AT_START, True),
    (lab.MISALIGNED, False),
)  # and whether grains run backwards


def is_right(
    emulated: lab.Emulated,
    kernel: str,
    places: Sequence[tuple[int, bool]],
    index: int,
    case: Case,
    problem: Problem,
) -> bool:
    """Check some placements; False if the variant takes no such problem."""
    error, aligned = registry.kernels()[kernel].error, shapes.aligned(kernel)
    for place, backward in places:
        try:
            answer = emulated.call(index, case.native_params, problem.operands, place, backward, aligned)
        except lab.LabError as died:
            raise AssertionError(f"{case.name}, place {place}: {died}") from died
        if answer.status == lab.REFUSED:
            return False
        assert answer.status == lab.OK, case.name
        assert error(problem, answer.outputs) <= problem.tolerance, f"{case.name}, place {place}"
    return True


def test_every_variant_ran_somewhere() -> None:
    if len(LEDGER.cells) < len(PAIRS) + len(OTHER_BUILDS):
        pytest.skip("only some variants or profiles were selected")
    assert set(NAMES) <= LEDGER.ran, f"ran on no profile: {sorted(set(NAMES) - LEDGER.ran)}"
