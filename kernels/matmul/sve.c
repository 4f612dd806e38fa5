/* 8 x 3 registers of C in 24 of 32, three for B and up to four for A, of whatever length vectors have:
 * 128 bits of A, repeated along the register, are multiplied by element.
 *
 * Lives on fmla (sdot) by element: 24 per step of k against 5 to 7 loads, so the pipes are the bound.
 * Per cycle: f32 32 operations on V1 (two pipes of 256 bits), V2 and V3 (four of 128), 16 on N2.
 * binary16 is summed in binary16 within a block of KC steps of k, and in f32 across blocks.
 */
#include "armbench.h"

#include "narrow.h"
#include "neon_panels.h"
#include "sve_tile.h"

#define ALL_64 svptrue_b64()
#define ALL_32 svptrue_b32()
#define ALL_16 svptrue_b16()
#define ALL_8 svptrue_b8()

static inline __attribute__((always_inline)) void store_f64(double *c, svfloat64_t sum, int accumulate) {
    svst1(ALL_64, c, accumulate ? svadd_x(ALL_64, sum, svld1(ALL_64, c)) : sum);
}
static inline __attribute__((always_inline)) void store_f32(float *c, svfloat32_t sum, int accumulate) {
    svst1(ALL_32, c, accumulate ? svadd_x(ALL_32, sum, svld1(ALL_32, c)) : sum);
}
static inline __attribute__((always_inline)) void store_s32(int32_t *c, svint32_t sum, int accumulate) {
    svst1(ALL_32, c, accumulate ? svadd_x(ALL_32, sum, svld1(ALL_32, c)) : sum);
}
/* Even and odd elements as f32, in order. */
static inline __attribute__((always_inline)) void store_f16(float *c, svfloat16_t sum, int accumulate) {
    svfloat32_t even = svcvt_f32_x(ALL_32, sum);
    svfloat32_t odd = svcvt_f32_x(
        ALL_32, svreinterpret_f16(svlsr_x(ALL_32, svreinterpret_u32(sum), 16)));
    store_f32(c, svzip1(even, odd), accumulate);
    store_f32(c + svcntw(), svzip2(even, odd), accumulate);
}

/* ---- f64 ------------------------------------------------------------------------------------- */

#define LEFT double
#define RIGHT double
#define SUM double
#define DEPTH 1
#define MR ST_MR
#define NR (2 * (int64_t)svcntd())
#define MC (16 * MR)
#define KC 256
#define NC (96 * NR)
#define LEFT_STRIDE (KC + 8)
#define HEADS 0

NP_PACK_TILE(f64_pack_a, double, double, 1, 1, NP_AS_IT_IS)
NP_PACK_ROWS(f64_pack_b, double, double, NR, NP_AS_IT_IS)

#define TILE f64
#define VECTOR svfloat64_t
#define COLUMNS 2
#define SUMS svfloat64_t
#define QUADS ST_BY_2
#define QUAD_ROWS 2
#define REPEAT(p) svld1rq(ALL_64, p)
#define LOAD(p) svld1(ALL_64, p)
#define STEP(sum, b, a, lane) svmla_lane(sum, b, a, lane)
#define ZERO() svdup_f64(0)
#define STORE store_f64
#include "sve_tile.h"

#define OPERATION f64
#define SOURCE double
#define OUT double
#define PACK_TILE f64_pack_a
#define PACK_B f64_pack_b
#include "panels.h"

PANELS(f64, f64);

#include "tile_end.h"

/* ---- f32, and bfloat16 as f32 ----------------------------------------------------------------- */

#define LEFT float
#define RIGHT float
#define SUM float
#define DEPTH 1
#define MR ST_MR
#define NR (3 * (int64_t)svcntw())
#define MC (16 * MR)
#define KC 384
#define NC (64 * NR)
#define LEFT_STRIDE (KC + 16)
#define HEADS 0

NP_PACK_TILE(f32_pack_a, float, float, 1, 1, NP_AS_IT_IS)
NP_PACK_ROWS(f32_pack_b, float, float, NR, NP_AS_IT_IS)

