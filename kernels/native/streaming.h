/* Streaming mode of SME, entered and left within one asm: it changes the length of vectors under
 * the compiler's feet, and compilers' own support for it needs a run-time library that not every
 * one brings.  Every asm leaves ZA off, as it finds it, so that there is nothing in it to save.
 */
#ifndef ARMBENCH_STREAMING_H
#define ARMBENCH_STREAMING_H

#include <stdint.h>

/* Of a vector in streaming mode. */
static inline int64_t streaming_bytes(void) {
    int64_t bytes;
    __asm__("rdsvl %0, #1" : "=r"(bytes));
    return bytes;
}

/* For the list of clobbers: smstart and smstop zero vectors and predicates; w12 selects rows. */
#define STREAMING_CLOBBERS                                                                     \
    "cc", "memory", "x12", "p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10",  \
        "p11", "p12", "p13", "p14", "p15", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7",     \
        "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19",      \
        "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31"

#endif
