/* The tiles of narrow.h for a cache of int8 with AVX-512 VNNI.
 *
 * Queries are rows of 16 bits, which beside the cache's own 8 bits is nothing (sdot.h).
 * Scores: keys are widened to 16 bits as they are loaded, 2 keys a vector, 8 keys x 4 queries of sums of
 * vpdpwssd; the 16 vectors become two in a tree of additions.
 * Outputs: four keys are zipped, 2 vectors x 4 queries x 2 parts of vpdpbusd, which adds the products of
 * four neighbours, unsigned by signed; weights are relative to the largest of a block, unsigned and of
 * 16 bits too, in two parts: high and low.
 */
#ifndef ARMBENCH_ATTENTION_VNNI_H
#define ARMBENCH_ATTENTION_VNNI_H

#include "cache.h"

#include <string.h>

#define CACHE INT8
#define PARTS 2 /* of a query every 16 elements twice; high and low parts of a weight */
#define BYTES 64
#define WORDS 16
#define KEYS_AT_ONCE 8
#define SHARED 4
#define SHARES(S) S(1) S(2) S(3) S(4)
#define LARGEST 32512.0f /* 127 x 256: what is rounded up still has room */
#define LARGEST_ELEMENTS 512 /* of a query so large, whose sums fit 32 bits */

typedef int8_t kv;
typedef float query;
typedef int16_t row; /* of weights: bytes of the high parts, then of the low ones */

static float prepare_query(attention_shape s, const query *q, int64_t elements, row *rows) {
    vec most = splat(0);
    for (int64_t i = 0; i < s.head_dim; i += LANES)
        most = max_of(most, _mm512_abs_ps(load_first(q + i, min_of(LANES, s.head_dim - i))));
    float largest = most_of(most), range = LARGEST;
    if (s.head_dim > LARGEST_ELEMENTS)
        range *= (float)LARGEST_ELEMENTS / (float)s.head_dim;
    vec steps = splat(largest > 0 ? range / largest : 0);
    for (int64_t i = 0; i < elements; i += LANES) {
        vec some = load_first(q + i, clamped(s.head_dim - i, LANES));
        __m256i words = _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(mul(some, steps)));
        _mm256_storeu_si256((__m256i *)(rows + 2 * i), words);
        _mm256_storeu_si256((__m256i *)(rows + 2 * i + WORDS), words);
    }
    return largest / range * query_scale(s);
}

INLINE const int8_t *key_row(const near_block *b, int64_t r) {
    return (const int8_t *)near_row(b, min_of(r, b->keys - 1));
}

/* ---- scores ------------------------------------------------------------------------------ */

INLINE __m128i load_words(const int8_t *from, int64_t n) {
    return n < WORDS ? _mm_maskz_loadu_epi8((__mmask16)((1u << n) - 1), from)
                     : _mm_loadu_si128((const __m128i *)from);
}

/* 16 elements of eight keys, or the first `n`; sum[h][i] is of keys i and i + 4. */
INLINE void score_words(const int queries, const int8_t *const key[KEYS_AT_ONCE], int64_t p, int64_t n,
                        const row *q, int64_t elements, __m512i sum[SHARED][4]) {
    __m512i words[4];
    UNROLL for (int i = 0; i < 4; i++)
        words[i] = _mm512_cvtepi8_epi16(_mm256_inserti128_si256(
            _mm256_castsi128_si256(load_words(key[i] + p, n)), load_words(key[i + 4] + p, n), 1));
    UNROLL for (int h = 0; h < queries; h++) {
        __m512i x = _mm512_loadu_si512(q + h * PARTS * elements + PARTS * p);
        UNROLL for (int i = 0; i < 4; i++) /* as asm, or clang makes two instructions of every second one */
            __asm__("vpdpwssd %2, %1, %0" : "+v"(sum[h][i]) : "v"(words[i]), "v"(x));
    }
}

/* In each 128 bits, the sums over those of four vectors. */
INLINE __m512i quarter_sums(const __m512i v[4]) {
    __m512i low = _mm512_add_epi32(_mm512_unpacklo_epi32(v[0], v[1]), _mm512_unpackhi_epi32(v[0], v[1]));
    __m512i high = _mm512_add_epi32(_mm512_unpacklo_epi32(v[2], v[3]), _mm512_unpackhi_epi32(v[2], v[3]));
    return _mm512_add_epi32(_mm512_unpacklo_epi64(low, high), _mm512_unpackhi_epi64(low, high));
}

/* Of two queries, the sums of eight keys each. */
INLINE vec sums_of_two(const __m512i x[4], const __m512i y[4]) {
    __m512i a = quarter_sums(x), b = quarter_sums(y);
    return _mm512_cvtepi32_ps(
        _mm512_add_epi32(_mm512_shuffle_i32x4(a, b, 0x88), _mm512_shuffle_i32x4(a, b, 0xdd)));
}

