"""/proc/cpuinfo in the forms that kernels have written it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from armbench.bench import cpuinfo

# As 3.x and early 4.x kernels for arm64 have it.
OLD_ARM = """\
Processor\t: AArch64 Processor rev 4 (aarch64)
processor\t: 0
processor\t: 1
processor\t: 2
Features\t: fp asimd aes
CPU implementer\t: 0x41
CPU architecture: AArch64
CPU variant\t: 0x0
CPU part\t: 0xd03
CPU revision\t: 4

Hardware\t: Board
"""
X86 = "processor\t: {}\nvendor_id\t: GenuineIntel\nphysical id\t: {}\nsiblings\t: 4\ncpu cores\t: 2\nflags\t: fpu sse\n\n"


def test_one_description_is_everybodys() -> None:
    info = cpuinfo.parse(OLD_ARM)
    assert sorted(info.by_cpu) == [0, 1, 2]
    assert [info.of(cpu)["CPU part"] for cpu in range(3)] == ["0xd03"] * 3
    assert info.arch() == "aarch64"


def test_two_descriptions_are_not() -> None:
    text = "processor: 0\nCPU part: 0xd03\n\nprocessor: 1\nCPU part: 0xd08\n\nprocessor: 2\n"
    info = cpuinfo.parse(text)
    assert info.values("CPU part", range(3)) == ("0xd03", "0xd08")
    assert info.of(2) == {}


def test_x86_topology() -> None:
    info = cpuinfo.parse("".join(X86.format(cpu, cpu // 4) for cpu in range(8)))
    assert info.arch() == "x86_64"
    assert cpuinfo.packages(info, range(8)) == ("0-3", "4-7")
    assert cpuinfo.threads_per_core(info, range(8)) == 2
    assert cpuinfo.packages(cpuinfo.parse(OLD_ARM), range(3)) == ()
    assert cpuinfo.threads_per_core(cpuinfo.parse(""), ()) is None


def test_feature_names() -> None:
    assert cpuinfo.feature_names("fp asimd  asimd sve2p1 Bad \ufffd x\x00 " + "y" * 33) == (
        "fp",
        "asimd",
        "sve2p1",
    )


@given(st.text(st.sampled_from("processor: \n019\tmodelflags\ufffd")))
def test_any_text_is_parsed(text: str) -> None:
    info = cpuinfo.parse(text)
    assert all(0 <= cpu < 8192 for cpu in info.by_cpu)
    assert info.arch() in (None, "aarch64", "x86_64")
