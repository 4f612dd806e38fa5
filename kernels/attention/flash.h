/* Attention without the score matrix (Milakov & Gimelshein 2018; Dao et al. 2022), written once
 * over the few vector operations of an instruction set.  A file that includes this defines:
 *
 *   LANES, vec                elements of a vector, and its type
 *   splat load store          store(p, v); neither needs alignment
 *   load_first store_first    the first n <= LANES elements; the rest is 0, or left alone
 *   add sub mul div_of max_of fma_of(a, b, c) = a b + c
 *   to_exponent               bits << 23 of every lane
 *   first_of most_of sum_of   the first lane; over the lanes
 *   store_sums                out[i] = sum_of(v[i]) for four vectors
 *   transpose                 of LANES x LANES elements in LANES vectors
 *
 *   ELEMENTS, left            elements in a register whose single elements multiply whole
 *   load_left fma_left        vectors: fma_left(a, e, b, c) = a[e] b + c.  ELEMENTS is 1 where
 *                             such a register is a broadcast
 */
#ifndef ARMBENCH_FLASH_H
#define ARMBENCH_FLASH_H

#include "armbench.h"

#include <math.h>

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline)) /* a tile that keeps all registers to itself */
#define UNROLL _Pragma("GCC unroll 32")
#define LINE 16 /* floats of a cache line */
#define LINE_BYTES (LINE * (int64_t)sizeof(float))

INLINE int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t clamped(int64_t a, int64_t most) { return a < 0 ? 0 : min_of(a, most); }
INLINE int64_t blocks(int64_t length, int64_t block) { return (length + block - 1) / block; }
INLINE int64_t padded(int64_t length, int64_t block) { return blocks(length, block) * block; }

/* ---- the problem ------------------------------------------------------------------------- */

/* Arrays are [batch, heads or kv_heads, seq, head_dim]; q and o of a decode step have no seq. */
typedef struct attention_shape {
    int64_t batch, heads, kv_heads, seq, head_dim;
    int64_t chunks; /* of a kv head's keys, in a decode step */
} attention_shape;

INLINE attention_shape shape_of(const int64_t *params) {
    return (attention_shape){params[0], params[1], params[2], params[3], params[4], 0};
}

static int accepts(const int64_t *params) {
    attention_shape s = shape_of(params);
    return s.batch > 0 && s.heads > 0 && s.kv_heads > 0 && s.seq > 0 && s.head_dim > 0 &&
           s.heads % s.kv_heads == 0;
}

/* Softmax is taken to base 2: queries are multiplied by log2(e) / sqrt(head_dim). */
INLINE float query_scale(attention_shape s) {
    return (float)(1.4426950408889634 / sqrt((double)s.head_dim));
}

/* At most LANES of n elements. */
INLINE void store_most(float *p, int64_t n, vec v) {
    if (n < LANES)
        store_first(p, n, v);
    else
        store(p, v);
}

/* ---- 2^x --------------------------------------------------------------------------------- */

/* 2^x for x <= 0, -inf included: x = n + f with n whole and |f| <= 1/2.  Adding ROUNDER leaves
 * n + 127 in the low bits, ready to be shifted into the exponent; 2^f is a polynomial, minimax
 * in relative error with a constant term of 1, so that 2^0 is exactly 1.
 * Relative error below 2^-22.3 (every float tried) while the result is a normal number, from
 * x = -126 up; 0 from -126.5 down. */
#define ROUNDER 12583039.0f /* 1.5 2^23 + 127 */

INLINE vec exp2_of(vec x) {
    x = max_of(x, splat(-127.0f));
    vec shifted = add(x, splat(ROUNDER));
    vec f = sub(x, sub(shifted, splat(ROUNDER)));
    vec y = splat(0.0013264727f);
    y = fma_of(y, f, splat(0.009671513f));
    y = fma_of(y, f, splat(0.055507336f));
    y = fma_of(y, f, splat(0.24022242f));
    y = fma_of(y, f, splat(0.693147f));
    y = fma_of(y, f, splat(1.0f));
    return mul(y, to_exponent(shifted));
}

#endif
