/* 14 x 32 tiles of C in 28 of 32 registers, two for B and one for pairs of A broadcast from their
 * packed panel.
 *
 * Lives on vdpbf16ps zmm: 28 per two steps of k against 2 loads of B and 14 broadcasts, so the
 * instruction's own rate is the bound: 128 operations a cycle on Zen 5, 64 on Zen 4, 32 on Sapphire
 * and Emerald Rapids, where widening to f32 (avx512.c) is faster.
 */
#include "armbench.h"

#include "bfloat16.h"
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
#define NR 32
#define LANES 16
#define MC (14 * MR)
#define KC 512
#define NC 2048
#define LEFT_STRIDE (KC + 32) /* rows do not share the sets of L1 */
#define HEADS 0

/* ---- tile ------------------------------------------------------------------------------------ */

static inline __attribute__((always_inline)) void add_group(const int rows, const uint16_t *a,
                                                            int64_t a_stride, const uint16_t *b,
                                                            wide_floats (*sum)[2]) {
    __m512bh b0 = (__m512bh)wide_load(b), b1 = (__m512bh)wide_load(b + 32);
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) {
        __m512bh x = (__m512bh)wide_broadcast(a + i * a_stride);
        sum[i][0] = _mm512_dpbf16_ps(sum[i][0], x, b0);
        sum[i][1] = _mm512_dpbf16_ps(sum[i][1], x, b1);
    }
}

#define TILE bf16
#define ADD_GROUP add_group
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
#define ROUND bf16_rounded
#include "panels.h"

PANELS(bf16, bf16);
PANELS_PACKED(bf16_packed, bf16);
