/* Square blocks of floats transposed in registers, for the instruction set being compiled. */
#ifndef ARMBENCH_TRANSPOSE_H
#define ARMBENCH_TRANSPOSE_H

#if defined(__AVX512F__)

#include <immintrin.h>

/* 16 x 16, by halves: pairs of 32-, 64-, 128- and 256-bit pieces change places. */
static inline void transpose16(__m512 v[16]) {
    __m512 t[16];
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(v[i], v[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(v[i], v[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4)
#pragma GCC unroll 2
        for (int j = 0; j < 2; j++) {
            v[i + 2 * j] = _mm512_shuffle_ps(t[i + j], t[i + 2 + j], 0x44);
            v[i + 2 * j + 1] = _mm512_shuffle_ps(t[i + j], t[i + 2 + j], 0xee);
        }
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        t[j] = _mm512_shuffle_f32x4(v[j], v[4 + j], 0x88);
        t[4 + j] = _mm512_shuffle_f32x4(v[j], v[4 + j], 0xdd);
        t[8 + j] = _mm512_shuffle_f32x4(v[8 + j], v[12 + j], 0x88);
        t[12 + j] = _mm512_shuffle_f32x4(v[8 + j], v[12 + j], 0xdd);
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        v[j] = _mm512_shuffle_f32x4(t[j], t[8 + j], 0x88);
        v[8 + j] = _mm512_shuffle_f32x4(t[j], t[8 + j], 0xdd);
        v[4 + j] = _mm512_shuffle_f32x4(t[4 + j], t[12 + j], 0x88);
        v[12 + j] = _mm512_shuffle_f32x4(t[4 + j], t[12 + j], 0xdd);
    }
}

#elif defined(__AVX2__)

#include <immintrin.h>

/* 8 x 8, by halves: pairs of 32-, 64- and 128-bit pieces change places. */
static inline void transpose8(__m256 v[8]) {
    __m256 t[8];
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(v[i], v[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(v[i], v[i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4)
#pragma GCC unroll 2
        for (int j = 0; j < 2; j++) {
            v[i + 2 * j] = _mm256_shuffle_ps(t[i + j], t[i + 2 + j], 0x44);
            v[i + 2 * j + 1] = _mm256_shuffle_ps(t[i + j], t[i + 2 + j], 0xee);
        }
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        t[j] = _mm256_permute2f128_ps(v[j], v[4 + j], 0x20);
        t[4 + j] = _mm256_permute2f128_ps(v[j], v[4 + j], 0x31);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        v[i] = t[i];
}

#elif defined(__ARM_NEON)

#include <arm_neon.h>

static inline void transpose4(float32x4_t v[4]) {
    float64x2_t a = vreinterpretq_f64_f32(vtrn1q_f32(v[0], v[1]));
    float64x2_t b = vreinterpretq_f64_f32(vtrn2q_f32(v[0], v[1]));
    float64x2_t c = vreinterpretq_f64_f32(vtrn1q_f32(v[2], v[3]));
    float64x2_t d = vreinterpretq_f64_f32(vtrn2q_f32(v[2], v[3]));
    v[0] = vreinterpretq_f32_f64(vtrn1q_f64(a, c));
    v[1] = vreinterpretq_f32_f64(vtrn1q_f64(b, d));
    v[2] = vreinterpretq_f32_f64(vtrn2q_f64(a, c));
    v[3] = vreinterpretq_f32_f64(vtrn2q_f64(b, d));
}

#endif

#endif
