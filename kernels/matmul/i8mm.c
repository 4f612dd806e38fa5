/* 8 x 12 tiles of C as 4 x 6 blocks of 2 x 2 in 24 of 32 registers, four for A and the others for
 * B, from their packed panels.
 *
 * Lives on smmla: 24 per eight steps of k against 10 loads of 16 bytes, so the pipes are the bound:
 * 128 operations a cycle on N2 (two pipes), 256 on V1, V2 and V3 (four).
 */
#include "armbench.h"

#include "neon_panels.h"
#include "neon_tile.h"

#define LEFT int8_t
#define RIGHT int8_t
#define SUM int32_t
#define RESULT int32x4_t
#define ACCUMULATOR int32x4_t
#define ACCUMULATORS 24
#define DEPTH 8
#define MR 8
#define NR 12
#define ROWS_OF 2
#define MC (16 * MR)
#define KC 1536
#define NC (85 * NR)
#define LEFT_STRIDE (KC + 64)
#define HEADS 0

NT_MATRIX(add_group, int8_t, int8x16_t, int32x4_t, vld1q_s8, vmmlaq_s32, 8)
NT_BLOCKS_IN_ORDER(finish, int32x4_t, vreinterpretq_f64_s32, vreinterpretq_s32_f64)
NP_PACK_TILE(pack_a, int8_t, int8_t, DEPTH, ROWS_OF, NP_AS_IT_IS)
NP_PACK_WOVEN(pack_b, int8_t, int8x16_t, vld1q_s8, vst1q_s8, weave_bytes, NR, DEPTH)

#define TILE int8
#define ADD_GROUP add_group
#define FINISH finish
#include "neon_tile.h"

#define OPERATION int8
#define SOURCE int8_t
#define OUT int32_t
#define PACK_TILE pack_a
#define PACK_B pack_b
#include "panels.h"

PANELS(int8, int8);
PANELS_PACKED(int8_packed, int8);

#include "int4_neon.h"
