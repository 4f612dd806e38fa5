/* Where words begin in a window of 64 bytes, found for all of its bytes at once.
 *
 * An instruction set classifies the bytes (bpe_classify of its own C file): bit i of a mask is
 * byte i.  A window begins where a word does, so nothing before it matters, and what is decided
 * are the starts of further words.  Each rule below looks at the byte itself, at those before it
 * and at two behind it, but for blanks: so starts close to the window's end are left to the next
 * window, which begins at the last one that is certain.
 *
 * Characters of several bytes that are upper or lower case or punctuation have all their bits
 * set in the class's mask.  The window ends before any other one, and before what is rare:
 * split.h then takes a word.  It is also what defines the words, and what tests compare with.
 */
#ifndef ARMBENCH_TOKENIZATION_WINDOW_H
#define ARMBENCH_TOKENIZATION_WINDOW_H

#include "split.h"

#define BPE_WINDOW 64
#define BPE_LOOK_AHEAD 2 /* bytes behind one on which it depends whether a word begins there */

typedef struct bpe_masks {
    uint64_t upper, lower, digit;
    uint64_t space, newline; /* ASCII's: 9 to 13 and 32; 10 and 13 */
    uint64_t blank;          /* 32 */
    uint64_t slash, apostrophe;
    uint64_t beyond; /* bytes of 128 and more */
} bpe_masks;

/* Bits 0 to count - 1. */
static inline uint64_t bpe_low_bits(uint32_t count) {
    return count >= 64 ? UINT64_MAX : ((uint64_t)1 << count) - 1;
}

static inline uint32_t bpe_lowest_bit(uint64_t bits) { /* 64 when there is none */
    return bits ? (uint32_t)__builtin_ctzll(bits) : 64;
}

static inline uint32_t bpe_highest_bit(uint64_t bits) { /* of at least one */
    return 63 - (uint32_t)__builtin_clzll(bits);
}

/* Enter the characters of several bytes into the masks.  Returns how many bytes of the window
 * are classified then; *tails has the bytes of such characters but the first ones. */
static inline uint32_t bpe_enter_long(bpe_text t, const uint8_t *p, bpe_masks *m, uint64_t *tails) {
    uint64_t left = m->beyond;
    while (left) {
        uint32_t at = bpe_lowest_bit(left);
        bpe_char c = bpe_long_char(t, p + at);
        if (at + c.bytes > BPE_WINDOW)
            return at;
        uint64_t bits = bpe_low_bits(c.bytes) << at;
        if (c.class_ & BPE_UPPER)
            m->upper |= bits;
        else if (c.class_ & BPE_LOWER)
            m->lower |= bits;
        else if (!(c.class_ & BPE_OTHER))
            return at;
        *tails |= bits & (bits << 1);
        left &= ~bits;
    }
    return BPE_WINDOW;
}

/* Bytes of a contraction at an apostrophe that has two bytes behind it, or 0. */
static inline uint32_t bpe_contraction_bytes(const uint8_t *p) {
    return (uint32_t)(bpe_contraction((bpe_text){NULL, p + 3}, p) - p);
}

/* A contraction ends the word of letters before it (o200k), or is a word where one begins
 * (cl100k). */
static inline uint64_t bpe_contract(const uint8_t *p, const bpe_masks *m, uint64_t letters,
                                    uint64_t within, int64_t pattern, uint64_t starts) {
    uint64_t followed = m->apostrophe & letters >> 1 & within;
    uint64_t at_end = followed & letters << 1;
    uint64_t candidates = pattern == BPE_O200K ? at_end : followed & starts;
    uint32_t last_end = 0;
    for (; candidates; candidates &= candidates - 1) {
        uint32_t at = bpe_lowest_bit(candidates), bytes = bpe_contraction_bytes(p + at);
        if (!bytes || (pattern == BPE_O200K && at == last_end && at))
            continue;
        uint64_t after = (uint64_t)1 << (at + bytes - 1) << 1;
        if (pattern == BPE_O200K)
            starts &= ~((uint64_t)1 << at);
        /* what the letters of the contraction began is no start */
        starts &= ~(bpe_low_bits(bytes - 1) << (at + 1));
        starts |= after;
        last_end = at + bytes;
    }
    return starts;
}

/* The starts of words in p[1] to p[63] that are certain; p[0] is one. */
static inline uint64_t bpe_word_starts(bpe_text t, const uint8_t *p, bpe_masks *m,
                                       int64_t pattern) {
    uint64_t tails = 0;
    uint32_t known = m->beyond ? bpe_enter_long(t, p, m, &tails) : BPE_WINDOW;
    if (known <= BPE_LOOK_AHEAD + 1)
        return 0;
    uint64_t letters = m->upper | m->lower, space = m->space, newline = m->newline;
    uint64_t inside = bpe_low_bits(known), blanks = space & ~newline;
    uint64_t marks = ~(letters | m->digit | space) & inside; /* punctuation */
    uint64_t certain = bpe_low_bits(known - BPE_LOOK_AHEAD);

    /* Punctuation takes a space before it and newlines behind it; one alone is taken by letters
     * behind it, unless it took a space. */
    uint64_t first_marks = marks & ~(marks << 1) & ~(m->blank << 1);
    uint64_t taken = newline & ~((newline & marks << 1) + newline);
    uint64_t prefixes = first_marks;
    if (tails) /* extend a first mark of several bytes to its last */
        for (int i = 0; i < 3; i++)
            prefixes |= prefixes << 1 & tails;
    uint64_t starts = first_marks;
    starts |= letters & ~(letters << 1) & ~((blanks | prefixes) << 1);
    if (pattern == BPE_O200K)
        starts |= m->upper & m->lower << 1;

    /* Numbers of three digits. */
    uint64_t numbers = m->digit & ~(m->digit << 1);
    starts |= numbers;
    uint64_t fourth = m->digit & m->digit << 1 & m->digit << 2;
    while ((numbers = numbers << 3 & fourth))
        starts |= numbers;

    /* White space: to the last newline; then all but the last blank; then that one. */
    uint64_t before_other = ~space >> 1;
    starts |= newline & ~(space << 1) & ~(marks << 1);
    starts |= blanks & (~(space << 1) | (blanks << 1 & before_other));
    uint64_t indents = blanks & newline << 1;
    uint64_t free_indents = indents & ~(taken << 1);
    uint64_t between = (free_indents + blanks) & ~blanks & newline; /* "\n  \n" */
    starts |= indents;
    for (; between; between &= between - 1) {
        uint32_t end = bpe_lowest_bit(between);
        uint64_t others = ~blanks & bpe_low_bits(end);
        starts &= ~((uint64_t)2 << bpe_highest_bit(others)); /* there is one: the newline */
    }

    /* What follows blanks that reach the end of what is known is open. */
    if (blanks >> (known - 1) & 1) {
        uint64_t others = ~blanks & inside;
        uint32_t first = others ? bpe_highest_bit(others) + 1 : 0;
        certain &= bpe_low_bits(first + (first && !(space >> (first - 1) & 1)));
    }
    if (pattern == BPE_O200K && taken << 1 & m->slash) /* [\r\n/]* */
        certain &= bpe_low_bits(bpe_lowest_bit(taken << 1 & m->slash));
    if (m->apostrophe)
        starts = bpe_contract(p, m, letters, certain, pattern, starts);
    return starts & certain & ~(uint64_t)1;
}

#endif
