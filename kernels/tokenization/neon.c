/* Byte-level BPE with the words of 64 bytes found at once (window.h), for NEON.
 *
 * A byte's class is what its two nibbles have in common: two look-ups (TBL), an AND.  NEON has no
 * instruction that gathers one bit of every byte.  So the bytes are loaded four apart (LD4), and
 * shift-and-insert (SRI) puts the bits of four neighbours side by side: ten instructions make a
 * mask of 64 bytes.
 * Bound: about 120 instructions for 64 bytes (docs/tokenization.md shows how they are counted),
 * two a cycle on N1, four on V1, V2 and V3, so that finding words goes on at about 1 or 2 bytes a
 * cycle; their look-ups (words.h) are what is left.
 */
#include <arm_neon.h>

#include "class.h"
#include "split.h"
#include "window.h"

static inline uint8x16_t neon_classes(uint8x16_t bytes) {
    return vandq_u8(vqtbl1q_u8(vld1q_u8(bpe_high_nibble), vshrq_n_u8(bytes, 4)),
                    vqtbl1q_u8(vld1q_u8(bpe_low_nibble), vandq_u8(bytes, vdupq_n_u8(15))));
}

static inline uint8x16_t neon_letters(uint8x16_t bytes) {
    uint8x16_t lower = vorrq_u8(bytes, vdupq_n_u8(32));
    return vcltq_u8(vsubq_u8(lower, vdupq_n_u8('a')), vdupq_n_u8(26));
}

/* Bit i: that bit of byte i, where byte 4 i + k is the i-th of bytes.val[k]. */
static inline uint64_t neon_mask(const uint8x16x4_t *bytes, int bit) {
    const int8x16_t to_top = vdupq_n_s8((int8_t)(7 - bit));
    uint8x16_t a = vshlq_u8(bytes->val[0], to_top), b = vshlq_u8(bytes->val[1], to_top);
    uint8x16_t c = vshlq_u8(bytes->val[2], to_top), d = vshlq_u8(bytes->val[3], to_top);
    uint8x16_t nibbles = vsriq_n_u8(vsriq_n_u8(d, c, 1), vsriq_n_u8(b, a, 1), 2);
    uint16x8_t twice = vreinterpretq_u16_u8(vsriq_n_u8(nibbles, nibbles, 4));
    return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(twice, 4)), 0);
}

static inline void neon_classify(const uint8_t *p, bpe_masks *m) {
    uint8x16x4_t bytes = vld4q_u8(p), classes, letter;
    for (int i = 0; i < 4; i++) {
        classes.val[i] = neon_classes(bytes.val[i]);
        letter.val[i] = neon_letters(bytes.val[i]);
    }
    uint64_t letters = neon_mask(&letter, 7), lower = neon_mask(&bytes, 5);
    m->upper = letters & ~lower;
    m->lower = letters & lower;
    m->digit = neon_mask(&classes, BPE_BIT_DIGIT);
    m->newline = neon_mask(&classes, BPE_BIT_NEWLINE);
    m->blank = neon_mask(&classes, BPE_BIT_BLANK);
    m->space = neon_mask(&classes, BPE_BIT_CONTROL) | m->blank;
    m->slash = neon_mask(&classes, BPE_BIT_SLASH);
    m->apostrophe = neon_mask(&classes, BPE_BIT_APOSTROPHE);
    m->beyond = neon_mask(&bytes, 7);
}

/* The least of `count` numbers, a multiple of 16. */
static inline uint32_t neon_least(const uint32_t *numbers, uint32_t count) {
    uint32x4_t a = vld1q_u32(numbers), b = vld1q_u32(numbers + 4);
    for (uint32_t i = 8; i < count; i += 8) {
        a = vminq_u32(a, vld1q_u32(numbers + i));
        b = vminq_u32(b, vld1q_u32(numbers + i + 4));
    }
    return vminvq_u32(vminq_u32(a, b));
}

#define BPE_CLASSIFY neon_classify
#define BPE_LEAST neon_least
#include "bpe.h"

BPE_VARIANT;
