/* c[rows][columns] (+)= a^T b by outer products of SME, for a[depth][rows] and b[depth][columns],
 * on vectors of whatever length they have in streaming mode: two vectors of a and two of b, read
 * once for every step of depth, make four outer products into four tiles of ZA.
 *
 * Streaming mode is entered and left once for all of it, within one asm (streaming.h).
 */
#ifndef ARMBENCH_OUTER_H
#define ARMBENCH_OUTER_H

#include "streaming.h"

/* All lengths at least 1.  Elements of a and b are words as long as those of c, each of one number
 * or of the several that a product sums.  Bytes from one to the next: a_step, b_step of depth,
 * a_next, b_next of pairs of vectors, stride of rows of c. */
typedef struct outer {
    int64_t rows, columns, depth;
    const void *a;
    int64_t a_step, a_next;
    const void *b;
    int64_t b_step, b_next;
    void *c;
    int64_t stride;
    int64_t accumulate; /* 0: c is written, else added to */
} outer;

/* Sums as registers and as loads name them, and the logarithm of their bytes. */
#define OUTER_F32 "s", "w", "2"
#define OUTER_F64 "d", "d", "3"

#define OUTER_PRODUCT(product, each, word, za, x, y)                                           \
    product " za" #za "." word ", p0/m, p0/m, z" #x "." each ", z" #y "." each "\n\t"
#define OUTER_LOAD(word, width, z, mask, from)                                                 \
    "ld1" width " {z" #z "." word "}, p" #mask "/z, [%[" #from "]"

/* `count` rows of c to or from two of ZA's tiles, side by side. */
#define OUTER_ROWS(move, word, mask, shift, za0, za1)                                          \
    "mov w12, #0\n"                                                                            \
    "6:\n\t"                                                                                   \
    move " {za" #za0 "h." word "[w12, 0]}, p3" mask ", [%[row]]\n\t"                           \
    move " {za" #za1 "h." word "[w12, 0]}, p4" mask ", [%[row], %[side], lsl #" shift "]\n\t"  \
    "add %[row], %[row], %[stride]\n\t"                                                        \
    "add w12, w12, #1\n\t"                                                                     \
    "cmp w12, %w[count]\n\t"                                                                   \
    "b.lo 6b\n\t"
#define OUTER_ALL_ROWS(move, word, mask, shift)                                                \
    "mov %[row], %[corner]\n\t"                                                                \
    "cmp %[rows], %[side]\n\t"                                                                 \
    "csel %[count], %[rows], %[side], lt\n\t"                                                  \
    OUTER_ROWS(move, word, mask, shift, 0, 1)                                                  \
    "subs %[count], %[rows], %[side]\n\t"                                                      \
    "b.le 7f\n\t"                                                                              \
    "cmp %[count], %[side]\n\t"                                                                \
    "csel %[count], %[count], %[side], lt\n\t"                                                 \
    OUTER_ROWS(move, word, mask, shift, 2, 3)                                                  \
    "7:\n\t"

/* Defines name(o) by an instruction whose operands have elements `each`. */
#define OUTER(...) OUTER_OF(__VA_ARGS__)
#define OUTER_OF(name, product, each, word, width, shift)                                      \
    static __attribute__((noinline)) void name(outer o) {                                      \
        int64_t side = streaming_bytes() >> (shift[0] - '0'), both = 2 * side, left, turns, count; \
        const void *x, *y, *panel;                                                             \
        void *corner, *row;                                                                    \
        __asm__ volatile(                                                                      \
            "smstart\n\t"                                                                      \
            "ptrue p0.b\n"                                                                     \
            "1:\n\t"                                                                           \
            "whilelt p1." word ", xzr, %[rows]\n\t"                                            \
            "whilelt p2." word ", %[side], %[rows]\n\t"                                        \
            "mov %[left], %[columns]\n\t"                                                      \
            "mov %[panel], %[b]\n\t"                                                           \
            "mov %[corner], %[c]\n"                                                            \
            "2:\n\t"                                                                           \
            "whilelt p3." word ", xzr, %[left]\n\t"                                            \
            "whilelt p4." word ", %[side], %[left]\n\t"                                        \
            "zero {za}\n\t"                                                                    \
            "cbz %[accumulate], 3f\n\t"                                                        \
            OUTER_ALL_ROWS("ld1" width, word, "/z", shift)                                     \
            "3:\n\t"                                                                           \
            "mov %[x], %[a]\n\t"                                                               \
            "mov %[y], %[panel]\n\t"                                                           \
            "mov %[turns], %[depth]\n"                                                         \
            "4:\n\t"                                                                           \
            OUTER_LOAD(word, width, 0, 1, x) "]\n\t"                                           \
            OUTER_LOAD(word, width, 1, 2, x) ", #1, mul vl]\n\t"                               \
            OUTER_LOAD(word, width, 2, 3, y) "]\n\t"                                           \
            OUTER_LOAD(word, width, 3, 4, y) ", #1, mul vl]\n\t"                               \
            "add %[x], %[x], %[a_step]\n\t"                                                    \
            "add %[y], %[y], %[b_step]\n\t"                                                    \
            OUTER_PRODUCT(product, each, word, 0, 0, 2)                                        \
            OUTER_PRODUCT(product, each, word, 1, 0, 3)                                        \
            OUTER_PRODUCT(product, each, word, 2, 1, 2)                                        \
            OUTER_PRODUCT(product, each, word, 3, 1, 3)                                        \
            "subs %[turns], %[turns], #1\n\t"                                                  \
            "b.ne 4b\n\t"                                                                      \
            OUTER_ALL_ROWS("st1" width, word, "", shift)                                       \
            "addvl %[corner], %[corner], #2\n\t"                                               \
            "add %[panel], %[panel], %[b_next]\n\t"                                            \
            "subs %[left], %[left], %[both]\n\t"                                               \
            "b.gt 2b\n\t"                                                                      \
            "madd %[c], %[both], %[stride], %[c]\n\t"                                          \
            "add %[a], %[a], %[a_next]\n\t"                                                    \
            "subs %[rows], %[rows], %[both]\n\t"                                               \
            "b.gt 1b\n\t"                                                                      \
            "smstop"                                                                           \
            : [rows] "+&r"(o.rows), [a] "+&r"(o.a), [c] "+&r"(o.c), [left] "=&r"(left),        \
              [turns] "=&r"(turns), [count] "=&r"(count), [x] "=&r"(x), [y] "=&r"(y),          \
              [panel] "=&r"(panel), [corner] "=&r"(corner), [row] "=&r"(row)                   \
            : [columns] "r"(o.columns), [depth] "r"(o.depth), [b] "r"(o.b),                    \
              [a_step] "r"(o.a_step), [a_next] "r"(o.a_next), [b_step] "r"(o.b_step),          \
              [b_next] "r"(o.b_next), [stride] "r"(o.stride), [accumulate] "r"(o.accumulate),  \
              [side] "r"(side), [both] "r"(both)                                               \
            : STREAMING_CLOBBERS);                                                             \
    }

#endif
