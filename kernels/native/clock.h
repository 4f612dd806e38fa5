/* The one clock of all measurements, inlined so that a sample pays no call. */
#ifndef ARMBENCH_CLOCK_H
#define ARMBENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t ab_nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static inline int64_t ab_read_ticks(void) {
#if defined(__aarch64__)
    int64_t ticks; /* isb: the counter may otherwise be read before earlier work is done */
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks)::"memory");
    return ticks;
#else
    return ab_nanoseconds(CLOCK_MONOTONIC_RAW);
#endif
}

#endif
