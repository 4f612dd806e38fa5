/* AVX-512: vfmadd231pd/ps zmm; int8 by vpmaddwd on 16-bit pairs and vpaddd, without VNNI. */
#include "peak.h"

#include <immintrin.h>

#define LANES 8
#define STORE_PAST(p, v) _mm512_stream_si512((void *)(p), (__m512i)(v))
#define STORE_FENCE() _mm_sfence()
#include "bandwidth.h"

#define F64_STEP(s, x, y) _mm512_fmadd_pd(x, y, s)
PEAK(f64_fma, CHAINS_16, 8, __m512d, __m512d, _mm512_loadu_pd, _mm512_setzero_pd, F64_STEP,
     _mm512_reduce_add_pd);

#define F32_STEP(s, x, y) _mm512_fmadd_ps(x, y, s)
PEAK(f32_fma, CHAINS_16, 16, __m512, __m512, _mm512_loadu_ps, _mm512_setzero_ps, F32_STEP,
     _mm512_reduce_add_ps);

/* Without the empty asm the product, always the same, would be computed once. */
static inline __m512i int8_step(__m512i s, __m512i x, __m512i y) {
    __asm__ volatile("" : "+v"(x));
    return _mm512_add_epi32(s, _mm512_madd_epi16(x, y));
}
static inline __m512i load_wide(const void *p) { return _mm512_cvtepi8_epi16(_mm256_loadu_si256(p)); }
PEAK(int8_dot, CHAINS_16, 32, __m512i, __m512i, load_wide, _mm512_setzero_si512, int8_step,
     _mm512_reduce_add_epi32);
