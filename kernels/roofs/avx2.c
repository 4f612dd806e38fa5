/* AVX2: vfmadd231pd/ps ymm; int8 by vpmaddwd on 16-bit pairs and vpaddd. */
#include "peak.h"

#include <immintrin.h>

#define LANES 4
#define STORE_PAST(p, v) _mm256_stream_si256((void *)(p), (__m256i)(v))
#define STORE_FENCE() _mm_sfence()
#include "bandwidth.h"

static double total_pd(__m256d v) { return v[0] + v[1] + v[2] + v[3]; }
static double total_ps(__m256 v) {
    double sum = 0;
    for (int i = 0; i < 8; i++)
        sum += v[i];
    return sum;
}
static double total_epi32(__m256i v) {
    int32_t each[8];
    double sum = 0;
    _mm256_storeu_si256((__m256i *)each, v);
    for (int i = 0; i < 8; i++)
        sum += each[i];
    return sum;
}

#define F64_STEP(s, x, y) _mm256_fmadd_pd(x, y, s)
PEAK(f64_fma, CHAINS_12, 4, __m256d, __m256d, _mm256_loadu_pd, _mm256_setzero_pd, F64_STEP, total_pd);

#define F32_STEP(s, x, y) _mm256_fmadd_ps(x, y, s)
PEAK(f32_fma, CHAINS_12, 8, __m256, __m256, _mm256_loadu_ps, _mm256_setzero_ps, F32_STEP, total_ps);

/* Without the empty asm the product, always the same, would be computed once. */
static inline __m256i int8_step(__m256i s, __m256i x, __m256i y) {
    __asm__ volatile("" : "+x"(x));
    return _mm256_add_epi32(s, _mm256_madd_epi16(x, y));
}
static inline __m256i load_wide(const void *p) { return _mm256_cvtepi8_epi16(_mm_loadu_si128(p)); }
PEAK(int8_dot, CHAINS_12, 16, __m256i, __m256i, load_wide, _mm256_setzero_si256, int8_step, total_epi32);
