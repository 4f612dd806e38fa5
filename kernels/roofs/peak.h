/* How many multiply-adds a second an instruction does at most: chains of it that wait for nothing but
 * themselves, as many as keep four pipes with a latency of four cycles busy (two with a latency of
 * six, where registers are 16).
 *
 * All elements are 1, so every multiply-add adds 1 to a sum, and the sums together must come to the
 * number of multiply-adds: one that was left out shows.  Sums are put aside before their type
 * counts no further; seldom, for that takes as long as hundreds of steps.
 *
 * The including file defines, for each operation, step(sum) on the vectors x and y, and
 *
 *   PEAK(operation, CHAINS, adds, sums_t, left_t, load, zero, step, total)
 *     CHAINS     CHAINS_12 or CHAINS_16
 *     adds       multiply-adds of one step
 *     sums_t     type of the sums; left_t, that of x and y
 *     load(p)    a vector of ones
 *     zero()     sums of zero
 *     step(sum, x, y)
 *     total(sum) of a vector's elements, as a double
 *
 *   PEAK_F16, likewise, for sums in binary16
 *
 * Params: multiply-adds.  Operands: x and y, 256 bytes of ones each; the sum, a double.
 */
#ifndef ARMBENCH_PEAK_H
#define ARMBENCH_PEAK_H

#include "armbench.h"

#define BLOCK (1 << 16) /* steps until the sums are put aside */
#define BLOCK_F16 2048  /* what binary16 counts to */

#define CHAINS_12(X, a, b)                                                                 \
    X(0, a, b) X(1, a, b) X(2, a, b) X(3, a, b) X(4, a, b) X(5, a, b)                      \
    X(6, a, b) X(7, a, b) X(8, a, b) X(9, a, b) X(10, a, b) X(11, a, b)
#define CHAINS_16(X, a, b)                                                                 \
    CHAINS_12(X, a, b) X(12, a, b) X(13, a, b) X(14, a, b) X(15, a, b)
#define PEAK_COUNT(i, a, b) +1
#define PEAK_ZERO(i, sums_t, zero) sums_t s##i = zero();
#define PEAK_STEP(i, step, b) s##i = step(s##i, x, y);
#define PEAK_TOTAL(i, total, b) sum += total(s##i);

#define PEAK_IN(most, operation, CHAINS, adds, sums_t, left_t, load, zero, step, total) \
    static void operation##_run(const ab_call *call, uint64_t phase, uint64_t grain) {      \
        left_t x = load(call->operands[0]), y = load(call->operands[1]);                   \
        int64_t steps = call->params[0] / ((int64_t)(adds) * (0 CHAINS(PEAK_COUNT, 0, 0))); \
        double sum = 0;                                                                    \
        (void)phase, (void)grain;                                                          \
        while (steps > 0) {                                                                \
            int64_t block = steps < (most) ? steps : (most);                               \
            steps -= block;                                                                \
            CHAINS(PEAK_ZERO, sums_t, zero)                                                \
            do {                                                                           \
                CHAINS(PEAK_STEP, step, 0)                                                 \
            } while (--block);                                                             \
            CHAINS(PEAK_TOTAL, total, 0)                                                   \
        }                                                                                  \
        *(double *)call->operands[2] = sum;                                                \
    }                                                                                      \
    AB_VARIANT(operation, .run = operation##_run)

#define PEAK(...) PEAK_IN(BLOCK, __VA_ARGS__)
#define PEAK_F16(...) PEAK_IN(BLOCK_F16, __VA_ARGS__)

#endif
