/* Time in ticks, and the core's clock by counting what it does. */
#include "native.h"
#include "clock.h"

int64_t ab_ticks(void) { return ab_read_ticks(); }

int64_t ab_tick_hz(void) {
#if defined(__aarch64__)
    int64_t hz;
    __asm__("mrs %0, cntfrq_el0" : "=r"(hz));
    return hz;
#else
    return 1000000000LL;
#endif
}

#define ADDS_PER_TURN 64
#define CHAIN_ADDS (800 * 1024) /* 0.2 ms at 4 GHz */

/* Register operands: recent x86 cores remove additions of an immediate at rename. */
void ab_add_chain(uint64_t adds) {
    uint64_t turns = (adds + ADDS_PER_TURN - 1) / ADDS_PER_TURN;
    uint64_t sum = 0, step = 1;
    if (turns == 0)
        return;
#if defined(__aarch64__)
    __asm__ volatile("1:\n\t.rept 64\n\tadd %0, %0, %2\n\t.endr\n\t"
                     "subs %1, %1, #1\n\tb.ne 1b"
                     : "+r"(sum), "+r"(turns)
                     : "r"(step)
                     : "cc");
#else
    __asm__ volatile("1:\n\t.rept 64\n\tadd %2, %0\n\t.endr\n\t"
                     "dec %1\n\tjnz 1b"
                     : "+r"(sum), "+r"(turns)
                     : "r"(step)
                     : "cc");
#endif
}

double ab_clock_hz(uint32_t chains) {
    int64_t best = INT64_MAX;
    for (uint32_t i = 0; i < chains; i++) {
        int64_t start = ab_read_ticks();
        ab_add_chain(CHAIN_ADDS);
        int64_t elapsed = ab_read_ticks() - start;
        if (elapsed > 0 && elapsed < best)
            best = elapsed;
    }
    return best == INT64_MAX ? 0.0 : (double)CHAIN_ADDS / (double)best * (double)ab_tick_hz();
}