/* Scores of keys r to r + 7; `factors` has each query's eight times. */
INLINE void score_keys(const int queries, const near_block *b, int64_t r, const row *q, int64_t elements,
                       const vec factors[2], float *scores) {
    __m512i sum[SHARED][4];
    const int8_t *key[KEYS_AT_ONCE];
    UNROLL for (int i = 0; i < KEYS_AT_ONCE; i++)
        key[i] = key_row(b, r) + (r + i < b->keys ? i * b->head_dim : 0);
    UNROLL for (int h = 0; h < SHARED; h++)
        UNROLL for (int i = 0; i < 4; i++) sum[h][i] = _mm512_setzero_si512();
    int64_t p = 0;
    for (; p + 2 * WORDS <= b->head_dim; p += 2 * WORDS) {
        prefetch_lines(b, r * b->head_dim + KEYS_AT_ONCE * p, 4);
        score_words(queries, key, p, WORDS, q, elements, sum);
        score_words(queries, key, p + WORDS, WORDS, q, elements, sum);
    }
    for (; p < b->head_dim; p += WORDS)
        score_words(queries, key, p, min_of(WORDS, b->head_dim - p), q, elements, sum);
    __m256 some = _mm256_maskz_loadu_ps((__mmask8)lanes_below(min_of(KEYS_AT_ONCE, b->keys - r)),
                                        near_scales(b, r));
    vec scales = _mm512_broadcast_f32x8(some);
    float all[SHARED][KEYS_AT_ONCE];
    UNROLL for (int h = 0; h < queries; h += 2)
        store(all[h], mul(mul(sums_of_two(sum[h], sum[h + 1]), factors[h / 2]), scales));
    UNROLL for (int h = 0; h < queries; h++)
        memcpy(scores + h * SCORES_STRIDE + r, all[h], sizeof all[h]);
}

INLINE void score_all(const int queries, const near_block *b, const row *q, int64_t elements,
                      const float *factors, float *scores) {
    const __m512i second = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    vec some = load_first(factors, queries), each[2];
    UNROLL for (int j = 0; j < 2; j++)
        each[j] = _mm512_permutexvar_ps(_mm512_add_epi32(second, _mm512_set1_epi32(2 * j)), some);
    for (int64_t r = 0; r < b->keys; r += KEYS_AT_ONCE)
        score_keys(queries, b, r, q, elements, each, scores);
}

static NOINLINE void dots(int64_t queries, const near_block *b, const row *q, int64_t elements,
                          const float *factors, float *scores) {
#define SHARE(n) case n: score_all(n, b, q, elements, factors, scores); break;
    switch (queries) { SHARES(SHARE) }
#undef SHARE
}

/* ---- outputs ----------------------------------------------------------------------------- */

/* 16 bits of 64 keys as bytes: packing leaves fours of keys in the order of a transposed matrix. */
INLINE void store_parts(const __m512i whole[4], uint8_t *high, uint8_t *low) {
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i byte = _mm512_set1_epi16(255);
    __m512i x = _mm512_packus_epi32(whole[0], whole[1]), y = _mm512_packus_epi32(whole[2], whole[3]);
    __m512i upper = _mm512_packus_epi16(_mm512_srli_epi16(x, 8), _mm512_srli_epi16(y, 8));
    __m512i lower = _mm512_packus_epi16(_mm512_and_si512(x, byte), _mm512_and_si512(y, byte));
    _mm512_storeu_si512(high, _mm512_permutexvar_epi32(order, upper));
    _mm512_storeu_si512(low, _mm512_permutexvar_epi32(order, lower));
}

static float prepare_weights(const near_block *b, const float *p, row *weights) {
    uint8_t *high = (uint8_t *)weights, *low = high + NEAR;
    vec scaled[NEAR / LANES], largest = splat(0);
    UNROLL for (int i = 0; i < NEAR / LANES; i++) {
        scaled[i] = splat(0);
        if (i * LANES >= b->keys)
            continue;
        int64_t n = clamped(b->keys - i * LANES, LANES);
        scaled[i] = mul(load_first(p + i * LANES, n), load_first(near_scales(b, i * LANES), n));
        largest = max_of(largest, scaled[i]);
    }
    float most = most_of(largest), steps = most > 0 ? 65535 / most : 0;
    UNROLL for (int i = 0; i < NEAR; i += BYTES) {
        if (i >= b->keys)
            break;
        __m512i whole[4];
        UNROLL for (int j = 0; j < 4; j++)
            whole[j] = _mm512_cvtps_epu32(mul(scaled[i / LANES + j], splat(steps)));
        store_parts(whole, high + i, low + i);
    }
    return most / 65535;
}

/* Of every 16 elements of four rows, zipped: 0..3 and 4..7, or 8..11 and 12..15. */
INLINE void zip(const __m512i v[4], const int upper, __m512i x[2]) {
    __m512i a = upper ? _mm512_unpackhi_epi8(v[0], v[1]) : _mm512_unpacklo_epi8(v[0], v[1]);
    __m512i b = upper ? _mm512_unpackhi_epi8(v[2], v[3]) : _mm512_unpacklo_epi8(v[2], v[3]);
    x[0] = _mm512_unpacklo_epi16(a, b);
    x[1] = _mm512_unpackhi_epi16(a, b);
}

