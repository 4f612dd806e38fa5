/* Byte-level BPE with the words of 64 bytes found at once (window.h), for NEON.
 *
 * A byte's class is what its two nibbles have in common: two look-ups (TBL), an AND.  NEON has no
 * instruction that gathers one bit of every byte: a mask is CMTST against the bit, an AND with
 * the byte's weight, and three rounds of ADDP, by which 64 bytes become 64 bits.
 * Bound: about 140 instructions for 64 bytes (docs/tokenization.md shows how they are counted),
 * two a cycle on N1, four on V1, V2 and V3, so that finding words goes on at about 1 or 2 bytes a
 * cycle; their look-ups (words.h) are what is left.
 */
#include <arm_neon.h>

#include "class.h"
#include "split.h"
#include "window.h"

typedef struct neon_bytes { /* 64 */
    uint8x16_t part[4];
} neon_bytes;

static inline uint8x16_t neon_classes(uint8x16_t bytes) {
    return vandq_u8(vqtbl1q_u8(vld1q_u8(bpe_high_nibble), vshrq_n_u8(bytes, 4)),
                    vqtbl1q_u8(vld1q_u8(bpe_low_nibble), vandq_u8(bytes, vdupq_n_u8(15))));
}

/* Bit i: whether byte i has one of these bits. */
static inline uint64_t neon_mask(const neon_bytes *bytes, uint8_t bits) {
    static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t wanted = vdupq_n_u8(bits), weight = vld1q_u8(weights);
    uint8x16_t a = vandq_u8(vtstq_u8(bytes->part[0], wanted), weight);
    uint8x16_t b = vandq_u8(vtstq_u8(bytes->part[1], wanted), weight);
    uint8x16_t c = vandq_u8(vtstq_u8(bytes->part[2], wanted), weight);
    uint8x16_t d = vandq_u8(vtstq_u8(bytes->part[3], wanted), weight);
    uint8x16_t sums = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(sums, sums)), 0);
}

static inline void neon_classify(const uint8_t *p, bpe_masks *m) {
    neon_bytes bytes, classes;
    for (int i = 0; i < 4; i++) {
        bytes.part[i] = vld1q_u8(p + 16 * i);
        classes.part[i] = neon_classes(bytes.part[i]);
    }
    uint64_t letters = neon_mask(&classes, 1 << BPE_BIT_LETTER_A | 1 << BPE_BIT_LETTER_B);
    uint64_t lower = neon_mask(&bytes, 1 << 5);
    m->upper = letters & ~lower;
    m->lower = letters & lower;
    m->digit = neon_mask(&classes, 1 << BPE_BIT_DIGIT);
    m->newline = neon_mask(&classes, 1 << BPE_BIT_NEWLINE);
    m->blank = neon_mask(&classes, 1 << BPE_BIT_BLANK);
    m->space = neon_mask(&classes, 1 << BPE_BIT_CONTROL | 1 << BPE_BIT_BLANK);
    m->slash = neon_mask(&classes, 1 << BPE_BIT_SLASH);
    m->apostrophe = neon_mask(&classes, 1 << BPE_BIT_APOSTROPHE);
    m->beyond = neon_mask(&bytes, 1 << 7);
}

#define BPE_CLASSIFY neon_classify
#include "bpe.h"

BPE_VARIANT;
