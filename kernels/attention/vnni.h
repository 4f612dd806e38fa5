/* The tiles of narrow.h for a cache of int8: vpdpbusd adds the products of four neighbours, unsigned
 * by signed, to a sum.
 *
 * Scores: 16 keys lie in the lanes, each four elements of theirs transposed in registers, so that no
 * sum goes over lanes.  Queries are numbers of 16 bits, 256 x high + low, in two rows of int8, which
 * beside the cache's own 8 bits is nothing (sdot.h); keys become unsigned by adding 128, and
 * sums start where that leaves nothing.
 * Outputs: four keys are zipped, 2 vectors x 4 queries x 2 parts; weights are relative to the largest of
 * a block, unsigned and of 16 bits too.
 */
#ifndef ARMBENCH_ATTENTION_VNNI_H
#define ARMBENCH_ATTENTION_VNNI_H

#include "cache.h"

#include <string.h>

#define CACHE INT8
#define PARTS 3 /* high, low; and of a query where their sums start */
#define BYTES 64
#define KEYS_AT_ONCE 16
#define SHARED 4
#define SHARES(S) S(1) S(2) S(3) S(4)
#define LARGEST 32512.0f /* 127 x 256 */

typedef int8_t kv;
typedef float query;
typedef int8_t row;

static float prepare_query(attention_shape s, const query *q, int64_t elements, row *rows) {
    int32_t *starts = (int32_t *)(rows + 2 * elements), high_sum = 0, low_sum = 0;
    float largest = 0;
    memset(rows, 0, (size_t)(PARTS * elements));
    for (int64_t i = 0; i < s.head_dim; i++)
        largest = fabsf(q[i]) > largest ? fabsf(q[i]) : largest;
    float steps = largest > 0 ? LARGEST / largest : 0;
    for (int64_t i = 0; i < s.head_dim; i++) {
        int32_t whole = (int32_t)(q[i] * steps + 32768.5f) - 32768; /* rounded */
        int32_t high = (whole + 128) >> 8, low = whole - high * 256;
        rows[i] = (int8_t)high;
        rows[elements + i] = (int8_t)low;
        high_sum += high;
        low_sum += low;
    }
    starts[0] = -128 * high_sum;
    starts[1] = -128 * low_sum;
    return largest / LARGEST * query_scale(s);
}

INLINE __m512i load_some(const int8_t *p, int64_t n) {
    __mmask64 first = n >= BYTES ? ~0ull : n > 0 ? (1ull << n) - 1 : 0;
    return _mm512_maskz_loadu_epi8(first, p);
}

INLINE const int8_t *key_row(const near_block *b, int64_t r) {
    return (const int8_t *)b->rows + min_of(r, b->keys - 1) * b->head_dim;
}

INLINE vec joined(__m512i high, __m512i low) {
    return fma_of(_mm512_cvtepi32_ps(high), splat(256), _mm512_cvtepi32_ps(low));
}

/* ---- scores ------------------------------------------------------------------------------ */

INLINE __m512i four_of(const int8_t *p) {
    int32_t four;
    memcpy(&four, p, sizeof four);
    return _mm512_set1_epi32(four);
}

INLINE void score_keys(const int queries, const near_block *b, int64_t r, const row *q, int64_t elements,
                       const float *factors, float *scores) {
    __m512i high[SHARED], low[SHARED];
    UNROLL for (int h = 0; h < queries; h++) {
        const row *starts = q + (h * PARTS + 2) * elements;
        high[h] = four_of(starts);
        low[h] = four_of(starts + 4);
    }
    for (int64_t p = 0; p < b->head_dim; p += BYTES) {
        __m512 four[KEYS_AT_ONCE];
        prefetch_lines(b, r * b->head_dim + p * KEYS_AT_ONCE, KEYS_AT_ONCE);
        UNROLL for (int i = 0; i < KEYS_AT_ONCE; i++) {
            __m512i key = load_some(key_row(b, r + i) + p, b->head_dim - p);
            four[i] = _mm512_castsi512_ps(_mm512_xor_si512(key, _mm512_set1_epi8(-128)));
        }
        transpose16(four);
        UNROLL for (int i = 0; i < KEYS_AT_ONCE; i++) {
            __m512i keys = _mm512_castps_si512(four[i]);
            UNROLL for (int h = 0; h < queries; h++) {
                const row *at = q + h * PARTS * elements + p + 4 * i;
                high[h] = _mm512_dpbusd_epi32(high[h], keys, four_of(at));
                low[h] = _mm512_dpbusd_epi32(low[h], keys, four_of(at + elements));
            }
        }
    }
    vec scales = load_first(b->scales + r, min_of(KEYS_AT_ONCE, b->keys - r));
    UNROLL for (int h = 0; h < queries; h++) {
        vec sum = joined(high[h], low[h]);
        store(scores + h * SCORES_STRIDE + r, mul(sum, mul(scales, splat(factors[h]))));
    }
}