/* Vectors of every fourth four -> in the order of their elements. */
INLINE void unzip(const vec x[4], vec out[4]) {
    vec t[4];
    UNROLL for (int j = 0; j < 2; j++) {
        t[j] = _mm512_shuffle_f32x4(x[2 * j], x[2 * j + 1], 0x44);
        t[2 + j] = _mm512_shuffle_f32x4(x[2 * j], x[2 * j + 1], 0xee);
    }
    UNROLL for (int j = 0; j < 2; j++) {
        out[2 * j] = _mm512_shuffle_f32x4(t[2 * j], t[2 * j + 1], 0x88);
        out[2 * j + 1] = _mm512_shuffle_f32x4(t[2 * j], t[2 * j + 1], 0xdd);
    }
}

INLINE __m512i four_of(const uint8_t *p) {
    int32_t four;
    memcpy(&four, p, sizeof four);
    return _mm512_set1_epi32(four);
}

INLINE vec joined(__m512i high, __m512i low) {
    return fma_of(_mm512_cvtepi32_ps(high), splat(256), _mm512_cvtepi32_ps(low));
}

typedef __m512i weigh_sums[SHARED][2][2]; /* [query][high, low][vector] */

/* Four keys, from the r-th on, of which `v` has 64 elements. */
INLINE void weigh_keys(const int queries, const __m512i v[4], const int upper, const row *weights,
                       int64_t r, weigh_sums sum) {
    __m512i x[2];
    zip(v, upper, x);
    UNROLL for (int h = 0; h < queries; h++)
        UNROLL for (int part = 0; part < 2; part++) {
            __m512i w = four_of((const uint8_t *)(weights + h * PARTS * NEAR) + part * NEAR + r);
            UNROLL for (int j = 0; j < 2; j++)
                sum[h][part][j] = _mm512_dpbusd_epi32(sum[h][part][j], w, x[j]);
        }
}

/* sum[h] = weights x v, for half of every 16 of the 64 elements from `at` on. */
INLINE void weigh_half(const int queries, const near_block *b, int64_t at, const int upper,
                       const row *weights, vec sum[SHARED][4]) {
    weigh_sums parts;
    UNROLL for (int h = 0; h < queries; h++)
        UNROLL for (int part = 0; part < 2; part++)
            UNROLL for (int j = 0; j < 2; j++) parts[h][part][j] = _mm512_setzero_si512();
    int64_t d = b->head_dim, r = 0, whole = d - at < BYTES ? 0 : b->keys / 8 * 8;
    for (; r < whole; r += 8) {
        prefetch_lines(b, at * b->keys + (upper * b->keys + r) * (BYTES / 2), 4);
        const int8_t *row = (const int8_t *)near_row(b, r) + at;
        UNROLL for (int four = 0; four < 2; four++) {
            __m512i v[4];
            UNROLL for (int i = 0; i < 4; i++, row += d) v[i] = _mm512_loadu_si512(row);
            weigh_keys(queries, v, upper, weights, r + 4 * four, parts);
        }
    }
    for (; r < b->keys; r += 4) { /* what is not whole; weights beyond the last key are zero */
        __mmask64 kept = d - at < BYTES ? (1ull << (d - at)) - 1 : ~0ull;
        __m512i v[4];
        UNROLL for (int i = 0; i < 4; i++) v[i] = _mm512_maskz_loadu_epi8(kept, key_row(b, r + i) + at);
        weigh_keys(queries, v, upper, weights, r, parts);
    }
    UNROLL for (int h = 0; h < queries; h++)
        UNROLL for (int j = 0; j < 2; j++)
            sum[h][2 * upper + j] = joined(parts[h][0][j], parts[h][1][j]);
}

/* o += weights x v, for 64 elements from `at` on. */
INLINE void weigh_bytes(const int queries, const near_block *b, int64_t at, const row *weights,
                        const float *factors, float *o, int64_t o_stride) {
    vec sum[SHARED][4];
    UNROLL for (int upper = 0; upper < 2; upper++) weigh_half(queries, b, at, upper, weights, sum);
    UNROLL for (int h = 0; h < queries; h++) {
        vec out[4];
        unzip(sum[h], out);
        UNROLL for (int j = 0; j < 4; j++) {
            float *to = o + h * o_stride + j * LANES;
            if (at + j * LANES < b->head_dim)
                store(to, fma_of(out[j], splat(factors[h]), load(to)));
        }
    }
}

static NOINLINE void weigh_tile(int64_t queries, const near_block *b, int64_t at, const row *weights,
                                const float *factors, float *o, int64_t o_stride) {
#define SHARE(n) case n: weigh_bytes(n, b, at, weights, factors, o, o_stride); break;
    switch (queries) { SHARES(SHARE) }
#undef SHARE
}

static void weigh(int64_t queries, const near_block *b, const row *weights, const float *factors,
                  float *o, int64_t o_stride) {
    for (int64_t i = 0; i < b->head_dim; i += BYTES)
        weigh_tile(queries, b, i, weights, factors, o + i, o_stride);
}

static void store_outputs(int64_t n, const float *from, query *o) {
    memcpy(o, from, (size_t)n * sizeof *o);
}

#include "narrow.h"

#endif
