/* 6 x 64 tiles of C in 24 of 32 registers, four for B and one for four of A broadcast from their
 * packed panel (pair_tile.h); 14 x 32 of the last columns, if those are 32 or fewer.
 *
 * Lives on vpdpbusd zmm: 24 per four steps of k against 4 loads of B and 6 broadcasts, so two
 * multiply pipes are the bound: 256 operations a cycle on Ice Lake to Granite Rapids and on Zen 5,
 * 128 on Zen 4.  It multiplies unsigned by signed, so B is packed 128 too large, and a row of
 * C begins with what that adds, negated: -128 times the sum of the row of A.
 */
#include "armbench.h"

#include "wide.h"
#include "x86_panels.h"

#define OPERATION int8
#define SOURCE int8_t
#define OUT int32_t
#define LEFT int8_t
#define RIGHT uint8_t
#define SUM int32_t
#define DEPTH 4
#define MR 14
#define PAIR_ROWS 6
#define NR 32
#define LANES 16
#define MC (14 * MR)
#define KC 2048
#define NC 2048
#define LEFT_STRIDE (KC + 64) /* rows do not share the sets of L1 */
#define HEADS 1

/* ---- tile ------------------------------------------------------------------------------------ */


#define TILE int8
#define GROUP_STEPS 1
#define LEFT_AT(a, step) wide_broadcast(a)
#define RIGHT_AT(b, half, step) wide_load(b + (half) * 64)
#define MULTIPLY_ADD(sum, x, y) ((wide_int32)_mm512_dpbusd_epi32((__m512i)(sum), y, x))
#include "vector_tile.h"

/* ---- packing --------------------------------------------------------------------------------- */

/* A row as it is, and what 128 more in B adds to its row of C, negated. */
static void pack_a(const int8_t *a, int64_t depth, int8_t *packed, int32_t *head) {
    const __m512i ones = _mm512_set1_epi8(1);
    __m512i sums = _mm512_setzero_si512();
    for (int64_t p = 0; p < depth; p += 64) {
        __mmask64 valid = depth - p < 64 ? (1ull << (depth - p)) - 1 : ~0ull;
        __mmask64 kept = depth - p < 61 ? (1ull << (depth - p + 3) / 4 * 4) - 1 : ~0ull;
        __m512i v = _mm512_maskz_loadu_epi8(valid, a + p);
        sums = _mm512_dpbusd_epi32(sums, ones, v);
        _mm512_mask_storeu_epi8(packed + p, kept, v);
    }
    *head = -128 * _mm512_reduce_add_epi32(sums);
}

static void pack_b(const int8_t *b, int64_t stride, int64_t columns, int64_t depth,
                   uint8_t *packed) {
    weave_rows(WEAVE_INT8_4, NR, b, stride, columns, depth, packed);
}

#define PACK_A pack_a
#define PACK_B pack_b
#include "panels.h"

PANELS(int8, int8);
PANELS_PACKED(int8_packed, int8);

#include "int4_x86.h"
