"""Number formats that numpy does not have: bfloat16, and weights of 4 bits in groups (GGUF's Q4_0).

bfloat16 is kept as its bits in uint16.  Q4_0 is kept as GGUF does, uint8 [rows, groups, 18]: for each
group of 32 a binary16 scale, then 16 bytes, of which the low nibbles are weights 0-15 and the high
ones 16-31; a weight is (nibble - 8) * scale.
"""

from __future__ import annotations

import numpy as np

from armbench.bench.model import Array

GROUP = 32
SCALE_BYTES, NIBBLE_BYTES = 2, 16
GROUP_BYTES = SCALE_BYTES + NIBBLE_BYTES
BF16_HALF_ULP = 2.0**-8  # relative: 8 bits of significand
F16_HALF_ULP = 2.0**-11


def bf16_bits(values: Array) -> Array:
    """uint16 of f32 values, rounded to nearest, ties to even; they must be finite."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = bits + 0x7FFF + (bits >> 16 & 1)
    return (rounded >> 16).astype(np.uint16)


def bf16_values(bits: Array) -> Array:
    """f32 of uint16 bits, exactly."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def q4_0_bytes(weights: Array) -> Array:
    """Q4_0 of f32 weights [rows, k], k a multiple of GROUP, as llama.cpp rounds them.

    The scale takes the weight of largest magnitude to -8.
    """
    rows, k = weights.shape
    groups = weights.reshape(rows, k // GROUP, GROUP)
    largest = np.take_along_axis(groups, np.abs(groups).argmax(axis=-1)[..., None], -1)
    scale = largest / -8
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale != 0)
    nibbles = np.clip(np.floor(groups * inverse + 8.5), 0, 15).astype(np.uint8)
    half = GROUP // 2
    packed = nibbles[..., :half] | nibbles[..., half:] << 4
    scales = np.ascontiguousarray(scale.astype(np.float16)).view(np.uint8)
    return np.ascontiguousarray(np.concatenate([scales.reshape(rows, -1, SCALE_BYTES), packed], axis=-1))


def q4_0_parts(packed: Array) -> tuple[Array, Array]:
    """(integers -8 to 7, int8 [rows, groups, 32]; scales, f32 [rows, groups])."""
    scales = np.ascontiguousarray(packed[..., :SCALE_BYTES]).view(np.float16)[..., 0].astype(np.float32)
    nibbles = packed[..., SCALE_BYTES:]
    both = np.concatenate([nibbles & 15, nibbles >> 4], axis=-1)
    return both.astype(np.int8) - np.int8(8), scales


def q4_0_values(packed: Array) -> Array:
    """f32 [rows, k] of Q4_0, exactly."""
    integers, scales = q4_0_parts(packed)
    return (integers * scales[..., None]).reshape(len(packed), -1)


def quantised(values: Array, group: int = GROUP) -> tuple[Array, Array]:
    """(int8 [..., k], scales f32 [..., k / group]) of f32 values [..., k].

    The scale is the group's largest magnitude / 127; quotients are rounded to nearest, ties to even.
    """
    groups = values.reshape(*values.shape[:-1], -1, group)
    scale = np.abs(groups).max(axis=-1) / np.float32(127)
    divisor = np.where(scale > 0, scale, np.float32(1))[..., None]
    return np.rint(groups / divisor).astype(np.int8).reshape(values.shape), scale
