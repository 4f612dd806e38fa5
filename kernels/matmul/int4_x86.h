/* 4-bit weights on x86: 8 x 32 tiles of C with AVX-512, 4 x 16 with AVX2.  Four k of all
 * columns are two registers of B, which every row multiplies by A broadcast from memory before the
 * next four come: so sums of all rows are under way at once.
 *
 * Lives on vpdpbusd with VNNI: 8 of 10 vector operations per row and vector of a group.  Without,
 * vpmaddubsw and vpaddw: sums of at most 2 * 15 * 127 * 8 = 30480 fit 16 bits, so they are exact.
 *
 * An integer sum begins at INT4_BIAS, so it is a float as it stands, too large by 1.5 * 2^23; that
 * times a binary16 scale is exact, so one fused multiply-add both converts and scales the sum.
 */
#include "wide.h"

#define INT4_MR (WIDE_LANES / 2)
#define INT4_NR (2 * WIDE_LANES)
#define INT4_DEPTH 4
#define INT4_FEW 4
#define INT4_BIAS 0x4b400000 /* bits of 1.5 * 2^23: with less than 2^22 added, a float of that */

#include "int4.h"

#define INT4_AHEAD (4 << 10) /* bytes ahead of its use that B is fetched */

/* Integer sums of one row and one vector of columns: as they begin, plus four products in each lane,
 * as they end. */
static inline __attribute__((always_inline)) wide_bits int4_begin(int32_t offset) {
#ifdef __AVX512VNNI__
    return WIDE(set1_epi32)(offset);
#else
    (void)offset;
    return WIDE(set1_epi32)(0);
#endif
}

static inline __attribute__((always_inline)) wide_bits int4_add(wide_bits sum, wide_bits b,
                                                                wide_bits a) {
#ifdef __AVX512VNNI__
    return WIDE(dpbusd_epi32)(sum, b, a);
#else
    return WIDE(add_epi16)(sum, WIDE(maddubs_epi16)(b, a));
#endif
}

static inline __attribute__((always_inline)) wide_floats int4_end(wide_bits sum, int32_t offset) {
#ifdef __AVX512VNNI__
    (void)offset;
    return (wide_floats)sum;
#else
    return (wide_floats)WIDE(add_epi32)(WIDE(madd_epi16)(sum, WIDE(set1_epi16)(1)),
                                        WIDE(set1_epi32)(offset));
#endif
}

/* dot[rows][2] += the products of four k, of which `b0` and `b1` have the columns. */
static inline __attribute__((always_inline)) void int4_add_word(const int rows, const int8_t *a,
                                                                int64_t row_bytes, wide_bits b0,
                                                                wide_bits b1,
                                                                wide_bits dot[INT4_MR][2]) {
#ifdef __AVX512VNNI__
    /* Compilers would finish one row before the next: a chain of eight slow additions. */
    __asm__ volatile("" : "+v"(b0), "+v"(b1)::"memory");
#endif
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
        wide_bits x = wide_broadcast(a + i * row_bytes);
        dot[i][0] = int4_add(dot[i][0], b0, x);
        dot[i][1] = int4_add(dot[i][1], b1, x);
    }
}

/* sum[rows][2] += one group; row i of A is `a_stride` groups after row i - 1. */
static inline __attribute__((always_inline)) void int4_add_group(const int rows, const int4_left *a,
                                                                 int64_t a_stride, const uint8_t *b,
                                                                 wide_floats sum[INT4_MR][2]) {
    const wide_bits low = WIDE(set1_epi8)(15);
    const int64_t row_bytes = a_stride * (int64_t)sizeof *a;
    wide_bits dot[INT4_MR][2];
    wide_floats scale[2], excess[2];
    for (int line = 0; line < INT4_PANEL_BYTES; line += 64)
        __builtin_prefetch(b + INT4_AHEAD + line, 0, 3);
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
        dot[i][0] = dot[i][1] = int4_begin(a[i * a_stride].offset);
#pragma GCC unroll 4
    for (int w = 0; w < 4; w++) {
        wide_bits y0 = wide_load(b + 4 * w * INT4_NR);
        wide_bits y1 = wide_load(b + 4 * (w * INT4_NR + WIDE_LANES));
        int4_add_word(rows, a->q + 4 * w, row_bytes, y0 & low, y1 & low, dot);
        int4_add_word(rows, a->q + 16 + 4 * w, row_bytes, WIDE(srli_epi16)(y0, 4) & low,
                      WIDE(srli_epi16)(y1, 4) & low, dot);
    }
#pragma GCC unroll 2
    for (int half = 0; half < 2; half++) {
        scale[half] = WIDE(cvtph_ps)(half_load(b + 16 * INT4_NR + 2 * half * WIDE_LANES));
        excess[half] = WIDE(mul_ps)(scale[half], WIDE(set1_ps)(-1.5f * (1 << 23)));
    }
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
        wide_floats of_row = WIDE(set1_ps)(a[i * a_stride].scale);
#pragma GCC unroll 2
        for (int half = 0; half < 2; half++) {
            wide_floats total = int4_end(dot[i][half], a[i * a_stride].offset);
            total = WIDE(fmadd_ps)(total, scale[half], excess[half]);
            sum[i][half] = WIDE(fmadd_ps)(of_row, total, sum[i][half]);
        }
    }
}

/* `panels` side by side, because B comes from memory faster as several streams than as one. */
static inline __attribute__((always_inline)) void int4_tile_of(const int rows, const int panels,
                                                               int64_t groups, const int4_left *a,
                                                               const uint8_t *b, float *c,
                                                               int64_t stride) {
    wide_floats sum[INT4_PANELS][INT4_MR][2];
#pragma GCC unroll 4
    for (int panel = 0; panel < panels; panel++)
#pragma GCC unroll 8
        for (int i = 0; i < rows; i++)
            sum[panel][i][0] = sum[panel][i][1] = WIDE(setzero_ps)();
    for (int64_t g = 0; g < groups; g++)
#pragma GCC unroll 4
        for (int panel = 0; panel < panels; panel++)
            int4_add_group(rows, a + g, groups, b + (panel * groups + g) * INT4_PANEL_BYTES,
                           sum[panel]);
#pragma GCC unroll 4
    for (int panel = 0; panel < panels; panel++, c += INT4_NR)
#pragma GCC unroll 8
        for (int i = 0; i < rows; i++) {
            WIDE(storeu_ps)(c + i * stride, sum[panel][i][0]);
            WIDE(storeu_ps)(c + i * stride + WIDE_LANES, sum[panel][i][1]);
        }
}

static void int4_tile(int64_t rows, int64_t groups, const int4_left *a, const uint8_t *b, float *c,
                      int64_t stride) {
#define ROWS(r)                                                                                \
    case r:                                                                                    \
        if (r <= INT4_MR)                                                                      \
            int4_tile_of(r <= INT4_MR ? r : 1, 1, groups, a, b, c, stride);                    \
        break;
    switch (rows) {
        ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) ROWS(6) ROWS(7) ROWS(8)
    }
#undef ROWS
}

static void int4_few(int64_t rows, int64_t groups, const int4_left *a, const uint8_t *b, float *c,
                     int64_t stride) {
    switch (rows) {
    case 1: int4_tile_of(1, INT4_PANELS, groups, a, b, c, stride); break;
    case 2: int4_tile_of(2, INT4_PANELS, groups, a, b, c, stride); break;
    case 3: int4_tile_of(3, INT4_PANELS, groups, a, b, c, stride); break;
    case 4: int4_tile_of(4, INT4_PANELS, groups, a, b, c, stride); break;
    }
}

INT4_GEMM;
