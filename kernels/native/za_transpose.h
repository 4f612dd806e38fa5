/* Words transposed through a tile of ZA, in streaming mode: rows go in, columns come out. */
#ifndef ARMBENCH_ZA_TRANSPOSE_H
#define ARMBENCH_ZA_TRANSPOSE_H

#include "outer.h"

#define ZA_EACH(move, slice, word, mask, at, step)                                             \
    "mov w12, #0\n"                                                                            \
    "3:\n\t"                                                                                   \
    move " {za0" slice "." word "[w12, 0]}, " mask ", [%[" #at "]]\n\t"                        \
    "add %[" #at "], %[" #at "], %[" #step "]\n\t"                                             \
    "add w12, w12, #1\n\t"                                                                     \
    "cmp w12, %w[count]\n\t"                                                                   \
    "b.lo 3b\n\t"

/* Defines name(): to[columns][rows] from from[rows][columns], both lengths at least 1; stride and
 * step are the bytes from row to row of each. */
#define ZA_TRANSPOSE(...) ZA_TRANSPOSE_OF(__VA_ARGS__)
#define ZA_TRANSPOSE_OF(name, word, width, shift)                                              \
    static __attribute__((noinline)) void name(int64_t rows, int64_t columns, const void *from, \
                                               int64_t stride, void *to, int64_t step) {       \
        int64_t side = streaming_bytes() >> (shift[0] - '0'), left, count;                     \
        const void *block, *row;                                                               \
        void *column;                                                                          \
        __asm__ volatile(                                                                      \
            "smstart\n"                                                                        \
            "1:\n\t"                                                                           \
            "whilelt p1." word ", xzr, %[rows]\n\t"                                            \
            "mov %[left], %[columns]\n\t"                                                      \
            "mov %[block], %[from]\n\t"                                                        \
            "mov %[column], %[to]\n"                                                           \
            "2:\n\t"                                                                           \
            "whilelt p2." word ", xzr, %[left]\n\t"                                            \
            "mov %[row], %[block]\n\t"                                                         \
            "cmp %[rows], %[side]\n\t"                                                         \
            "csel %[count], %[rows], %[side], lt\n\t"                                          \
            ZA_EACH("ld1" width, "h", word, "p2/z", row, stride)                               \
            "cmp %[left], %[side]\n\t"                                                         \
            "csel %[count], %[left], %[side], lt\n\t"                                          \
            ZA_EACH("st1" width, "v", word, "p1", column, step)                                \
            "addvl %[block], %[block], #1\n\t"                                                 \
            "subs %[left], %[left], %[side]\n\t"                                               \
            "b.gt 2b\n\t"                                                                      \
            "madd %[from], %[side], %[stride], %[from]\n\t"                                    \
            "addvl %[to], %[to], #1\n\t"                                                       \
            "subs %[rows], %[rows], %[side]\n\t"                                               \
            "b.gt 1b\n\t"                                                                      \
            "smstop"                                                                           \
            : [rows] "+&r"(rows), [from] "+&r"(from), [to] "+&r"(to), [left] "=&r"(left),      \
              [count] "=&r"(count), [block] "=&r"(block), [row] "=&r"(row),                    \
              [column] "=&r"(column)                                                           \
            : [columns] "r"(columns), [stride] "r"(stride), [step] "r"(step), [side] "r"(side) \
            : STREAMING_CLOBBERS);                                                             \
    }

#endif
