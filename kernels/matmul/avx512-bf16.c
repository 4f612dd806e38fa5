/* 6 x 64 tiles of C in 24 of 32 registers, four for B and one for pairs of A broadcast from their
 * packed panel (pair_tile.h); 14 x 32 of the last columns, if those are 32 or fewer.
 *
 * Lives on vdpbf16ps zmm: 24 per two steps of k against 4 loads of B and 6 broadcasts, so the
 * instruction's own rate is the bound: 128 operations a cycle on Zen 5, 64 on Zen 4, 32 on Sapphire
 * and Emerald Rapids, where widening to f32 (avx512.c) is faster.
 */
#include "armbench.h"

#include "narrow.h"
#include "wide.h"
#include "x86_panels.h"

#define OPERATION bf16
#define SOURCE uint16_t
#define OUT uint16_t
#define LEFT uint16_t
#define RIGHT uint16_t
#define SUM float
#define DEPTH 2
#define MR 14
#define PAIR_ROWS 6
#define NR 32
#define LANES 16
#define MC (14 * MR)
#define KC 512
#define NC 2048
#define LEFT_STRIDE (KC + 32) /* rows do not share the sets of L1 */
#define HEADS 0

/* ---- tile ------------------------------------------------------------------------------------ */


#define TILE bf16
#define GROUP_STEPS 1
#define LEFT_AT(a, step) wide_broadcast(a)
#define RIGHT_AT(b, half, step) wide_load(b + (half) * 32)
#define MULTIPLY_ADD(sum, x, y) _mm512_dpbf16_ps(sum, (__m512bh)(x), (__m512bh)(y))
#include "vector_tile.h"

/* ---- packing --------------------------------------------------------------------------------- */

static void pack_a(const uint16_t *a, int64_t depth, uint16_t *packed, float *head) {
    (void)head;
    memcpy(packed, a, (size_t)depth * sizeof *a);
    if (depth % 2)
        packed[depth] = 0;
}

static void pack_b(const uint16_t *b, int64_t stride, int64_t columns, int64_t depth,
                   uint16_t *packed) {
    weave_rows(WEAVE_BF16_2, 2 * NR, b, 2 * stride, 2 * columns, depth, packed);
}

#define PACK_A pack_a
#define PACK_B pack_b
#define ROUND bf16_bits
#include "panels.h"

PANELS(bf16, bf16);
PANELS_PACKED(bf16_packed, bf16);
