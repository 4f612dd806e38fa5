/* 8 x 12 tiles of C as 4 x 6 blocks of 2 x 2 in 24 of 32 registers, four for A and the others for
 * B, from their packed panels.
 *
 * Lives on bfmmla: 24 per four steps of k against 10 loads of 16 bytes, so the pipes are the bound:
 * 64 operations a cycle on N2 (two pipes), 128 on V1, V2 and V3 (four).  Sums wait 4 cycles for one
 * another in four pipes, which takes 16 of them.
 */
#include "armbench.h"

#include "narrow.h"
#include "neon_panels.h"
#include "neon_tile.h"

#define LEFT uint16_t
#define RIGHT uint16_t
#define SUM float
#define RESULT float32x4_t
#define ACCUMULATOR float32x4_t
#define ACCUMULATORS 24
#define DEPTH 4
#define MR 8
#define NR 12
#define ROWS_OF 2
#define MC (16 * MR)
#define KC 768
#define NC (85 * NR)
#define LEFT_STRIDE (KC + 32)
#define HEADS 0

static inline bfloat16x8_t load(const uint16_t *from) {
    return vreinterpretq_bf16_u16(vld1q_u16(from));
}

NT_MATRIX(add_group, uint16_t, bfloat16x8_t, float32x4_t, load, vbfmmlaq_f32, 4)
NT_BLOCKS_IN_ORDER(finish, float32x4_t, vreinterpretq_f64_f32, vreinterpretq_f32_f64)
NP_PACK_TILE(pack_a, uint16_t, uint16_t, DEPTH, ROWS_OF, NP_AS_IT_IS)
NP_PACK_WOVEN(pack_b, uint16_t, uint16x8_t, vld1q_u16, vst1q_u16, weave_halves, NR, DEPTH)

#define TILE bf16
#define ADD_GROUP add_group
#define FINISH finish
#include "neon_tile.h"

#define OPERATION bf16
#define SOURCE uint16_t
#define OUT uint16_t
#define PACK_TILE pack_a
#define PACK_B pack_b
#define ROUND bf16_bits
#include "panels.h"

PANELS(bf16, bf16);
PANELS_PACKED(bf16_packed, bf16);
