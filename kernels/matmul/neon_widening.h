/* All types over packed panels with base NEON, also those that it does not multiply.
 *
 * f64: 8 x 6 tiles, 24 fmla by element per step of k against 7 loads.
 *
 * f32: 8 x 12 tiles (neon.c), also for binary16 and bfloat16, which become f32 when packed.
 * bfloat16 packed beforehand stays narrow, because decode waits for its bytes, and is widened in
 * registers: 3 shll beside 24 fmla, so at most 0.89 of the f32 rate where all share the pipes.
 *
 * int8: 4 x 4 tiles of sums of 4 lanes, k along the lanes.  Two products of -128 by -128 overflow
 * 16 bits, so each smull is followed by its own sadalp: 8 products in two instructions, as many as
 * fmla.
 */
#include "armbench.h"

#include "narrow.h"
#include "neon_panels.h"
#include "neon_tile.h"

/* ---- f64 ------------------------------------------------------------------------------------- */

#define LEFT double
#define RIGHT double
#define SUM double
#define RESULT float64x2_t
#define ACCUMULATOR float64x2_t
#define ACCUMULATORS 24
#define DEPTH 1
#define MR 8
#define NR 6
#define MC (16 * MR)
#define KC 256
#define NC (170 * NR)
#define LEFT_STRIDE (KC + 8)
#define HEADS 0

NT_BY_ELEMENT(f64_add, double, double, float64x2_t, float64x2_t, vld1q_f64, vld1q_f64,
              vfmaq_laneq_f64, 2, 1)
NT_IN_ORDER(f64_finish, float64x2_t)
NP_PACK_TILE(f64_pack_a, double, double, 1, 1, NP_AS_IT_IS)
NP_PACK_ROWS(f64_pack_b, double, double, NR, NP_AS_IT_IS)

#define TILE f64
#define ADD_GROUP f64_add
#define FINISH f64_finish
#include "neon_tile.h"

#define OPERATION f64
#define SOURCE double
#define OUT double
#define PACK_TILE f64_pack_a
#define PACK_B f64_pack_b
#include "panels.h"

PANELS(f64, f64);

#include "tile_end.h"

/* ---- f32, and binary16 and bfloat16 as f32 --------------------------------------------------- */

#define LEFT float
#define RIGHT float
#define SUM float
#define RESULT float32x4_t
#define ACCUMULATOR float32x4_t
#define ACCUMULATORS 24
#define DEPTH 1
#define MR 8
#define NR 12
#define MC (16 * MR)
#define KC 384
#define NC (85 * NR)
#define LEFT_STRIDE (KC + 16)
#define HEADS 0

NT_BY_ELEMENT(f32_add, float, float, float32x4_t, float32x4_t, vld1q_f32, vld1q_f32,
              vfmaq_laneq_f32, 4, 1)
NT_IN_ORDER(f32_finish, float32x4_t)
NP_PACK_TILE(f32_pack_a, float, float, 1, 1, NP_AS_IT_IS)
NP_PACK_ROWS(f32_pack_b, float, float, NR, NP_AS_IT_IS)

#define TILE f32
#define ADD_GROUP f32_add
#define FINISH f32_finish
#include "neon_tile.h"

#define OPERATION f32_weights
#define SOURCE float
#define OUT float
#define PACK_TILE f32_pack_a
#define PACK_B f32_pack_b
#include "panels.h"

PANELS_PACKED(f32_packed, f32_weights);

NP_PACK_TILE(f16_pack_a, float16_t, float, 1, 1, NP_AS_IT_IS)
NP_PACK_ROWS(f16_pack_b, float16_t, float, NR, NP_AS_IT_IS)

#define OPERATION f16
#define SOURCE float16_t
#define OUT float16_t
#define PACK_TILE f16_pack_a
#define PACK_B f16_pack_b
#define ROUND (float16_t)
#include "panels.h"

PANELS(f16, f16);

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

/* ---- bfloat16 packed beforehand -------------------------------------------------------------- */

static inline float32x4_t bf16_widened(const uint16_t *from) {
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(from), 16));
}

NT_BY_ELEMENT(bf16_add, float, uint16_t, float32x4_t, float32x4_t, vld1q_f32, bf16_widened,
              vfmaq_laneq_f32, 4, 1)
NP_PACK_ROWS(bf16_keep_b, uint16_t, uint16_t, NR, NP_AS_IT_IS)

#undef RIGHT
#undef TILE
#undef ADD_GROUP
#define RIGHT uint16_t
#define TILE narrow
#define ADD_GROUP bf16_add
#include "neon_tile.h"

#define OPERATION bf16_weights
#define SOURCE uint16_t
#define OUT uint16_t
#define PACK_TILE bf16_pack_a
#define PACK_B bf16_keep_b
#define ROUND bf16_bits
#include "panels.h"

PANELS_PACKED(bf16_packed, bf16_weights);

#include "tile_end.h"

/* ---- int8 ------------------------------------------------------------------------------------ */

#define LEFT int8_t
#define RIGHT int8_t
#define SUM int32_t
#define RESULT int32x4_t
#define ACCUMULATOR int32x4_t
#define ACCUMULATORS 16
#define DEPTH 16
#define MR 4
#define NR 4
#define MC (32 * MR)
#define KC 2048
#define NC (256 * NR)
#define LEFT_STRIDE (KC + 64)
#define HEADS 0

static inline __attribute__((always_inline)) void int8_add(
    const int rows, const int8_t *const *a, const int8_t *const *b, int32x4_t *sum) {
    int8x16_t x[MR];
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++)
        x[i] = vld1q_s8(NT_AT(a, DEPTH * i));
#pragma GCC unroll 4
    for (int j = 0; j < NR; j++) {
        int8x16_t y = vld1q_s8(NT_AT(b, DEPTH * j));
#pragma GCC unroll 4
        for (int i = 0; i < rows; i++) {
            int16x8_t low = vmull_s8(vget_low_s8(x[i]), vget_low_s8(y));
            sum[NR * i + j] = vpadalq_s16(sum[NR * i + j], low);
        }
#pragma GCC unroll 4
        for (int i = 0; i < rows; i++)
            sum[NR * i + j] = vpadalq_s16(sum[NR * i + j], vmull_high_s8(x[i], y));
    }
}

static inline __attribute__((always_inline)) void int8_finish(const int rows, const int32x4_t *sum,
                                                              int32x4_t (*out)[1]) {
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++, sum += NR)
        out[i][0] = vpaddq_s32(vpaddq_s32(sum[0], sum[1]), vpaddq_s32(sum[2], sum[3]));
}

NP_PACK_TILE(int8_pack_a, int8_t, int8_t, DEPTH, 1, NP_AS_IT_IS)
NP_PACK_WOVEN(int8_pack_b, int8_t, int8x16_t, vld1q_s8, vst1q_s8, weave_bytes, NR, DEPTH)

#define TILE int8
#define ADD_GROUP int8_add
#define FINISH int8_finish
#include "neon_tile.h"

#define OPERATION int8
#define SOURCE int8_t
#define OUT int32_t
#define PACK_TILE int8_pack_a
#define PACK_B int8_pack_b
#include "panels.h"

PANELS(int8, int8);
PANELS_PACKED(int8_packed, int8);

#include "tile_end.h"

/* ---- int4 ------------------------------------------------------------------------------------ */

#include "int4_neon.h"
