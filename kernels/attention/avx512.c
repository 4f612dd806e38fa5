/* 8 x 48 tiles (three vectors of queries) in 24 of 32 registers, three for the vectors they are
 * multiplied with, k and v broadcast.  Decode: 4 keys or 4 vectors of v x 4 queries in 16.
 *
 * Lives on vfmadd231ps zmm: 24 per step against 3 loads and 8 broadcasts, so two FMA pipes are
 * the bound on cores that load 128 bytes a cycle: 64 operations a cycle on Zen 5, Sapphire Rapids
 * and Granite Rapids, 32 where the data path is 256 bits (Zen 4).  Decode is bound by memory; of bf16,
 * 8 multiply-adds and 2 instructions that widen (halves.h) stand against 64 bytes: 13 bytes a cycle.
 */
#include "avx512.h"

#define BF16_HALVES
#define NEAR 64
#define ELEMENTS 1
#define ROWS 8
#define COLUMNS 3
#define WIDTHS(W) W(1) W(2) W(3)
#define KEYS 128
#define TILES 2
#define SHARED 4
#define SHARES(S) S(1) S(2) S(3) S(4)
#define SPAN 4

typedef __m512 left;

static inline left load_left(const float *p) { return _mm512_set1_ps(*p); }
static inline vec fma_left(left a, int element, vec b, vec c) {
    (void)element;
    return _mm512_fmadd_ps(a, b, c);
}


#include "attention.h"

typedef __m512i bits;

static inline bits load_bits(const uint16_t *p) { return _mm512_loadu_si512(p); }
static inline bits load_some(const uint16_t *p, int64_t n) {
    if (n >= 2 * LANES)
        return load_bits(p);
    return _mm512_maskz_loadu_epi16(n > 0 ? (__mmask32)((1ull << n) - 1) : 0, p);
}
static inline vec even_of(bits v) { return _mm512_castsi512_ps(_mm512_slli_epi32(v, 16)); }
static inline vec odd_of(bits v) {
    return _mm512_castsi512_ps(_mm512_and_si512(v, _mm512_set1_epi32((int)0xffff0000)));
}
static inline vec zip_low(vec even, vec odd) {
    const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    return _mm512_permutex2var_ps(even, low, odd);
}
static inline vec zip_high(vec even, vec odd) {
    const __m512i high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    return _mm512_permutex2var_ps(even, high, odd);
}

#include "halves.h"

AB_VARIANT(decode_bf16, .accepts = decode_accepts, .shared_bytes = decode_shared_bytes,
           .scratch_bytes = narrow_scratch_bytes, .phases = decode_phases,
           .grains = decode_grains, .run = narrow_decode);
