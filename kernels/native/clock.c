/* Time in ticks, and the core's clock by counting what it does. */
#include "native.h"
#include "clock.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

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

/* --- the counter --------------------------------------------------------------------------- */

#if defined(__aarch64__)

int64_t ab_counter_hz(void) { return ab_tick_hz(); }

static uint64_t read_counter(void) { return (uint64_t)ab_read_ticks(); }

#else

#define TSC_LEAF 0x15u                /* Intel: crystal's Hz, and the ratio to it */
#define HYPERVISOR_TSC_LEAF 0x40000010u /* VMware's convention, which others follow: kHz */
#define HYPERVISOR_LEAVES 0x40000000u
#define HYPERVISOR_BIT 31

int64_t ab_counter_hz(void) {
    uint32_t eax, ebx, ecx, edx;
    if (__get_cpuid(TSC_LEAF, &eax, &ebx, &ecx, &edx) && eax && ebx && ecx)
        return (int64_t)((uint64_t)ecx * ebx / eax);
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx >> HYPERVISOR_BIT & 1))
        return 0;
    __cpuid(HYPERVISOR_LEAVES, eax, ebx, ecx, edx);
    if (eax < HYPERVISOR_TSC_LEAF || eax > HYPERVISOR_TSC_LEAF + 0xff)
        return 0;
    __cpuid(HYPERVISOR_TSC_LEAF, eax, ebx, ecx, edx);
    return (int64_t)eax * 1000;
}

static uint64_t read_counter(void) {
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high)::"memory");
    return low | (uint64_t)high << 32;
}

#endif

typedef struct moment {
    int64_t ns;
    uint64_t counter;
} moment;

/* Both clocks at once: the pair of readings with the least time around it. */
static moment read_both(void) {
    moment best = {0, 0};
    int64_t tightest = INT64_MAX;
    for (int i = 0; i < 32; i++) {
        int64_t before = ab_nanoseconds(CLOCK_MONOTONIC_RAW);
        uint64_t counter = read_counter();
        int64_t after = ab_nanoseconds(CLOCK_MONOTONIC_RAW);
        if (after - before < tightest) {
            tightest = after - before;
            best = (moment){before + tightest / 2, counter};
        }
    }
    return best;
}

double ab_counter_rate(uint32_t milliseconds) {
    moment start = read_both();
    int64_t end_ns = start.ns + milliseconds * 1000000LL;
    while (ab_nanoseconds(CLOCK_MONOTONIC_RAW) < end_ns)
        ;
    moment end = read_both();
    return end.ns > start.ns ? (double)(end.counter - start.counter) * 1e9 / (double)(end.ns - start.ns) : 0.0;
}

#define READINGS 1000
#define BATCHES 32

void ab_timer(double *step, double *reading) {
    int64_t smallest = INT64_MAX, fastest = INT64_MAX;
    for (int batch = 0; batch < BATCHES; batch++) {
        int64_t first = ab_read_ticks(), last = first;
        for (int i = 0; i < READINGS; i++) {
            int64_t now = ab_read_ticks();
            if (now > last && now - last < smallest)
                smallest = now - last;
            last = now;
        }
        if (last - first < fastest)
            fastest = last - first;
    }
    *step = smallest == INT64_MAX ? 0.0 : (double)smallest;
    *reading = (double)fastest / READINGS;
}
