/* Byte-level BPE with the words of 64 bytes found at once (window.h), for AVX-512.
 *
 * 64 bytes are one register, and a comparison gives their mask: a class is one or two of them
 * after a subtraction that makes it a range from zero.
 * Bound: about 25 vector instructions for 64 bytes, of which those that give masks run on one
 * port: finding words goes on at 3 bytes a cycle and more; their look-ups (words.h) are what is
 * left.
 */
#include <immintrin.h>

#include "split.h"
#include "window.h"

/* Bit i: whether byte i is one of `count` from `first` on. */
static inline uint64_t avx512_range(__m512i bytes, char first, char count) {
    return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8(first)),
                                  _mm512_set1_epi8(count));
}

static inline uint64_t avx512_equal(__m512i bytes, char byte) {
    return _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(byte));
}

static inline void avx512_classify(const uint8_t *p, bpe_masks *m) {
    const __m512i case_bit = _mm512_set1_epi8(32);
    __m512i bytes = _mm512_loadu_si512(p);
    uint64_t letters = avx512_range(_mm512_or_si512(bytes, case_bit), 'a', 26);
    uint64_t lower = _mm512_test_epi8_mask(bytes, case_bit);
    m->upper = letters & ~lower;
    m->lower = letters & lower;
    m->digit = avx512_range(bytes, '0', 10);
    m->newline = avx512_equal(bytes, '\n') | avx512_equal(bytes, '\r');
    m->blank = avx512_equal(bytes, ' ');
    m->space = avx512_range(bytes, '\t', 5) | m->blank;
    m->slash = avx512_equal(bytes, '/');
    m->apostrophe = avx512_equal(bytes, '\'');
    m->beyond = _mm512_movepi8_mask(bytes);
}

/* The least of `count` numbers, a multiple of 16. */
static inline uint32_t avx512_least(const uint32_t *numbers, uint32_t count) {
    __m512i least = _mm512_load_si512(numbers);
    for (uint32_t i = 16; i < count; i += 16)
        least = _mm512_min_epu32(least, _mm512_load_si512(numbers + i));
    return _mm512_reduce_min_epu32(least);
}

#define BPE_CLASSIFY avx512_classify
#define BPE_LEAST avx512_least
#include "bpe.h"

BPE_VARIANT;
