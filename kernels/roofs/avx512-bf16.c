/* vdpbf16ps zmm: 32 multiply-adds. */
#include "peak.h"

#include <immintrin.h>

static inline __m512bh load_pairs(const void *p) { return (__m512bh)_mm512_loadu_si512(p); }

#define BF16_STEP(s, x, y) _mm512_dpbf16_ps(s, x, y)
PEAK(bf16_dot, CHAINS_16, 32, __m512, __m512bh, load_pairs, _mm512_setzero_ps, BF16_STEP,
     _mm512_reduce_add_ps);
