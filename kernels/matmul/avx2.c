/* 6 x 16 tiles of C in 12 of 16 registers, two for B, A broadcast from its packed panel.
 *
 * Lives on vfmadd231ps ymm: 12 per step of k against 2 loads of B and 6 broadcasts, so two FMA
 * pipes and two loads a cycle are the bound: 32 operations a cycle on Haswell to Granite Rapids
 * and on Zen 2 to Zen 5.
 *
 * For few rows, 6 x 16 of B in 12 registers: 12 vfmadd231ps per row against 6 broadcasts, 2
 * loads and 2 stores of sums.
 */
#include "armbench.h"

#include <immintrin.h>

typedef float element;

#define MR 6
#define NR 16
#define MC (24 * MR)
#define KC 256
#define NC 2048
#define STEPS 6
#define LANES 8
#define WHOLE_TILES
#define STREAMS 4 /* rows of B read side by side: with more, DRAM delivers less */

/* ---- tile ---------------------------------------------------------------------------------- */

static inline __attribute__((always_inline)) void tile_of(const int rows, int64_t depth,
                                                          const float *a, const float *b, float *c,
                                                          int64_t stride, int accumulate) {
    __m256 sum[MR][2];
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++)
        sum[i][0] = sum[i][1] = _mm256_setzero_ps();
    for (int64_t p = 0; p < depth; p++, a += rows, b += NR) {
        __m256 b0 = _mm256_load_ps(b), b1 = _mm256_load_ps(b + LANES);
#pragma GCC unroll 6
        for (int i = 0; i < rows; i++) {
            __m256 x = _mm256_broadcast_ss(a + i);
            sum[i][0] = _mm256_fmadd_ps(x, b0, sum[i][0]);
            sum[i][1] = _mm256_fmadd_ps(x, b1, sum[i][1]);
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++, c += stride) {
        if (accumulate) {
            sum[i][0] = _mm256_add_ps(sum[i][0], _mm256_loadu_ps(c));
            sum[i][1] = _mm256_add_ps(sum[i][1], _mm256_loadu_ps(c + LANES));
        }
        _mm256_storeu_ps(c, sum[i][0]);
        _mm256_storeu_ps(c + LANES, sum[i][1]);
    }
}

static void whole_tile(int64_t rows, int64_t depth, const float *a, const float *b, float *c,
                       int64_t stride, int accumulate) {
    switch (rows) {
    case 1: tile_of(1, depth, a, b, c, stride, accumulate); break;
    case 2: tile_of(2, depth, a, b, c, stride, accumulate); break;
    case 3: tile_of(3, depth, a, b, c, stride, accumulate); break;
    case 4: tile_of(4, depth, a, b, c, stride, accumulate); break;
    case 5: tile_of(5, depth, a, b, c, stride, accumulate); break;
    case 6: tile_of(6, depth, a, b, c, stride, accumulate); break;
    }
}

/* ---- packing of A -------------------------------------------------------------------------- */

/* Two rows as pairs: step 0, 1, 4 and 5 in `low`, 2, 3, 6 and 7 in `high`. */
typedef struct pairs {
    __m256 low, high;
} pairs;

static inline pairs interleave(const float *a, const float *b) {
    __m256 x = _mm256_loadu_ps(a), y = _mm256_loadu_ps(b);
    return (pairs){_mm256_unpacklo_ps(x, y), _mm256_unpackhi_ps(x, y)};
}

/* `rows` floats of two steps, four steps apart: four from `four`, the others from `two`. */
static inline __attribute__((always_inline)) void store_steps(const int rows, float *to,
                                                              __m256d four, __m256d two) {
    __m128 near_two = _mm_castpd_ps(_mm256_castpd256_pd128(two));
    __m128 far_two = _mm_castpd_ps(_mm256_extractf128_pd(two, 1));
    float *later = to + 4 * rows;
    _mm_storeu_ps(to, _mm_castpd_ps(_mm256_castpd256_pd128(four)));
    _mm_storeu_ps(later, _mm_castpd_ps(_mm256_extractf128_pd(four, 1)));
    if (rows == 6) {
        _mm_storel_pi((__m64 *)(to + 4), near_two);
        _mm_storel_pi((__m64 *)(later + 4), far_two);
    } else if (rows == 5) {
        _mm_store_ss(to + 4, near_two);
        _mm_store_ss(later + 4, far_two);
    }
}

/* Each turn also asks for the same columns of the next panel's rows: too many rows for the
 * hardware to follow. */
