"""Numbers for people: base units come in, a scaled unit comes out."""

from __future__ import annotations

SCALES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
BINARY = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
NAMES = {"flop/s": "FLOP/s"}


def scale_for(value: float) -> tuple[float, str]:
    """The divisor and prefix that leave `value` between 1 and 1000."""
    return next(((size, prefix) for size, prefix in SCALES if abs(value) >= size), (1.0, ""))


def unit_name(prefix: str, unit: str) -> str:
    return f"{prefix}{NAMES.get(unit, unit)}"


def three_digits(value: float) -> str:
    """1.23, 12.3, 123, 1234."""
    if abs(value) >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}"


def seconds(value: float) -> str:
    """ "1.23 ms"; the unit follows the value."""
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if value >= size:
            return f"{three_digits(value / size)} {unit}"
    return f"{three_digits(value / 1e-9)} ns"


def percent(share: float) -> str:
    """A share as "1.2 %", without more digits than it deserves."""
    value = 100 * share
    return f"{value:.0f} %" if value >= 9.95 else f"{value:.1f} %"


def hertz(value: float) -> str:
    size, prefix = scale_for(value)
    return f"{value / size:.3f} {prefix}Hz".replace(".000 ", " ")


def binary_bytes(value: int) -> str:
    """ "64 KiB", "1.5 GiB"."""
    for size, unit in BINARY:
        if value >= size:
            return f"{value / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{value} B"
