/* 4 x 24 tiles (six vectors of queries) in 24 of 32 registers.  Four elements of k or v share a
 * register, four of k's for the scores and one of v's for the output; the vectors they are
 * multiplied with pass through what is left.  Decode: 4 keys or 4 vectors of v x 4 queries in 16.
 *
 * Lives on fmla by element: 24 per step against 6 or 7 loads (ldp: half as many instructions), so
 * multiply-adds are the bound: 16 operations a cycle on N1 (two pipes), 32 on V1, V2 and V3
 * (four).  24 sums cover their latency of 4.  Decode needs 8 multiply-adds for every 32 bytes.
 */
#include "neon.h"

#define ELEMENTS 4
#define ROWS 4
#define COLUMNS 6
#define WIDTHS(W) W(1) W(2) W(3) W(4) W(5) W(6)
#define KEYS 128
#define TILES 4
#define SHARED 4
#define SHARES(S) S(1) S(2) S(3) S(4)
#define SPAN 4

typedef float32x4_t left;

static inline left load_left(const float *p) { return vld1q_f32(p); }

/* `element` is a constant wherever this is inlined. */
static inline __attribute__((always_inline)) vec fma_left(left a, int element, vec b, vec c) {
    switch (element) {
    case 0: return vfmaq_laneq_f32(c, b, a, 0);
    case 1: return vfmaq_laneq_f32(c, b, a, 1);
    case 2: return vfmaq_laneq_f32(c, b, a, 2);
    default: return vfmaq_laneq_f32(c, b, a, 3);
    }
}

#include "attention.h"
