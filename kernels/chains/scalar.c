/* Chains of dependent steps: nothing overlaps, so a chain of 1010 steps takes 1.01 times as long as
 * one of 1000, by construction.
 *
 * add    dependent additions of registers, one a cycle; without a memory access
 * chase  dependent loads, each of the address of the next
 *
 * Params: steps of a chain, a multiple of STEPS; and how many chains a call makes, one after the
 * other, so that what surrounds a call counts for nothing.
 */
#include "armbench.h"

#define STEPS 10 /* in a turn of the loop, whose counter runs beside the chain */

static int accepts(const int64_t *params) {
    return params[0] > 0 && params[0] % STEPS == 0 && params[1] > 0;
}

/* y = x[0] + steps x[1]. */
static void add(const ab_call *call, uint64_t phase, uint64_t grain) {
    const int64_t *given = call->operands[0];
    int64_t sum = given[0], addend = given[1];
    (void)phase, (void)grain;
    for (int64_t turn = call->params[0] / STEPS * call->params[1]; turn; turn--) {
#pragma GCC unroll 10
        for (int i = 0; i < STEPS; i++)
#if defined(__aarch64__)
            __asm__ volatile("add %0, %0, %1" : "+r"(sum) : "r"(addend));
#else
            __asm__ volatile("add %1, %0" : "+r"(sum) : "r"(addend) : "cc");
#endif
    }
    *(int64_t *)call->operands[2] = sum;
}

/* y = (where the chain from x[0] ends) & x[1]. */
static void chase(const ab_call *call, uint64_t phase, uint64_t grain) {
    const int64_t *given = call->operands[0], *next = call->operands[1];
    int64_t at = given[0];
    (void)phase, (void)grain;
    for (int64_t turn = call->params[0] / STEPS * call->params[1]; turn; turn--) {
#pragma GCC unroll 10
        for (int i = 0; i < STEPS; i++)
            at = next[at];
    }
    *(int64_t *)call->operands[2] = at & given[1];
}

AB_VARIANT(add, .accepts = accepts, .run = add);
AB_VARIANT(chase, .accepts = accepts, .run = chase);
