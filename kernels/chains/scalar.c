/* Chains of dependent steps: nothing overlaps, so a chain of 1010 steps takes 1.01 times as long as
 * one of 1000, by construction.
 *
 * add    dependent additions of registers, one a cycle; without a memory access
 * chase  dependent loads, each of the address of the next
 *
 * Params: steps of a chain, a multiple of STEPS; how many chains a call makes, one after the other, so
 * that what surrounds a call counts for nothing; and whether a chase goes on where the call before it
 * in the same measurement ended, or begins anew.
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

static uint64_t place_bytes(const int64_t *params) {
    (void)params;
    return AB_FRESH_BYTES;
}

/* y = (where the chain from x[0] ends) & x[1].  The place to go on from is written twice, once
 * inverted, to tell it from whatever else is in scratch. */
static void chase(const ab_call *call, uint64_t phase, uint64_t grain) {
    const int64_t *given = call->operands[0], *next = call->operands[1];
    int64_t *place = call->scratch;
    int64_t at = call->params[2] && place[1] == ~place[0] ? place[0] : given[0];
    (void)phase, (void)grain;
    for (int64_t turn = call->params[0] / STEPS * call->params[1]; turn; turn--) {
#pragma GCC unroll 10
        for (int i = 0; i < STEPS; i++)
            at = next[at];
    }
    place[0] = at;
    place[1] = ~at;
    *(int64_t *)call->operands[2] = at & given[1];
}

AB_VARIANT(add, .accepts = accepts, .run = add);
AB_VARIANT(chase, .accepts = accepts, .scratch_bytes = place_bytes, .run = chase);
