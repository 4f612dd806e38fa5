/* vpdpbusd zmm: 64 multiply-adds. */
#include "peak.h"

#include <immintrin.h>

#define INT8_STEP(s, x, y) _mm512_dpbusd_epi32(s, x, y)
PEAK(int8_dot, CHAINS_16, 64, __m512i, __m512i, _mm512_loadu_si512, _mm512_setzero_si512,
     INT8_STEP, _mm512_reduce_add_epi32);