static NOINLINE void score_tile(int64_t queries, const near_block *b, int64_t r, const row *q,
                                int64_t elements, const float *factors, float *scores) {
#define SHARE(n) case n: score_keys(n, b, r, q, elements, factors, scores); break;
    switch (queries) { SHARES(SHARE) }
#undef SHARE
}

static void dots(int64_t queries, const near_block *b, const row *q, int64_t elements,
                 const float *factors, float *scores) {
    for (int64_t r = 0; r < b->keys; r += KEYS_AT_ONCE)
        score_tile(queries, b, r, q, elements, factors, scores);
}

/* ---- outputs ----------------------------------------------------------------------------- */

static float prepare_weights(const near_block *b, const float *p, row *weights) {
    vec scaled[NEAR / LANES], largest = splat(0);
    UNROLL for (int i = 0; i < NEAR / LANES; i++) {
        int64_t n = clamped(b->keys - i * LANES, LANES);
        scaled[i] = mul(load_first(p + i * LANES, n), load_first(b->scales + i * LANES, n));
        largest = max_of(largest, scaled[i]);
    }
    float most = most_of(largest), steps = most > 0 ? 65535 / most : 0;
    UNROLL for (int i = 0; i < NEAR / LANES; i++) {
        __m512i whole = _mm512_cvtps_epu32(mul(scaled[i], splat(steps)));
        __m128i high = _mm512_cvtepi32_epi8(_mm512_srli_epi32(whole, 8));
        _mm_storeu_si128((__m128i *)(weights + i * LANES), high);
        _mm_storeu_si128((__m128i *)(weights + NEAR + i * LANES), _mm512_cvtepi32_epi8(whole));
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

/* sum[h] = weights x v, for half of every 16 of the 64 elements from `at` on. */
INLINE void weigh_half(const int queries, const near_block *b, int64_t at, const int upper,
                       const row *weights, vec sum[SHARED][4]) {
    __m512i high[SHARED][2], low[SHARED][2];
    UNROLL for (int h = 0; h < queries; h++)
        UNROLL for (int j = 0; j < 2; j++) high[h][j] = low[h][j] = _mm512_setzero_si512();
    for (int64_t r = 0; r < b->keys; r += 4) {
        __m512i v[4], x[2];
        prefetch_lines(b, at * b->keys + r * BYTES + upper * 2 * BYTES, 2);
        UNROLL for (int i = 0; i < 4; i++) v[i] = load_some(key_row(b, r + i) + at, b->head_dim - at);
        zip(v, upper, x);
        UNROLL for (int h = 0; h < queries; h++) {
            const row *w = weights + h * PARTS * NEAR + r;
            UNROLL for (int j = 0; j < 2; j++) {
                high[h][j] = _mm512_dpbusd_epi32(high[h][j], four_of(w), x[j]);
                low[h][j] = _mm512_dpbusd_epi32(low[h][j], four_of(w + NEAR), x[j]);
            }
        }
    }
    UNROLL for (int h = 0; h < queries; h++)
        UNROLL for (int j = 0; j < 2; j++)
            sum[h][2 * upper + j] = joined(high[h][j], low[h][j]);
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
