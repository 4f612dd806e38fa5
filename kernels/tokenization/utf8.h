/* UTF-8: whether it is, the first byte that is not, and how to make it so. */
#ifndef ARMBENCH_TOKENIZATION_UTF8_H
#define ARMBENCH_TOKENIZATION_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* What stands at a place: a whole character, or the beginning of one and why it ends there. */
typedef struct bpe_piece {
    uint32_t bytes; /* of the character, or of the longest beginning of one; at least 1 */
    int whole;      /* 1: a character, 0: none can come of it, -1: more bytes are missing */
} bpe_piece;

/* The piece at p, of which `left` > 0 bytes are there.  The second byte's range depends on the
 * first (Unicode 16, table 3-7): no surrogates, no overlong forms, nothing above U+10FFFF. */
static inline bpe_piece bpe_piece_at(const uint8_t *p, uint64_t left) {
    uint8_t first = p[0], low = 0x80, high = 0xbf;
    if (first < 0x80)
        return (bpe_piece){1, 1};
    if (first < 0xc2 || first > 0xf4)
        return (bpe_piece){1, 0};
    uint32_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    for (uint32_t i = 1; i < size; i++, low = 0x80, high = 0xbf) {
        if (i == left)
            return (bpe_piece){i, -1};
        if (p[i] < low || p[i] > high)
            return (bpe_piece){i, 0};
    }
    return (bpe_piece){size, 1};
}

/* The end of the bytes below 128 that come first, or some bytes before it. */
static inline const uint8_t *bpe_skip_ascii(const uint8_t *p, const uint8_t *end) {
    for (uint64_t words[8]; end - p >= 64; p += 64) {
        __builtin_memcpy(words, p, 64);
        uint64_t all = 0;
        for (int i = 0; i < 8; i++)
            all |= words[i];
        if (all & 0x8080808080808080ull)
            break;
    }
    for (uint64_t word; end - p >= 8; p += 8) {
        __builtin_memcpy(&word, p, 8);
        if (word & 0x8080808080808080ull)
            break;
    }
    return p;
}

/* Bytes of the character of two or three bytes at p, where at least four are: 0 for anything else.
 * The second byte's bit 5 tells what is overlong after 0xe0 and a surrogate after 0xed. */
static inline uint32_t bpe_common_char(const uint8_t *p) {
    uint32_t word;
    __builtin_memcpy(&word, p, 4);
    uint32_t second = word & 0x200f;
    if ((word & 0xc0c0f0) == 0x8080e0)
        return second && second != 0x200d ? 3 : 0;
    return (word & 0xc0e0) == 0x80c0 && word & 0x1e ? 2 : 0;
}

/* The first byte that begins no whole character, or the end. */
static inline const uint8_t *bpe_find_invalid(const uint8_t *p, const uint8_t *end) {
    while (p < end) {
        uint32_t bytes;
        if (*p < 0x80) {
            p = bpe_skip_ascii(p, end);
            while (p < end && *p < 0x80)
                p++;
        } else if (end - p >= 4 && (bytes = bpe_common_char(p))) {
            p += bytes;
        } else {
            bpe_piece piece = bpe_piece_at(p, (uint64_t)(end - p));
            if (piece.whole != 1)
                return p;
            p += piece.bytes;
        }
    }
    return end;
}

static inline uint8_t *bpe_put_replacement(uint8_t *out) { /* U+FFFD */
    out[0] = 0xef, out[1] = 0xbf, out[2] = 0xbd;
    return out + 3;
}

/* Writes the text with U+FFFD for each piece that is no character, and returns the end of it. */
static inline uint8_t *bpe_repair(const uint8_t *p, const uint8_t *end, uint8_t *out) {
    while (p < end) {
        bpe_piece piece = bpe_piece_at(p, (uint64_t)(end - p));
        if (piece.whole == 1)
            for (uint32_t i = 0; i < piece.bytes; i++)
                *out++ = p[i];
        else
            out = bpe_put_replacement(out);
        p += piece.bytes;
    }
    return out;
}

#endif
