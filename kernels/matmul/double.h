/* f64 on x86: 6 x 32 (AVX-512, pair_tile.h) or 6 x 8 (AVX2) tiles, half as many columns as of f32. */

#define LEFT double
#define RIGHT double
#define SUM double
#define DEPTH 1
#define MR (WIDE_LANES == 16 ? 14 : 6)
#define NR WIDE_LANES
#define LANES (WIDE_LANES / 2)
#define MC (14 * MR)
#define KC 512
#define NC 2048
#define LEFT_STRIDE (KC + 8) /* rows do not share the sets of L1 */
#define HEADS 0
#if WIDE_LANES == 16
#define PAIR_ROWS 6
#endif

#define TILE f64
#define GROUP_STEPS 1
#define LEFT_AT(a, step) WIDE(set1_pd)(*(a))
#define RIGHT_AT(b, half, step) WIDE(loadu_pd)((b) + (half) * LANES)
#define MULTIPLY_ADD(sum, x, y) WIDE(fmadd_pd)(x, y, sum)
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
