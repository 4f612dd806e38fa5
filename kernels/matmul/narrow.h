/* binary16, bfloat16 and rounding in plain C, for machines without instructions for them. */
#ifndef ARMBENCH_MATMUL_NARROW_H
#define ARMBENCH_MATMUL_NARROW_H

#include <stdint.h>
#include <string.h>

static inline float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float bf16_value(uint16_t bits) { return float_of((uint32_t)bits << 16); }

/* To nearest, ties to even; of finite numbers. */
static inline uint16_t bf16_bits(float x) {
    uint32_t bits = bits_of(x);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* Multiplying by 2^112 moves the exponent, subnormals included; infinities and NaNs are put right. */
static inline float f16_value(uint16_t bits) {
    float magnitude = float_of((uint32_t)(bits & 0x7fff) << 13) * 0x1p112f;
    if (magnitude >= 65536.0f)
        magnitude = float_of(bits_of(magnitude) | 0x7f800000u);
    return float_of(bits_of(magnitude) | (uint32_t)(bits & 0x8000) << 16);
}

/* To nearest, ties to even.  Adding a power of two leaves no bits below the last of the result. */
static inline uint16_t f16_bits(float x) {
    const uint32_t sign = bits_of(x) >> 16 & 0x8000;
    float magnitude = float_of(bits_of(x) & 0x7fffffff);
    if (magnitude >= 65520.0f) /* rounds to infinity; a NaN is none of this */
        return (uint16_t)(sign | 0x7c00);
    if (magnitude != magnitude)
        return (uint16_t)(sign | 0x7e00);
    if (magnitude < 0x1p-14f) /* subnormal: a multiple of 2^-24 */
        return (uint16_t)(sign | (bits_of(magnitude + 0.5f) - bits_of(0.5f)));
    const uint32_t bits = bits_of(magnitude) - (112u << 23);
    return (uint16_t)(sign | (bits + 0xfff + (bits >> 13 & 1)) >> 13);
}

/* Of |x| < 2^22, ties to even. */
static inline int32_t nearest_even(float x) {
    const float shift = 0x1.8p23f;
    return (int32_t)(bits_of(x + shift) - bits_of(shift));
}

#endif
