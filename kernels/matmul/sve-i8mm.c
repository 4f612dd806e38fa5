/* 8 rows x 12 columns in every 128 bits of C, as 4 x 6 registers of 2 x 2 blocks in 24 of 32, four for A
 * and the others for B.
 *
 * Lives on smmla of SVE: 24 per eight steps of k against 10 loads, so the pipes are the bound: 256
 * operations a cycle on V1 (two pipes of 256 bits), V2 and V3 (four of 128), 128 on N2.
 */
#include "armbench.h"

#include "neon_panels.h"
#include "sve_tile.h"

#define LEFT int8_t
#define RIGHT int8_t
#define SUM int32_t
#define DEPTH 8
#define MR ST_MR
#define NR (2 * (int64_t)svcntw())
#define ROWS_OF 2
#define MC (16 * MR)
#define KC 1536
#define NC (96 * NR)
#define LEFT_STRIDE (KC + 64)
#define HEADS 0

NP_PACK_TILE(pack_a, int8_t, int8_t, DEPTH, ROWS_OF, NP_AS_IT_IS)
NP_PACK_WOVEN(pack_b, int8_t, int8x16_t, vld1q_s8, vst1q_s8, weave_bytes, NR, DEPTH)

static inline __attribute__((always_inline)) void store(int32_t *c, svint32_t sum, int accumulate) {
    svbool_t all = svptrue_b32();
    svst1(all, c, accumulate ? svadd_x(all, sum, svld1(all, c)) : sum);
}

/* A row of two registers of 2 x 2 blocks. */
static inline __attribute__((always_inline)) svint32_t row_of(svint32_t first, svint32_t second,
                                                              const int row) {
    svint64_t a = svreinterpret_s64(first), b = svreinterpret_s64(second);
    return svreinterpret_s32(row ? svuzp2(a, b) : svuzp1(a, b));
}

#define TILE int8
#define VECTOR svint8_t
#define COLUMNS 2
#define SUMS svint32_t
#define QUAD_ROWS 2
#define REPEAT(p) svld1rq(svptrue_b8(), p)
#define LOAD(p) svld1(svptrue_b8(), p)
#define STEP(sum, a, b) svmmla(sum, a, b)
#define ZERO() svdup_s32(0)
#define STORE store
#define PAIR row_of
#include "sve_tile.h"

#define OPERATION int8
#define SOURCE int8_t
#define OUT int32_t
#define PACK_TILE pack_a
#define PACK_B pack_b
#include "panels.h"

PANELS(int8, int8);
PANELS_PACKED(int8_packed, int8);
