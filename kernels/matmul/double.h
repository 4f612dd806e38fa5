/* f64 on x86: 14 x 16 (AVX-512) or 6 x 8 (AVX2) tiles, half as many columns as of f32. */

#define LEFT double
#define RIGHT double
#define SUM double
#define DEPTH 1
#define MR (WIDE_LANES == 16 ? 14 : 6)
#define NR WIDE_LANES
#define LANES (WIDE_LANES / 2)
#define MC (14 * MR)
#define KC 256
#define NC 2048
#define LEFT_STRIDE (KC + 8) /* rows do not share the sets of L1 */
#define HEADS 0

static inline __attribute__((always_inline)) void f64_add(const int rows, const double *a,
                                                          int64_t a_stride, const double *b,
                                                          wide_doubles (*sum)[2]) {
    wide_doubles y0 = WIDE(loadu_pd)(b), y1 = WIDE(loadu_pd)(b + LANES);
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) {
        wide_doubles x = WIDE(set1_pd)(a[i * a_stride]);
        sum[i][0] = WIDE(fmadd_pd)(x, y0, sum[i][0]);
        sum[i][1] = WIDE(fmadd_pd)(x, y1, sum[i][1]);
    }
}

#define TILE f64
#define ADD_GROUP f64_add
#include "vector_tile.h"

static inline void f64_pack_a(const double *a, int64_t depth, double *packed, double *head) {
    (void)head;
    memcpy(packed, a, (size_t)depth * sizeof *a);
}

static inline void f64_pack_b(const double *b, int64_t stride, int64_t columns, int64_t depth,
                              double *packed) {
    for (int64_t p = 0; p < depth; p++, b += stride, packed += NR)
        for (int64_t j = 0; j < NR; j++)
            packed[j] = j < columns ? b[j] : 0;
}

#define OPERATION f64
#define SOURCE double
#define OUT double
#define PACK_A f64_pack_a
#define PACK_B f64_pack_b
#include "panels.h"

PANELS(f64, f64);

#include "tile_end.h"
