/* Panels of B for x86: two or four rows of a matrix interleaved, so that what one 32-bit word of a
 * row of A multiplies lies together.
 *
 * The edges, where a vector would reach past the matrix, are copied aside and padded with zeros.
 */
#ifndef ARMBENCH_X86_PANELS_H
#define ARMBENCH_X86_PANELS_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

/* How neighbouring rows of B lie together; of four int8, each is 128 more, as an unsigned byte. */
typedef enum weave { WEAVE_BF16_2, WEAVE_INT8_2, WEAVE_INT8_4 } weave;

static inline __m128i load_line(const char *from) {
    return _mm_loadu_si128((const __m128i *)from);
}

static inline void store_line(char *to, __m128i v) { _mm_storeu_si128((__m128i *)to, v); }

/* 16 bytes of two or four rows, `stride` bytes apart, column by column. */
static inline __attribute__((always_inline)) void weave_line(weave how, const char *from,
                                                             int64_t stride, char *to) {
    __m128i x = load_line(from), y = load_line(from + stride);
    if (how == WEAVE_BF16_2) {
        store_line(to, _mm_unpacklo_epi16(x, y));
        store_line(to + 16, _mm_unpackhi_epi16(x, y));
        return;
    }
    __m128i low = _mm_unpacklo_epi8(x, y), high = _mm_unpackhi_epi8(x, y);
    if (how == WEAVE_INT8_2) {
        store_line(to, low);
        store_line(to + 16, high);
        return;
    }
    __m128i offset = _mm_set1_epi8((char)0x80);
    __m128i z = load_line(from + 2 * stride), w = load_line(from + 3 * stride);
    __m128i later_low = _mm_unpacklo_epi8(z, w), later_high = _mm_unpackhi_epi8(z, w);
    store_line(to, _mm_unpacklo_epi16(low, later_low) ^ offset);
    store_line(to + 16, _mm_unpackhi_epi16(low, later_low) ^ offset);
    store_line(to + 32, _mm_unpacklo_epi16(high, later_high) ^ offset);
    store_line(to + 48, _mm_unpackhi_epi16(high, later_high) ^ offset);
}

/* Panel of B, `width` bytes of a row wide: `rows` rows, `bytes` bytes of which exist, `stride`
 * bytes apart. */
static inline __attribute__((always_inline)) void weave_rows(weave how, const int width,
                                                             const void *b, int64_t stride,
                                                             int64_t bytes, int64_t rows,
                                                             void *packed) {
    const int depth = how == WEAVE_INT8_4 ? 4 : 2;
    const char *from = b;
    char *to = packed;
    for (int64_t p = 0; p < rows; p += depth, from += depth * stride) {
        char edge[4 * 64];
        const char *row = from;
        int64_t row_stride = stride;
        if (bytes < width || rows - p < depth) {
            memset(edge, 0, sizeof edge);
            for (int64_t i = 0; i < depth && p + i < rows; i++)
                memcpy(edge + i * width, from + i * stride, (size_t)bytes);
            row = edge;
            row_stride = width;
        }
#pragma GCC unroll 4
        for (int line = 0; line < width; line += 16, to += 16 * depth)
            weave_line(how, row + line, row_stride, to);
    }
}

#endif
