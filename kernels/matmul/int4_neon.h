/* 4-bit weights on Arm: 4 x 8 tiles of C.  A group of four columns is eight registers of B,
 * unpacked once for all rows of the tile; a row's dot product takes A from two registers of 16 k.
 *
 * Lives on smmla (i8mm), which takes two rows at a time, else on sdot by element (dotprod): 16 per
 * row or pair of rows and group, beside the additions and scales.  Base NEON has smlal to 16
 * bits, twice as many: a sum is at most 8 * 15 * 127, and two of them 30480, so they are exact.
 */
#include <arm_neon.h>

#define INT4_MR 4
#define INT4_NR 8
#define INT4_FEW 0
#define INT4_BIAS 0

#ifdef __ARM_FEATURE_MATMUL_INT8
#define INT4_DEPTH 8
#define INT4_TOGETHER 2 /* rows of A in a register */
#else
#define INT4_DEPTH 4
#define INT4_TOGETHER 1
#endif

#include "int4.h"

#define INT4_AHEAD (4 << 10) /* bytes ahead of its use that B is fetched */

/* Compilers, which see no end of registers when they order instructions, must not begin what
 * `pointer` leads to before `sum` is there. */
#define INT4_AFTER(pointer, sum) __asm__("" : "+r"(pointer), "+w"(sum))

/* Weights 0 to 15 of four columns, half `half` of a panel: [32 / INT4_DEPTH][4][INT4_DEPTH]. */
static inline __attribute__((always_inline)) void int4_unpack(const uint8_t *b, const int half,
                                                              int8x16_t x[8]) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) { /* INT4_DEPTH / 4 registers of every word */
        const int word = i / (INT4_DEPTH / 4), part = i % (INT4_DEPTH / 4);
        const int at = (2 * word + half) * (INT4_DEPTH / 4) + part;
        uint8x16_t y = vld1q_u8(b + 16 * at);
        x[i] = vreinterpretq_s8_u8(vandq_u8(y, vdupq_n_u8(15)));
        x[4 + i] = vreinterpretq_s8_u8(vshrq_n_u8(y, 4));
    }
}

/* Integer dot products of four columns with INT4_TOGETHER rows, `first` and `second`. */
static inline __attribute__((always_inline)) void int4_dots(const int4_left *first,
                                                            const int4_left *second,
                                                            const int8x16_t x[8],
                                                            int32x4_t dot[INT4_TOGETHER]) {
    const int8x16_t q[2] = {vld1q_s8(first->q), vld1q_s8(first->q + 16)};
#if defined(__ARM_FEATURE_MATMUL_INT8)
    int32x4_t sum[2] = {{0}, {0}};
#pragma GCC unroll 4
    for (int w = 0; w < 4; w++) {
        int64x2_t upper = vreinterpretq_s64_s8(q[w / 2]);
        int64x2_t lower = vreinterpretq_s64_s8(vld1q_s8(second->q + w / 2 * 16));
        int8x16_t both = vreinterpretq_s8_s64(w % 2 ? vtrn2q_s64(upper, lower)
                                                    : vtrn1q_s64(upper, lower));
        sum[0] = vmmlaq_s32(sum[0], both, x[2 * w]);
        sum[1] = vmmlaq_s32(sum[1], both, x[2 * w + 1]);
    }
    int64x2_t left = vreinterpretq_s64_s32(sum[0]), right = vreinterpretq_s64_s32(sum[1]);
    dot[0] = vaddq_s32(vreinterpretq_s32_s64(vtrn1q_s64(left, right)), vdupq_n_s32(first->offset));
    dot[1] = vaddq_s32(vreinterpretq_s32_s64(vtrn2q_s64(left, right)), vdupq_n_s32(second->offset));
#elif defined(__ARM_FEATURE_DOTPROD)
    (void)second;
    dot[0] = vdupq_n_s32(first->offset);
#define STEP(w) dot[0] = vdotq_laneq_s32(dot[0], x[w], q[(w) / 4], (w) % 4);
    STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7)
#undef STEP
#else
    (void)second;
    int16x8_t left = {0}, right = {0}; /* two columns each */
#define STEP(w)                                                                               \
    {                                                                                         \
        int8x16_t word =                                                                      \
            vreinterpretq_s8_s32(vdupq_laneq_s32(vreinterpretq_s32_s8(q[(w) / 4]), (w) % 4)); \
        left = vmlal_s8(left, vget_low_s8(x[w]), vget_low_s8(word));                          \
        right = vmlal_high_s8(right, x[w], word);                                             \
    }
    STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7)
#undef STEP
    dot[0] = vpadalq_s16(vdupq_n_s32(first->offset), vpaddq_s16(left, right));
#endif
}

/* sum[rows][2] += one group; row i of A is `a_stride` groups after row i - 1. */
static inline __attribute__((always_inline)) void int4_add_group(const int rows, const int4_left *a,
                                                                 int64_t a_stride, const uint8_t *b,
                                                                 float32x4_t sum[INT4_MR][2]) {
    for (int line = 0; line < INT4_PANEL_BYTES; line += 64)
        __builtin_prefetch(b + INT4_AHEAD + line, 0, 3);
#pragma GCC unroll 2
    for (int half = 0; half < 2; half++) {
        int8x16_t x[8];
        int4_unpack(b, half, x);
        uint16x4_t bits = vreinterpret_u16_u8(vld1_u8(b + 16 * INT4_NR + 8 * half));
        float32x4_t scale = vcvt_f32_f16(vreinterpret_f16_u16(bits));
        const int4_left *row = a;
#pragma GCC unroll 4
        for (int i = 0; i < rows; i += INT4_TOGETHER, row += INT4_TOGETHER * a_stride) {
            const int64_t other = i + 1 < rows ? a_stride : 0;
            int32x4_t dot[INT4_TOGETHER];
            INT4_AFTER(row, sum[i > 0 ? i - 1 : rows - 1][i > 0 ? half : 0]);
            int4_dots(row, row + other, x, dot);
#pragma GCC unroll 2
            for (int t = 0; t < INT4_TOGETHER; t++)
                if (i + t < rows)
                    sum[i + t][half] = vfmaq_f32(sum[i + t][half], vcvtq_f32_s32(dot[t]),
                                                 vmulq_n_f32(scale, row[t * other].scale));
        }
        INT4_AFTER(b, sum[rows - 1][half]);
    }
}

static inline __attribute__((always_inline)) void int4_tile_of(const int rows, int64_t groups,
                                                               const int4_left *a, const uint8_t *b,
                                                               float *c, int64_t stride) {
    float32x4_t sum[INT4_MR][2];
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++)
        sum[i][0] = sum[i][1] = vdupq_n_f32(0);
    for (int64_t g = 0; g < groups; g++)
        int4_add_group(rows, a + g, groups, b + g * INT4_PANEL_BYTES, sum);
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++) {
        vst1q_f32(c + i * stride, sum[i][0]);
        vst1q_f32(c + i * stride + 4, sum[i][1]);
    }
}

static void int4_tile(int64_t rows, int64_t groups, const int4_left *a, const uint8_t *b, float *c,
                      int64_t stride) {
    switch (rows) {
    case 1: int4_tile_of(1, groups, a, b, c, stride); break;
    case 2: int4_tile_of(2, groups, a, b, c, stride); break;
    case 3: int4_tile_of(3, groups, a, b, c, stride); break;
    case 4: int4_tile_of(4, groups, a, b, c, stride); break;
    }
}

INT4_GEMM;
