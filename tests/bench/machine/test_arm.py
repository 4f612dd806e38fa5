"""Registers, capability words and chips, from the tables alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armbench.bench.facts import CHIPS, CLOUDS, CORES, FEATURES, IMPLEMENTERS, ISA
from armbench.bench.machine import arm
from armbench.bench.machine.arm import Clue, Midr

WORDS = st.lists(st.integers(0, 2**64 - 1), min_size=3, max_size=4)


@pytest.mark.parametrize(
    ("value", "core", "release", "name"),
    [
        (0x410FD083, "0x41/0xd08", "r0p3", "Cortex-A72"),
        (0x413FD0C1, "0x41/0xd0c", "r3p1", "Neoverse N1"),
        (0x411FD401, "0x41/0xd40", "r1p1", "Neoverse V1"),
        (0x410FD490, "0x41/0xd49", "r0p0", "Neoverse N2"),
        (0x6D0FD490, "0x6d/0xd49", "r0p0", "Azure Cobalt 100"),
        (0x410FD4F1, "0x41/0xd4f", "r0p1", "Neoverse V2"),
        (0x410FD841, "0x41/0xd84", "r0p1", "Neoverse V3"),
        (0x410FD8E0, "0x41/0xd8e", "r0p0", "Neoverse N3"),
        (0x480FD400, "0x48/0xd40", "r0p0", "Cortex-A76 (Kirin)"),
        (0x461F0010, "0x46/0x001", "r1p0", "A64FX"),
        (0xC00FAC40, "0xc0/0xac4", "r0p0", "Ampere-1A"),
        (0x4E0F0100, "0x4e/0x010", "r0p0", "Olympus"),
        (0x412FDFF3, "0x41/0xdff", "r2p3", "Arm part 0xdff (unknown)"),
        (0x990F1230, "0x99/0x123", "r0p0", "implementer 0x99 part 0x123 (unknown)"),
    ],
)
def test_midr(value: int, core: str, release: str, name: str) -> None:
    midr = arm.decode_midr(value)
    assert midr is not None
    assert (midr.core, midr.release, arm.core_name(midr.core)) == (core, release, name)


@given(st.integers(0, 2**64 - 1))
def test_midr_keeps_every_field(value: int) -> None:
    midr = arm.decode_midr(value)
    if midr is None:
        assert value % 2**32 == 0
        return
    assert midr.variant is not None and midr.revision is not None
    back = midr.implementer << 24 | midr.variant << 20 | midr.part << 4 | midr.revision
    assert back == value & 0xFFF0FFFF
    assert arm.core_name(midr.core)


@given(WORDS)
def test_every_capability_bit_has_a_name_of_its_own(words: list[int]) -> None:
    names = arm.hwcap_names(words)
    assert len(names) == len(set(names)) == sum(word.bit_count() for word in words[:3])
    table = FEATURES["aarch64"]
    for name in names:
        if name in table:
            word, bit = table[name]
        else:
            prefix, number = name.split(":")
            word, bit = ("hwcap", "hwcap2", "hwcap3").index(prefix), int(number)
            assert (word, bit) not in table.values()
        assert words[word] >> bit & 1


def test_unknown_bits_keep_their_number() -> None:
    assert arm.hwcap_names([1 << 48, 0, 1 << 63]) == ("hwcap:48", "hwcap3:63")


@pytest.mark.parametrize(
    ("cores", "bits"),
    [
        (["0x41/0xd40"], 256),
        (["0x41/0xd84"], 128),
        (["0x46/0x001"], 512),
        (["0x41/0xd85", "0x41/0xd87"], 128),
        (["0x41/0xd40", "0x41/0xd49"], 128),
        (["0x41/0xd40", "0x41/0xdff"], None),
        (["0x41/0xd08"], None),
        ([], None),
    ],
)
def test_vector_length_is_known_of_every_core_or_not(cores: list[str], bits: int | None) -> None:
    assert arm.sve_bits(cores) == bits


# --- chips ---------------------------------------------------------------------------------

V1, V2, V3, N1 = (Midr(0x41, part, 0, 1) for part in (0xD40, 0xD4F, 0xD84, 0xD0C))
GRACE = Midr(0x41, 0xD4F, 0, 0)


@pytest.mark.parametrize(
    ("clue", "name", "clock_hz"),
    [
        (Clue((V3,), "aws", "m9g.48xlarge"), "AWS Graviton5", 3.3e9),
        (Clue((V2,), "aws", "m8g.24xlarge"), "AWS Graviton4", 2.8e9),
        (Clue((V2,), "aws", "r8g.48xlarge"), "AWS Graviton4", 2.7e9),
        (Clue((V2,), "aws", "m8g.metal-48xl"), "AWS Graviton4", 2.7e9),
        (Clue((V1,), "aws", "hpc7g.4xlarge"), "AWS Graviton3E", 2.6e9),
        (Clue((V1,), "aws", "r7gd.large"), "AWS Graviton3", 2.6e9),
        (Clue((V1,), "aws", None), "AWS Graviton3", 2.6e9),
        (Clue((), "aws", "c6gn.large"), "AWS Graviton2", 2.5e9),
        (Clue((), "aws", "m7i.large"), None, None),
        (Clue((V3,), "aws", "m8g.large"), "AWS Graviton5", 3.3e9),
        (Clue((GRACE,), "aws", "p6e-gb200.36xlarge"), "NVIDIA Grace", None),
        (Clue((GRACE,)), "NVIDIA Grace", None),
        (Clue((V2,), "gcp"), "Google Axion", 3.0e9),
        (Clue((V2,)), None, None),
        (Clue((N1,), "hetzner"), "Ampere Altra", None),
        (Clue((N1,), "azure"), "Ampere Altra", 3.0e9),
        (Clue((N1,), None, None, 25_000_000), "Ampere Altra", None),
        (Clue((N1,), None, None, 121_875_000), None, None),
        (Clue((Midr(0x6D, 0xD49, 0, 0),)), "Azure Cobalt 100", 3.4e9),
        # the firmware's name tells 3E from 3, and a Graviton that is newer than the facts
        (Clue((V1,), "aws", "x7gn.large", None, "AWS Graviton3E"), "AWS Graviton3E", 2.6e9),
        (Clue((V1,), "aws", "x7gn.large", None, "AWS Graviton3"), "AWS Graviton3", 2.6e9),
        (Clue((V2,), "aws", "p7x.large", None, "AWS Graviton4"), "AWS Graviton4", 2.8e9),
        (Clue((Midr(0x41, 0xDFE),), "aws", "m10g.large", None, "AWS Graviton6"), "AWS Graviton6", None),
        (Clue((N1,), None, None, None, "Ampere(R) Altra(R) Max Processor"), "Ampere Altra", None),
        (Clue((V2,), "gcp", None, None, "Axion"), "Google Axion", 3.0e9),
        # and is not believed against core or cloud
        (Clue((V2,), "gcp", None, None, "AWS Graviton4"), "Google Axion", 3.0e9),
        (Clue((N1,), None, None, 25_000_000, "AWS Graviton2"), "Ampere Altra", None),
        (Clue((V3,), "aws", "m9g.large", None, "AWS Graviton4"), "AWS Graviton5", 3.3e9),
        # in a family that the facts lack, or without one, the counter must be the chip's
        (Clue((N1,), "aws", "m12g.large", 121_875_000), "AWS Graviton2", 2.5e9),
        (Clue((N1,), "aws", "m12g.large", 25_000_000), "Ampere Altra", None),
        (Clue((N1,), "aws", None, 25_000_000), "Ampere Altra", None),
        (Clue((V2,), "aws", "m12g.large", 50_000_000), None, None),
        (Clue((GRACE,), "aws", None, 10**9), "NVIDIA Grace", None),
        (Clue((V2,), "aws", "z1a.large", 10**9), None, None),
        (Clue((Midr(0x41, 0xD85), Midr(0x41, 0xD87))), "NVIDIA GB10", None),
        (Clue((Midr(0x41, 0xD85),)), None, None),
        (Clue(()), None, None),
    ],
)
def test_chip(clue: Clue, name: str | None, clock_hz: float | None) -> None:
    found = arm.chip(clue)
    assert (found or {}).get("name") == name
    assert arm.chip_clock_hz(found or {}, clue.instance) == clock_hz


@given(
    st.lists(st.sampled_from(sorted(CORES)), max_size=2),
    st.sampled_from([None, *{row["name"] for row in CLOUDS} - {"aws"}]),
    st.sampled_from([None, "m9g.large", "c7gn.metal", "x"]),
    st.sampled_from([None, 25_000_000, 10**9]),
)
def test_graviton_is_amazons_alone(
    cores: list[str], cloud: str | None, instance: str | None, counter: int | None
) -> None:
    midrs = tuple(Midr(*(int(part, 16) for part in core.split("/")), 0, 1) for core in cores)
    found = arm.chip(Clue(midrs, cloud, instance, counter))
    assert found is None or "Graviton" not in found["name"]


# --- the tables ----------------------------------------------------------------------------


def test_cores_are_keyed_as_midr_decodes() -> None:
    for core, row in CORES.items():
        implementer, part = (int(text, 16) for text in core.split("/"))
        assert Midr(implementer, part).core == core
        assert row["name"] and row["sources"]
        assert core.split("/")[0] in IMPLEMENTERS or row.get("emulator")
        assert row.get("sve_bits", 128) in (128, 256, 512)


def test_chips_refer_to_known_cores_and_clouds() -> None:
    clouds = {row["name"] for row in CLOUDS}
    for row in CHIPS:
        assert clouds.issuperset(row.get("clouds", []))
        assert not row.get("by_counter") or row["counter_hz"]
        for key in row["cores"]:
            types = key.split(" ")
            assert types == sorted(types)
            # Cobalt 200's own MIDR is not published: the one core that only chips.json has
            assert all(core in CORES or core == "0x6d/0xd84" for core in types), row["name"]


def test_an_instance_family_has_one_chip() -> None:
    families = [family for row in CHIPS for family in row.get("families", [])]
    assert len(families) == len(set(families))
    assert all(re.fullmatch("[a-z0-9]+", family) for family in families)


def test_requirements_of_native_variants_are_known_features() -> None:
    for stem, row in ISA.items():
        arches = [row["arch"]] if row["arch"] else []
        assert all(name in FEATURES[arch] for arch in arches for name in row["requires"]), stem
