/* 8 rows x 12 columns in every 128 bits of C, as 4 x 6 registers of 2 x 2 blocks in 24 of 32, four for A
 * and the others for B.
 *
 * Lives on bfmmla of SVE: 24 per four steps of k against 10 loads, so the pipes are the bound: 128
 * operations a cycle on V1 (two pipes of 256 bits), V2 and V3 (four of 128), 64 on N2.
 */
#include "armbench.h"

#include "narrow.h"
#include "neon_panels.h"
#include "sve_tile.h"

#define LEFT uint16_t
#define RIGHT uint16_t
#define SUM float
#define DEPTH 4
#define MR ST_MR
#define NR (3 * (int64_t)svcntw())
#define ROWS_OF 2
#define MC (16 * MR)
#define KC 768
#define NC (64 * NR)
#define LEFT_STRIDE (KC + 32)
#define HEADS 0

NP_PACK_TILE(pack_a, uint16_t, uint16_t, DEPTH, ROWS_OF, NP_AS_IT_IS)
NP_PACK_WOVEN(pack_b, uint16_t, uint16x8_t, vld1q_u16, vst1q_u16, weave_halves, NR, DEPTH)

static inline __attribute__((always_inline)) void store(float *c, svfloat32_t sum, int accumulate) {
    svbool_t all = svptrue_b32();
    svst1(all, c, accumulate ? svadd_x(all, sum, svld1(all, c)) : sum);
}

/* A row of two registers of 2 x 2 blocks. */
static inline __attribute__((always_inline)) svfloat32_t row_of(svfloat32_t first,
                                                                svfloat32_t second, const int row) {
    svfloat64_t a = svreinterpret_f64(first), b = svreinterpret_f64(second);
    return svreinterpret_f32(row ? svuzp2(a, b) : svuzp1(a, b));
}

#define TILE bf16
#define VECTOR svbfloat16_t
#define COLUMNS 3
#define SUMS svfloat32_t
#define QUAD_ROWS 2
#define REPEAT(p) svreinterpret_bf16(svld1rq(svptrue_b16(), p))
#define LOAD(p) svreinterpret_bf16(svld1(svptrue_b16(), p))
#define STEP(sum, a, b) svbfmmla(sum, a, b)
#define ZERO() svdup_f32(0)
#define STORE store
#define PAIR row_of
#include "sve_tile.h"

#define OPERATION bf16
#define SOURCE uint16_t
#define OUT uint16_t
#define PACK_TILE pack_a
#define PACK_B pack_b
#define ROUND bf16_bits
#include "panels.h"

PANELS(bf16, bf16);
PANELS_PACKED(bf16_packed, bf16);
