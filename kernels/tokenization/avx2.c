/* Byte-level BPE with the words of 64 bytes found at once (window.h), for AVX2.
 *
 * A byte's class is what its two nibbles have in common: two look-ups (vpshufb), an AND; a mask
 * is a shift of the bit in question to the top, and vpmovmskb.  Upper case is told from lower by
 * the byte's own bit 5.
 * Bound: about 60 vector instructions for 64 bytes, two or three a cycle, so that finding words
 * goes on at over 2 bytes a cycle; their look-ups (words.h) are what is left.
 */
#include <immintrin.h>

#include "class.h"
#include "split.h"
#include "window.h"

static inline uint32_t avx2_mask(__m256i classes, int bit) {
    return (uint32_t)_mm256_movemask_epi8(_mm256_slli_epi16(classes, 7 - bit));
}

static inline uint64_t avx2_masks(__m256i low, __m256i high, int bit) {
    return avx2_mask(low, bit) | (uint64_t)avx2_mask(high, bit) << 32;
}

static inline __m256i avx2_table(const uint8_t *table) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table));
}

static inline __m256i avx2_classes(__m256i bytes) {
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
    __m256i low = _mm256_and_si256(bytes, nibble);
    return _mm256_and_si256(_mm256_shuffle_epi8(avx2_table(bpe_high_nibble), high),
                            _mm256_shuffle_epi8(avx2_table(bpe_low_nibble), low));
}

static inline void avx2_classify(const uint8_t *p, bpe_masks *m) {
    __m256i first = _mm256_loadu_si256((const __m256i *)p);
    __m256i second = _mm256_loadu_si256((const __m256i *)(p + 32));
    __m256i low = avx2_classes(first), high = avx2_classes(second);
    uint64_t letters = avx2_masks(low, high, BPE_BIT_LETTER_A) |
                       avx2_masks(low, high, BPE_BIT_LETTER_B);
    uint64_t lower = avx2_masks(first, second, 5);
    m->upper = letters & ~lower;
    m->lower = letters & lower;
    m->digit = avx2_masks(low, high, BPE_BIT_DIGIT);
    m->newline = avx2_masks(low, high, BPE_BIT_NEWLINE);
    m->blank = avx2_masks(low, high, BPE_BIT_BLANK);
    m->space = avx2_masks(low, high, BPE_BIT_CONTROL) | m->blank;
    m->slash = avx2_masks(low, high, BPE_BIT_SLASH);
    m->apostrophe = avx2_masks(low, high, BPE_BIT_APOSTROPHE);
    m->beyond = avx2_masks(first, second, 7);
}

/* The least of `count` numbers, a multiple of 16. */
static inline uint32_t avx2_least(const uint32_t *numbers, uint32_t count) {
    const __m256i *from = (const __m256i *)numbers;
    __m256i a = _mm256_load_si256(from), b = _mm256_load_si256(from + 1);
    for (uint32_t i = 2; i < count / 8; i += 2) {
        a = _mm256_min_epu32(a, _mm256_load_si256(from + i));
        b = _mm256_min_epu32(b, _mm256_load_si256(from + i + 1));
    }
    a = _mm256_min_epu32(a, b);
    __m128i c = _mm_min_epu32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    c = _mm_min_epu32(c, _mm_shuffle_epi32(c, 0x4e));
    c = _mm_min_epu32(c, _mm_shuffle_epi32(c, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(c);
}

#define BPE_CLASSIFY avx2_classify
#define BPE_LEAST avx2_least
#include "bpe.h"

BPE_VARIANT;
