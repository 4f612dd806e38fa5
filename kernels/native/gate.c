/* Where threads, or processes over shared memory, wait for one another. */
#include "native.h"

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__aarch64__)
#include <sys/auxv.h>

#ifndef HWCAP_ATOMICS
#define HWCAP_ATOMICS (1ul << 8)
#endif

/* The baseline adds by load-exclusive and store-exclusive, for which many cores starve one another;
 * cores since Neoverse N1 have one instruction (LSE).  -moutline-atomics would choose between them too,
 * but asks for the feature in a constructor, and zig's never does. */
static int has_lse(void) {
    static int known; /* 0: not asked yet; threads may ask at once and get the same answer */
    int answer = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (!answer) {
        answer = getauxval(AT_HWCAP) & HWCAP_ATOMICS ? 1 : -1;
        __atomic_store_n(&known, answer, __ATOMIC_RELAXED);
    }
    return answer > 0;
}

static uint32_t add(uint32_t *word, uint32_t amount) {
    uint32_t before;
    if (!has_lse())
        return __atomic_add_fetch(word, amount, __ATOMIC_ACQ_REL);
    __asm__ volatile(".arch_extension lse\n\tldaddal %w2, %w0, %1"
                     : "=&r"(before), "+Q"(*word)
                     : "r"(amount)
                     : "memory");
    return before + amount;
}
#else
static uint32_t add(uint32_t *word, uint32_t amount) {
    return __atomic_add_fetch(word, amount, __ATOMIC_ACQ_REL);
}
#endif

#define SPINS_BEFORE_YIELD 20000

static inline void relax(void) {
#if defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory"); /* `yield` is a no-op on Neoverse; isb waits a little */
#else
    __asm__ volatile("pause" ::: "memory");
#endif
}

/* Not FUTEX_PRIVATE: the gate may lie in memory that processes share. */
static void sleep_while(const uint32_t *word, uint32_t value) {
    syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static void wake_all(const uint32_t *word) {
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

int ab_gate_wait(ab_gate *gate, uint32_t parties, uint32_t crowded) {
    uint32_t generation = __atomic_load_n(&gate->generation, __ATOMIC_ACQUIRE);
    if (add(&gate->arrived, 1) == parties) {
        __atomic_store_n(&gate->arrived, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&gate->generation, generation + 1, __ATOMIC_RELEASE);
        if (crowded)
            wake_all(&gate->generation);
        return 1;
    }
    for (uint32_t spins = 0; __atomic_load_n(&gate->generation, __ATOMIC_ACQUIRE) == generation;) {
        if (crowded) {
            /* Yielding would do, but puts a thread back behind all that it let pass, for seconds. */
            sleep_while(&gate->generation, generation);
        } else if (spins < SPINS_BEFORE_YIELD) {
            spins++;
            relax();
        } else {
            sched_yield();
        }
    }
    return 0;
}

uint32_t ab_counter_add(uint32_t *counter, uint32_t amount) {
    return add(counter, amount);
}

uint32_t ab_counter_read(const uint32_t *counter) {
    return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}
