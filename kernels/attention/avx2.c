/* 4 x 24 tiles (three vectors of queries) in 12 of 16 registers, three for the vectors they are
 * multiplied with, one for k or v, broadcast.  Decode: 4 keys or 4 vectors of v x 2 queries in 8.
 *
 * Lives on vfmadd231ps ymm: 12 per step against 3 loads and 4 broadcasts, so two FMA pipes are
 * the bound: 32 operations a cycle on Haswell to Granite Rapids and on Zen 2 to Zen 5.  Decode is
 * bound by memory.
 */
#include "armbench.h"

#include <immintrin.h>
#include <string.h>

#include "transpose.h"

#define LANES 8
#define WAYS 4
#define LOT 16
#define NEAR 64
#define ELEMENTS 1
#define ROWS 4
#define COLUMNS 3
#define WIDTHS(W) W(1) W(2) W(3)
#define KEYS 128
#define TILES 4
#define SHARED 2
#define SHARES(S) S(1) S(2)
#define SPAN 4
#define BF16_HALVES

#define IN_ORDER(sum, address) __asm__("" : "+x"(sum), "+r"(address))

typedef __m256 vec;
typedef __m256 left;

static inline __m256i lanes_below(int64_t n) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), lane);
}
static inline vec splat(float x) { return _mm256_set1_ps(x); }
static inline vec load(const float *p) { return _mm256_loadu_ps(p); }
static inline void store(float *p, vec v) { _mm256_storeu_ps(p, v); }
static inline vec load_first(const float *p, int64_t n) {
    return _mm256_maskload_ps(p, lanes_below(n));
}
static inline void store_first(float *p, int64_t n, vec v) {
    _mm256_maskstore_ps(p, lanes_below(n), v);
}
static inline vec add(vec a, vec b) { return _mm256_add_ps(a, b); }
static inline vec sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
static inline vec mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
static inline vec div_of(vec a, vec b) { return _mm256_div_ps(a, b); }
static inline vec max_of(vec a, vec b) { return _mm256_max_ps(a, b); }
static inline vec fma_of(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
static inline vec to_exponent(vec v) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(v), 23));
}
static inline left load_left(const float *p) { return _mm256_set1_ps(*p); }
static inline vec fma_left(left a, int element, vec b, vec c) {
    (void)element;
    return _mm256_fmadd_ps(a, b, c);
}

static inline float first_of(vec v) { return _mm256_cvtss_f32(v); }
static inline float most_of(vec v) {
    __m128 x = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    x = _mm_max_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
}
static inline float sum_of(vec v) {
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}
static inline void store_sums(float *out, const vec v[4]) {
    __m256 pairs = _mm256_hadd_ps(_mm256_hadd_ps(v[0], v[1]), _mm256_hadd_ps(v[2], v[3]));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1)));
}

static inline void transpose(vec v[LANES]) { transpose8(v); }

#include "attention.h"

typedef __m256i bits;

static inline bits load_bits(const uint16_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline bits load_some(const uint16_t *p, int64_t n) {
    uint16_t first[2 * LANES] = {0};
    if (n >= 2 * LANES)
        return load_bits(p);
    if (n > 0)
        memcpy(first, p, (size_t)n * sizeof *p);
    return load_bits(first);
}
static inline vec even_of(bits v) { return _mm256_castsi256_ps(_mm256_slli_epi32(v, 16)); }
static inline vec odd_of(bits v) {
    return _mm256_castsi256_ps(_mm256_and_si256(v, _mm256_set1_epi32((int)0xffff0000)));
}
static inline vec zip_low(vec even, vec odd) {
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(even, odd), _mm256_unpackhi_ps(even, odd), 0x20);
}
static inline vec zip_high(vec even, vec odd) {
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(even, odd), _mm256_unpackhi_ps(even, odd), 0x31);
}

#include "halves.h"

AB_VARIANT(decode_bf16, .accepts = decode_accepts, .shared_bytes = decode_shared_bytes,
           .scratch_bytes = narrow_scratch_bytes, .phases = decode_phases,
           .grains = decode_grains, .run = narrow_decode);
