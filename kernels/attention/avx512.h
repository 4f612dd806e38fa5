/* flash.h's vector operations on 512-bit vectors. */
#ifndef ARMBENCH_ATTENTION_AVX512_H
#define ARMBENCH_ATTENTION_AVX512_H

#include "armbench.h"

#include <immintrin.h>

#include "transpose.h"

#define LANES 16
#define WAYS 4
#define LOT 16
#define CHUNK 2048 /* 1 % faster than 1024 from memory */

typedef __m512 vec;

static inline __mmask16 lanes_below(int64_t n) { return (__mmask16)((1u << n) - 1); }
static inline vec splat(float x) { return _mm512_set1_ps(x); }
static inline vec load(const float *p) { return _mm512_loadu_ps(p); }
static inline void store(float *p, vec v) { _mm512_storeu_ps(p, v); }
static inline vec load_first(const float *p, int64_t n) {
    return _mm512_maskz_loadu_ps(lanes_below(n), p);
}
static inline void store_first(float *p, int64_t n, vec v) {
    _mm512_mask_storeu_ps(p, lanes_below(n), v);
}
static inline vec add(vec a, vec b) { return _mm512_add_ps(a, b); }
static inline vec sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
static inline vec mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
static inline vec div_of(vec a, vec b) { return _mm512_div_ps(a, b); }
static inline vec max_of(vec a, vec b) { return _mm512_max_ps(a, b); }
static inline vec fma_of(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline vec to_exponent(vec v) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(v), 23));
}
static inline float first_of(vec v) { return _mm512_cvtss_f32(v); }
static inline float most_of(vec v) { return _mm512_reduce_max_ps(v); }
static inline float sum_of(vec v) { return _mm512_reduce_add_ps(v); }
static inline void store_sums(float *out, const vec v[4]) {
    __m512 low = _mm512_add_ps(_mm512_unpacklo_ps(v[0], v[1]), _mm512_unpackhi_ps(v[0], v[1]));
    __m512 high = _mm512_add_ps(_mm512_unpacklo_ps(v[2], v[3]), _mm512_unpackhi_ps(v[2], v[3]));
    __m512 quarters = _mm512_add_ps(_mm512_shuffle_ps(low, high, 0x44),
                                    _mm512_shuffle_ps(low, high, 0xee));
    __m256 halves = _mm256_add_ps(_mm512_castps512_ps256(quarters),
                                  _mm512_extractf32x8_ps(quarters, 1));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(halves),
                                  _mm256_extractf128_ps(halves, 1)));
}

static inline void transpose(vec v[LANES]) { transpose16(v); }

#endif