#define TILE f32
#define VECTOR svfloat32_t
#define COLUMNS 3
#define SUMS svfloat32_t
#define QUADS ST_BY_4
#define QUAD_ROWS 4
#define REPEAT(p) svld1rq(ALL_32, p)
#define LOAD(p) svld1(ALL_32, p)
#define STEP(sum, b, a, lane) svmla_lane(sum, b, a, lane)
#define ZERO() svdup_f32(0)
#define STORE store_f32
#include "sve_tile.h"

#define OPERATION f32
#define SOURCE float
#define OUT float
#define PACK_TILE f32_pack_a
#define PACK_B f32_pack_b
#include "panels.h"

PANELS(f32, f32);
PANELS_PACKED(f32_packed, f32);

NP_PACK_TILE(bf16_pack_a, uint16_t, float, 1, 1, bf16_value)
NP_PACK_ROWS(bf16_pack_b, uint16_t, float, NR, bf16_value)

#define OPERATION bf16
#define SOURCE uint16_t
#define OUT uint16_t
#define PACK_TILE bf16_pack_a
#define PACK_B bf16_pack_b
#define ROUND bf16_bits
#include "panels.h"

PANELS(bf16, bf16);

#include "tile_end.h"

/* ---- f16 ------------------------------------------------------------------------------------- */

#define LEFT float16_t
#define RIGHT float16_t
#define SUM float
#define DEPTH 1
#define MR ST_MR
#define NR (3 * (int64_t)svcnth())
#define MC (16 * MR)
#define KC 256 /* the most for which the operation is defined */
#define NC (32 * NR)
#define LEFT_STRIDE (KC + 32)
#define HEADS 0

NP_PACK_TILE(f16_pack_a, float16_t, float16_t, 1, 1, NP_AS_IT_IS)
NP_PACK_ROWS(f16_pack_b, float16_t, float16_t, NR, NP_AS_IT_IS)

#define TILE f16
#define VECTOR svfloat16_t
#define COLUMNS 3
#define SUMS svfloat16_t
#define QUADS ST_BY_8
#define QUAD_ROWS 8
#define REPEAT(p) svld1rq(ALL_16, p)
#define LOAD(p) svld1(ALL_16, p)
#define STEP(sum, b, a, lane) svmla_lane(sum, b, a, lane)
#define ZERO() svdup_f16(0)
#define STORE store_f16
#include "sve_tile.h"

#define OPERATION f16
#define SOURCE float16_t
#define OUT float16_t
#define PACK_TILE f16_pack_a
#define PACK_B f16_pack_b
#define ROUND (float16_t)
#include "panels.h"

PANELS(f16, f16);

#include "tile_end.h"

/* ---- int8 ------------------------------------------------------------------------------------ */

#define LEFT int8_t
#define RIGHT int8_t
#define SUM int32_t
#define DEPTH 4
#define MR ST_MR
#define NR (3 * (int64_t)svcntw())
#define MC (16 * MR)
#define KC 1536
#define NC (64 * NR)
#define LEFT_STRIDE (KC + 64)
#define HEADS 0

NP_PACK_TILE(int8_pack_a, int8_t, int8_t, DEPTH, 1, NP_AS_IT_IS)
NP_PACK_WOVEN(int8_pack_b, int8_t, int8x16_t, vld1q_s8, vst1q_s8, weave_bytes, NR, DEPTH)

#define TILE int8
#define VECTOR svint8_t
#define COLUMNS 3
#define SUMS svint32_t
#define QUADS ST_BY_4
#define QUAD_ROWS 4
#define REPEAT(p) svld1rq(ALL_8, p)
#define LOAD(p) svld1(ALL_8, p)
#define STEP(sum, b, a, lane) svdot_lane(sum, b, a, lane)
#define ZERO() svdup_s32(0)
#define STORE store_s32
#include "sve_tile.h"

#define OPERATION int8
#define SOURCE int8_t
#define OUT int32_t
#define PACK_TILE int8_pack_a
#define PACK_B int8_pack_b
#include "panels.h"

PANELS(int8, int8);
PANELS_PACKED(int8_packed, int8);
