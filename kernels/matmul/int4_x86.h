/* 4-bit weights on x86: 8 x 32 tiles of C with AVX-512, 4 x 16 with AVX2.  A vector of columns of
 * a group is eight registers of B; a row's integer dot product is a chain of eight steps on A
 * broadcast from memory.
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
#define INT4_BIAS 0x4b400000 /* bits of 1.5 * 2^23: with less than 2^22 added, a float of that */

#include "int4.h"

#define INT4_NEAR (2 << 10) /* bytes ahead of its use that B is fetched by few rows */
#define INT4_FAR (8 << 10)  /* and by many, which read one stream */

/* Integer dot products of one row with sixteen columns of a group, in one chain of additions or,
 * where few rows wait for it, in two. */
static inline __attribute__((always_inline)) wide_bits int4_dot(const int chains,
                                                                const int4_left *a,
                                                                const wide_bits b[8]) {
#ifdef __AVX512VNNI__
    wide_bits sum[2] = {WIDE(set1_epi32)(a->offset), WIDE(set1_epi32)(0)};
#pragma GCC unroll 8
    for (int w = 0; w < 8; w++)
        sum[w % chains] = WIDE(dpbusd_epi32)(sum[w % chains], b[w], wide_broadcast(a->q + 4 * w));
    return chains == 1 ? sum[0] : WIDE(add_epi32)(sum[0], sum[1]);
#else
    (void)chains; /* 16-bit additions take a cycle */
    wide_bits pairs = WIDE(maddubs_epi16)(b[0], wide_broadcast(a->q));
#pragma GCC unroll 8
    for (int w = 1; w < 8; w++)
        pairs = WIDE(add_epi16)(pairs, WIDE(maddubs_epi16)(b[w], wide_broadcast(a->q + 4 * w)));
    return WIDE(add_epi32)(WIDE(madd_epi16)(pairs, WIDE(set1_epi16)(1)),
                           WIDE(set1_epi32)(a->offset));
#endif
}

/* sum[rows][2] += one group; row i of A is `a_stride` groups after row i - 1. */
static inline __attribute__((always_inline)) void int4_add_group(const int rows, const int4_left *a,
                                                                 int64_t a_stride, const uint8_t *b,
                                                                 wide_floats sum[INT4_MR][2]) {
    const wide_bits low = WIDE(set1_epi8)(15);
    for (int line = 0; line < INT4_PANEL_BYTES; line += 64)
        __builtin_prefetch(b + (rows <= 4 ? INT4_NEAR : INT4_FAR) + line, 0, 3);
#pragma GCC unroll 2
    for (int half = 0; half < 2; half++) {
        wide_bits x[8];
#pragma GCC unroll 4
        for (int w = 0; w < 4; w++) {
            wide_bits y = wide_load(b + 4 * (w * INT4_NR + half * WIDE_LANES));
            x[w] = y & low;
            x[4 + w] = WIDE(srli_epi16)(y, 4) & low;
        }
        wide_floats scale = WIDE(cvtph_ps)(half_load(b + 16 * INT4_NR + 2 * half * WIDE_LANES));
        wide_floats excess = WIDE(mul_ps)(scale, WIDE(set1_ps)(-1.5f * (1 << 23)));
#pragma GCC unroll 8
        for (int i = 0; i < rows; i++) {
            const int4_left *row = a + i * a_stride;
            wide_floats dot = (wide_floats)int4_dot(rows <= 4 ? 2 : 1, row, x);
            sum[i][half] = WIDE(fmadd_ps)(WIDE(set1_ps)(row->scale),
                                          WIDE(fmadd_ps)(dot, scale, excess), sum[i][half]);
        }
    }
}

/* B comes from memory faster as several streams than as one, and few rows wait for it. */
static inline __attribute__((always_inline)) void int4_tile_of(const int rows, const int streams,
                                                               int64_t groups, const int4_left *a,
                                                               const uint8_t *b, float *c,
                                                               int64_t stride) {
    wide_floats sum[INT4_MR][2];
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
        sum[i][0] = sum[i][1] = WIDE(setzero_ps)();
    int64_t each = groups / streams;
    for (int64_t g = 0; g < each; g++)
        for (int64_t at = g; at < each * streams; at += each)
            int4_add_group(rows, a + at, groups, b + at * INT4_PANEL_BYTES, sum);
    for (int64_t g = each * streams; g < groups; g++)
        int4_add_group(rows, a + g, groups, b + g * INT4_PANEL_BYTES, sum);
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
        WIDE(storeu_ps)(c + i * stride, sum[i][0]);
        WIDE(storeu_ps)(c + i * stride + WIDE_LANES, sum[i][1]);
    }
}

static void int4_tile(int64_t rows, int64_t groups, const int4_left *a, const uint8_t *b, float *c,
                      int64_t stride) {
#define ROWS(r)                                                                                \
    case r:                                                                                    \
        if (r <= INT4_MR)                                                                      \
            int4_tile_of(r <= INT4_MR ? r : 1, r <= 4 ? 4 : 1, groups, a, b, c, stride);       \
        break;
    switch (rows) {
        ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) ROWS(6) ROWS(7) ROWS(8)
    }
#undef ROWS
}

INT4_GEMM;
