/* The classes of ASCII characters as bits that both nibbles of a byte have in their tables. */
#ifndef ARMBENCH_TOKENIZATION_CLASS_H
#define ARMBENCH_TOKENIZATION_CLASS_H

#include <stdint.h>

enum {
    BPE_BIT_LETTER_A, /* 41 to 4f, 61 to 6f */
    BPE_BIT_LETTER_B, /* 50 to 5a, 70 to 7a */
    BPE_BIT_DIGIT,
    BPE_BIT_CONTROL, /* white space but the blank: 9 to 13 */
    BPE_BIT_NEWLINE, /* 10 and 13 */
    BPE_BIT_BLANK,
    BPE_BIT_SLASH,
    BPE_BIT_APOSTROPHE,
};

#define BPE_A (1 << BPE_BIT_LETTER_A)
#define BPE_B (1 << BPE_BIT_LETTER_B)
#define BPE_D (1 << BPE_BIT_DIGIT)
#define BPE_C (1 << BPE_BIT_CONTROL)
#define BPE_N (1 << BPE_BIT_NEWLINE)

/* By the upper four bits; bytes above 127 are of no class. */
static const uint8_t bpe_high_nibble[16] = {
    BPE_C | BPE_N, 0, 1 << BPE_BIT_BLANK | 1 << BPE_BIT_SLASH | 1 << BPE_BIT_APOSTROPHE, BPE_D,
    BPE_A, BPE_B, BPE_A, BPE_B,
};

/* By the lower four bits. */
static const uint8_t bpe_low_nibble[16] = {
    BPE_B | BPE_D | 1 << BPE_BIT_BLANK,      /* 0: P p 0, the blank */
    BPE_A | BPE_B | BPE_D,                   /* 1: A Q 1 */
    BPE_A | BPE_B | BPE_D,
    BPE_A | BPE_B | BPE_D,
    BPE_A | BPE_B | BPE_D,
    BPE_A | BPE_B | BPE_D,
    BPE_A | BPE_B | BPE_D,
    BPE_A | BPE_B | BPE_D | 1 << BPE_BIT_APOSTROPHE, /* 7: G W 7 ' */
    BPE_A | BPE_B | BPE_D,
    BPE_A | BPE_B | BPE_D | BPE_C,           /* 9: I Y 9, tab */
    BPE_A | BPE_B | BPE_C | BPE_N,           /* a: J Z, line feed */
    BPE_A | BPE_C,                           /* b: K, vertical tab */
    BPE_A | BPE_C,                           /* c: L, form feed */
    BPE_A | BPE_C | BPE_N,                   /* d: M, carriage return */
    BPE_A,                                   /* e: N */
    BPE_A | 1 << BPE_BIT_SLASH,              /* f: O / */
};

#undef BPE_A
#undef BPE_B
#undef BPE_D
#undef BPE_C
#undef BPE_N

#endif
