/* bfloat16, int8 and weights packed beforehand, where no instruction multiplies the narrow types.
 *
 * f32: 6 x 64 (AVX-512, pair_tile.h) or 6 x 16 (AVX2) tiles.  bfloat16 becomes f32 when it is packed.
 *
 * bfloat16 packed beforehand stays narrow in its panel, because decode waits for its bytes, and
 * is widened in registers: 13 x 32 or 6 x 16 tiles.  Two steps of k lie together in 32 bits, of
 * which a shift gives one as a float and a mask the other: 4 operations beside 52 or 24 fused
 * multiply-adds, so at most 0.93 or 0.86 of the f32 rate where all share two pipes.
 *
 * int8: 12 x 32 or 6 x 16 tiles.  vpmaddwd multiplies pairs of int16 exactly, vpaddd adds: as many
 * operations a cycle as f32, more where additions have pipes of their own (Zen, AVX2 on Intel).
 */
#include "armbench.h"

#include "narrow.h"
#include "wide.h"
#include "x86_panels.h"

/* ---- f32 ------------------------------------------------------------------------------------- */

#define LEFT float
#define RIGHT float
#define SUM float
#define DEPTH 1
#define MR (WIDE_LANES == 16 ? 14 : 6)
#define NR (2 * WIDE_LANES)
#define LANES WIDE_LANES
#define MC (14 * MR)
#define KC 512
#define NC 2048
#define LEFT_STRIDE (KC + 16) /* rows do not share the sets of L1 */
#define HEADS 0
#if WIDE_LANES == 16
#define PAIR_ROWS 6
#endif

#define TILE f32
#define GROUP_STEPS 1
#define LEFT_AT(a, step) WIDE(set1_ps)(*(a))
#define RIGHT_AT(b, half, step) WIDE(loadu_ps)((b) + (half) * LANES)
#define MULTIPLY_ADD(sum, x, y) WIDE(fmadd_ps)(x, y, sum)
#include "vector_tile.h"

static inline void f32_pack_a(const float *a, int64_t depth, float *packed, float *head) {
    (void)head;
    memcpy(packed, a, (size_t)depth * sizeof *a);
}

static inline void f32_pack_b(const float *b, int64_t stride, int64_t columns, int64_t depth,
                              float *packed) {
    for (int64_t p = 0; p < depth; p++, b += stride, packed += NR)
        for (int64_t j = 0; j < NR; j++)
            packed[j] = j < columns ? b[j] : 0;
}

#define OPERATION f32_weights
#define SOURCE float
#define OUT float
#define PACK_A f32_pack_a
#define PACK_B f32_pack_b
#include "panels.h"

PANELS_PACKED(f32_packed, f32_weights);

/* ---- bfloat16 as f32 ------------------------------------------------------------------------- */

static inline void bf16_pack_a(const uint16_t *a, int64_t depth, float *packed, float *head) {
    (void)head;
    for (int64_t p = 0; p < depth; p++)
        packed[p] = bf16_value(a[p]);
    packed[depth] = 0; /* as a pair where the tile takes two */
}

static inline void bf16_widen_b(const uint16_t *b, int64_t stride, int64_t columns, int64_t depth,
                                float *packed) {
    for (int64_t p = 0; p < depth; p++, b += stride, packed += NR)
        for (int64_t j = 0; j < NR; j++)
            packed[j] = j < columns ? bf16_value(b[j]) : 0;
}

#define OPERATION bf16
#define SOURCE uint16_t
#define OUT uint16_t
#define PACK_A bf16_pack_a
#define PACK_B bf16_widen_b
#define ROUND bf16_bits
#include "panels.h"

PANELS(bf16, bf16);

/* ---- binary16 as f32 ------------------------------------------------------------------------- */

static inline void f16_widen(const uint16_t *from, int64_t count, float *to) {
    int64_t j = 0;
    for (; j + WIDE_LANES <= count; j += WIDE_LANES)
        WIDE(storeu_ps)(to + j, WIDE(cvtph_ps)(half_load(from + j)));
    for (; j < count; j++)
        to[j] = _cvtsh_ss(from[j]);
}

static inline uint16_t f16_rounded(float x) {
    return (uint16_t)_cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT);
}

static inline void f16_pack_a(const uint16_t *a, int64_t depth, float *packed, float *head) {
    (void)head;
    f16_widen(a, depth, packed);
}

