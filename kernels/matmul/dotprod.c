/* 8 x 12 tiles of C in 24 of 32 registers, three for B and two for A, from their packed panels.
 *
 * Lives on sdot by element: 24 per four steps of k against 5 loads of 16 bytes, so the pipes are
 * the bound: 64 operations a cycle on N1 and N2 (two pipes), 128 on V1, V2 and V3 (four).
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
#define DEPTH 4
#define MR 8
#define NR 12
#define MC (16 * MR)
#define KC 1536
#define NC (85 * NR)
#define LEFT_STRIDE (KC + 64)
#define HEADS 0

NT_BY_ELEMENT(add_group, int8_t, int8_t, int8x16_t, int32x4_t, vld1q_s8, vld1q_s8, vdotq_laneq_s32,
              4, 4)
NT_IN_ORDER(finish, int32x4_t)
NP_PACK_TILE(pack_a, int8_t, int8_t, DEPTH, 1, NP_AS_IT_IS)
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
