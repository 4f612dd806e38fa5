"""Each profile is exactly the CPU that it claims to be: its features before and after the mask, its vectors."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import pytest

from armbench.bench.facts import FEATURES, ISA
from armbench.bench.machine import arm
from tests.arm import lab

REQUIRED = {name for entry in ISA.values() if entry["arch"] == "aarch64" for name in entry["requires"]}
PROFILES = lab.profiles()

on_each_profile = pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.name)


@pytest.fixture
def emulated(profile: lab.Profile) -> Iterator[lab.Emulated]:
    process = lab.Emulated(profile)
    yield process
    process.close()


@pytest.fixture
def bare(profile: lab.Profile) -> Iterator[lab.Emulated]:
    process = lab.Emulated(profile, masked=False)
    yield process
    process.close()


@on_each_profile
def test_profile_is_the_cpu_that_it_claims_to_be(profile: lab.Profile, emulated: lab.Emulated) -> None:
    features, sve_bits, sme_bits = emulated.features()
    assert (sve_bits, sme_bits) == (profile.sve_bits, profile.sme_bits)
    assert ("sve" in features, "sme" in features) == (bool(sve_bits), bool(sme_bits))
    if profile.claims is None:
        assert set(profile.has) | set(profile.lacks) >= REQUIRED, "says of each whether it has it"
        assert set(profile.has) <= features
        assert not set(profile.lacks) & features
    else:
        assert features <= profile.claims
        assert REQUIRED & profile.claims <= features, "qemu lacks what a variant requires"
        assert (profile.claims & set(FEATURES["aarch64"])) - features <= set(profile.absent)


@on_each_profile
def test_what_is_masked_is_what_qemu_cannot_take_away(
    profile: lab.Profile, emulated: lab.Emulated, bare: lab.Emulated
) -> None:
    before, after = bare.features()[0], emulated.features()[0]
    assert bare.features()[1:] == emulated.features()[1:], "no mask hides the length of vectors"
    assert after == before & (before if profile.claims is None else profile.claims)
    assert (before - after) & REQUIRED == set(profile.masked)


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