static inline __attribute__((always_inline)) void transpose_of(const int rows, const float *a,
                                                               int64_t stride, float *packed) {
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++)
        __builtin_prefetch(a + (i + rows) * stride, 0, 2);
    const int fifth = rows > 4 ? 4 : 0, sixth = rows > 5 ? 5 : 0;
    pairs x = interleave(a, a + stride), y = interleave(a + 2 * stride, a + 3 * stride);
    pairs z = interleave(a + fifth * stride, a + sixth * stride);
#define PD(v) _mm256_castps_pd(v)
    __m256d z_low = PD(z.low), z_high = PD(z.high);
    store_steps(rows, packed, _mm256_unpacklo_pd(PD(x.low), PD(y.low)), z_low);
    store_steps(rows, packed + rows, _mm256_unpackhi_pd(PD(x.low), PD(y.low)),
                _mm256_unpackhi_pd(z_low, z_low));
    store_steps(rows, packed + 2 * rows, _mm256_unpacklo_pd(PD(x.high), PD(y.high)), z_high);
    store_steps(rows, packed + 3 * rows, _mm256_unpackhi_pd(PD(x.high), PD(y.high)),
                _mm256_unpackhi_pd(z_high, z_high));
#undef PD
}

static void transpose_rows(const float *a, int64_t stride, int64_t rows, int64_t depth,
                           float *packed) {
    int64_t p = 0;
    for (; rows == 6 && p + LANES <= depth; p += LANES)
        transpose_of(6, a + p, stride, packed + p * 6);
    for (; rows == 5 && p + LANES <= depth; p += LANES)
        transpose_of(5, a + p, stride, packed + p * 5);
    for (; rows == 4 && p + LANES <= depth; p += LANES)
        transpose_of(4, a + p, stride, packed + p * 4);
    for (; p < depth; p++)
        for (int64_t i = 0; i < rows; i++)
            packed[p * rows + i] = a[i * stride + p];
}

/* ---- strip --------------------------------------------------------------------------------- */

/* One line of what comes next is fetched with each row. */
static inline void update(int64_t rows, const float *a, int64_t a_stride, const float *b,
                          int64_t b_stride, float *sums, int accumulate, const float *ahead) {
    __m256 x[STEPS][2];
#pragma GCC unroll 6
    for (int p = 0; p < STEPS; p++) {
        x[p][0] = _mm256_loadu_ps(b + p * b_stride);
        x[p][1] = _mm256_loadu_ps(b + p * b_stride + LANES);
    }
    for (int64_t i = 0; i < rows; i++, a += a_stride, sums += NR) {
        __m256 left = accumulate ? _mm256_load_ps(sums) : _mm256_setzero_ps();
        __m256 right = accumulate ? _mm256_load_ps(sums + LANES) : _mm256_setzero_ps();
        if (i < STEPS)
            __builtin_prefetch(ahead + i * NR, 0, 2);
#pragma GCC unroll 6
        for (int p = 0; p < STEPS; p++) {
            __m256 y = _mm256_broadcast_ss(a + p);
            left = _mm256_fmadd_ps(y, x[p][0], left);
            right = _mm256_fmadd_ps(y, x[p][1], right);
        }
        _mm256_store_ps(sums, left);
        _mm256_store_ps(sums + LANES, right);
    }
}

/* ---- stream -------------------------------------------------------------------------------- */

static inline __attribute__((always_inline)) void stream_of(
    const int rows, const int steps, int64_t columns, const float *a, int64_t a_stride,
    const float *b, float *c, int64_t stride, int accumulate) {
    __m256 x[4][STREAMS], sum[4];
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int p = 0; p < steps; p++)
            x[i][p] = _mm256_broadcast_ss(a + i * a_stride + p);
    for (int64_t j = 0; j < columns; j += LANES) {
#pragma GCC unroll 4
        for (int i = 0; i < rows; i++)
            sum[i] = accumulate ? _mm256_loadu_ps(c + i * stride + j) : _mm256_setzero_ps();
#pragma GCC unroll 4
        for (int p = 0; p < steps; p++) {
            __m256 y = _mm256_loadu_ps(b + p * stride + j);
#pragma GCC unroll 4
            for (int i = 0; i < rows; i++)
                sum[i] = _mm256_fmadd_ps(x[i][p], y, sum[i]);
        }
#pragma GCC unroll 4
        for (int i = 0; i < rows; i++)
            _mm256_storeu_ps(c + i * stride + j, sum[i]);
    }
}

#include "gemm.h"

GEMM(f32);

#undef MR
#undef NR
#undef MC
#undef KC
#undef NC
#undef LANES
#include "widening.h"
