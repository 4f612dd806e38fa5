"""bfloat16 and Q4_0, against what defines them."""

from __future__ import annotations

import numpy as np

from armbench.kernels import formats


def test_bfloat16_rounds_to_nearest_even() -> None:
    exact = np.array([0.0, -0.0, 1.0, -2.5, 2.0**127], np.float32)
    assert np.array_equal(formats.bf16_bits(exact), (exact.view(np.uint32) >> 16).astype(np.uint16))
    ties = np.array([0x3F808000, 0x3F818000, 0x3F808001, 0x3F807FFF], np.uint32).view(np.float32)
    assert formats.bf16_bits(ties).tolist() == [0x3F80, 0x3F82, 0x3F81, 0x3F80]


def test_every_bfloat16_survives() -> None:
    finite = np.array([b for b in range(1 << 16) if b >> 7 & 0xFF != 0xFF], np.uint16)
    assert np.array_equal(formats.bf16_bits(formats.bf16_values(finite)), finite)


def test_q4_0_by_hand() -> None:
    weights = np.zeros((1, 32), np.float32)
    weights[0, [0, 1, 16, 31]] = [-8.0, 7.0, 1.0, -1.0]
    packed = formats.q4_0_bytes(weights)
    assert packed.shape == (1, 1, 18)
    assert packed[0, 0, :2].view(np.float16)[0] == 1.0
    assert packed[0, 0, 2] == (9 << 4 | 0)
    assert packed[0, 0, 3] == (8 << 4 | 15)
    assert packed[0, 0, 17] == (7 << 4 | 8)
    assert np.array_equal(formats.q4_0_values(packed), weights)


def test_q4_0_is_within_half_a_step_but_at_the_top() -> None:
    weights = np.random.default_rng(1).standard_normal((7, 320), np.float32)
    packed = formats.q4_0_bytes(weights)
    _, scales = formats.q4_0_parts(packed)
    steps = np.repeat(np.abs(scales), 32, axis=1)
    assert np.all(np.abs(formats.q4_0_values(packed) - weights) <= 1.01 * steps)
    assert np.mean(np.abs(formats.q4_0_values(packed) - weights) <= 0.51 * steps) > 0.97


def test_quantised_groups_use_all_of_8_bits() -> None:
    values = np.random.default_rng(2).standard_normal((3, 96)).astype(np.float32)
    q, scale = formats.quantised(values)
    assert np.abs(q.reshape(3, 3, 32)).max(axis=-1).tolist() == [[127] * 3] * 3
    error = q.reshape(3, 3, 32) * scale[..., None] - values.reshape(3, 3, 32)
    assert np.all(np.abs(error) <= 0.501 * scale[..., None])
    zeros, nothing = formats.quantised(np.zeros((1, 32), np.float32))
    assert not zeros.any()
    assert nothing.tolist() == [[0.0]]