static inline void f16_pack_b(const uint16_t *b, int64_t stride, int64_t columns, int64_t depth,
                              float *packed) {
    for (int64_t p = 0; p < depth; p++, b += stride, packed += NR) {
        f16_widen(b, columns, packed);
        for (int64_t j = columns; j < NR; j++)
            packed[j] = 0;
    }
}

#define OPERATION f16
#define SOURCE uint16_t
#define OUT uint16_t
#define PACK_A f16_pack_a
#define PACK_B f16_pack_b
#define ROUND f16_rounded
#include "panels.h"

PANELS(f16, f16);

#include "tile_end.h"

/* ---- f64 ------------------------------------------------------------------------------------- */

#include "double.h"

/* ---- bfloat16 packed beforehand -------------------------------------------------------------- */

#define LEFT float
#define RIGHT uint16_t
#define SUM float
#define DEPTH 2
#define MR (WIDE_LANES == 16 ? 13 : 6)
#define NR (2 * WIDE_LANES)
#define LANES WIDE_LANES
#define MC (16 * MR)
#define KC 1024
#define NC 2048
#define LEFT_STRIDE (KC + 16) /* rows do not share the sets of L1 */
#define HEADS 0

/* The bfloat16 of even or odd k, as floats. */
static inline wide_floats bf16_widened(wide_bits pairs, int odd) {
    wide_bits high = WIDE(set1_epi32)((int32_t)0xffff0000);
    return (wide_floats)(odd ? (wide_bits)(pairs & high) : WIDE(slli_epi32)(pairs, 16));
}

static void bf16_pack_b(const uint16_t *b, int64_t stride, int64_t columns, int64_t depth,
                        uint16_t *packed) {
    weave_rows(WEAVE_BF16_2, 2 * NR, b, 2 * stride, 2 * columns, depth, packed);
}

#define TILE narrow
#define GROUP_STEPS 2
#define LEFT_AT(a, odd) WIDE(set1_ps)((a)[odd])
#define RIGHT_AT(b, half, odd) bf16_widened(wide_load((b) + 2 * (half) * LANES), odd)
#define MULTIPLY_ADD(sum, x, y) WIDE(fmadd_ps)(x, y, sum)
#include "vector_tile.h"

#define OPERATION bf16_weights
#define SOURCE uint16_t
#define OUT uint16_t
#define PACK_A bf16_pack_a
#define PACK_B bf16_pack_b
#define ROUND bf16_bits
#include "panels.h"

PANELS_PACKED(bf16_packed, bf16_weights);

#include "tile_end.h"

/* ---- int8 ------------------------------------------------------------------------------------ */

#define LEFT int16_t
#define RIGHT int8_t
#define SUM int32_t
#define DEPTH 2
#define MR (WIDE_LANES == 16 ? 12 : 6)
#define NR (2 * WIDE_LANES)
#define LANES WIDE_LANES
#define MC (16 * MR)
#define KC 512
#define NC 2048
#define LEFT_STRIDE (KC + 32)
#define HEADS 0

static void int8_pack_a(const int8_t *a, int64_t depth, int16_t *packed, int32_t *head) {
    (void)head;
    for (int64_t p = 0; p < depth; p++)
        packed[p] = a[p];
    if (depth % 2)
        packed[depth] = 0;
}

static void int8_pack_b(const int8_t *b, int64_t stride, int64_t columns, int64_t depth,
                        int8_t *packed) {
    weave_rows(WEAVE_INT8_2, NR, b, stride, columns, depth, packed);
}

#define TILE int8
#define GROUP_STEPS 1
#define LEFT_AT(a, step) wide_broadcast(a)
#define RIGHT_AT(b, half, step) WIDE(cvtepi8_epi16)(half_load((b) + 2 * (half) * LANES))
#define MULTIPLY_ADD(sum, x, y) ((sum) + (wide_int32)WIDE(madd_epi16)(x, y))
#include "vector_tile.h"

#define OPERATION int8
#define SOURCE int8_t
#define OUT int32_t
#define PACK_A int8_pack_a
#define PACK_B int8_pack_b
#include "panels.h"

PANELS(int8, int8);
PANELS_PACKED(int8_packed, int8);

/* ---- int4 ------------------------------------------------------------------------------------ */

#include "int4_x86.h"
