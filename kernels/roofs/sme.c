/* SME: outer products into the four tiles of 32-bit sums, one after the other: fmopa of f32, and of
 * f16 and bf16 (two products a sum).  No smopa of int8 yet, which could not be tested: qemu 7.2 has
 * only its sums in even rows and columns right (gitlab.com/qemu-project/qemu issue 2083).
 *
 * All in one asm (streaming.h); the tiles are stored to scratch and added up outside.
 *
 * All elements are 1, so the sums together must come to the number of multiply-adds, as in peak.h.
 */
#include "armbench.h"
#include "streaming.h"

#define TILES 4
#define SUM_BYTES (int64_t)sizeof(float)

/* Multiply-adds of a step: an outer product into each tile, of `deep` products a sum. */
static int64_t step_adds(int64_t deep) {
    int64_t side = streaming_bytes() / SUM_BYTES;
    return TILES * side * side * deep;
}

static uint64_t scratch_bytes(const int64_t *params) {
    uint64_t bytes = (uint64_t)streaming_bytes();
    return (void)params, bytes * bytes;
}

#define OUTER(product, tile, type) product " za" tile ".s, p0/m, p0/m, z0." type ", z1." type "\n\t"
#define STREAMING(product, type)                                                            \
    __asm__ volatile("smstart\n\t"                                                         \
                     "ptrue p0.b\n\t"                                                      \
                     "ld1b {z0.b}, p0/z, [%[x]]\n\t"                                       \
                     "ld1b {z1.b}, p0/z, [%[y]]\n\t"                                       \
                     "zero {za}\n"                                                         \
                     "1:\n\t"                                                              \
                     OUTER(product, "0", type) OUTER(product, "1", type)                   \
                     OUTER(product, "2", type) OUTER(product, "3", type)                   \
                     "subs %[steps], %[steps], #1\n\t"                                     \
                     "b.ne 1b\n\t"                                                         \
                     "mov w12, #0\n"                                                       \
                     "2:\n\t"                                                              \
                     "str za[w12, #0], [%[sums]]\n\t"                                      \
                     "add %[sums], %[sums], %[row]\n\t"                                    \
                     "add w12, w12, #1\n\t"                                                \
                     "cmp w12, %w[row]\n\t"                                                \
                     "b.ne 2b\n\t"                                                         \
                     "smstop"                                                              \
                     : [steps] "+r"(steps), [sums] "+r"(to)                                \
                     : [x] "r"(call->operands[0]), [y] "r"(call->operands[1]), [row] "r"(row) \
                     : STREAMING_CLOBBERS)

#define MOPA(operation, deep, product, type)                                                \
    static int operation##_accepts(const int64_t *params) {                                \
        return params[0] > 0 && params[0] % step_adds(deep) == 0;                          \
    }                                                                                      \
    static void operation##_run(const ab_call *call, uint64_t phase, uint64_t grain) {     \
        int64_t row = streaming_bytes(), steps = call->params[0] / step_adds(deep);        \
        const float *sums = call->scratch;                                                 \
        void *to = call->scratch;                                                          \
        double sum = 0;                                                                    \
        (void)phase, (void)grain;                                                          \
        STREAMING(product, type);                                                          \
        for (int64_t i = 0; i < row * row / SUM_BYTES; i++)                               \
            sum += (double)sums[i];                                                        \
        *(double *)call->operands[2] = sum;                                                \
    }                                                                                      \
    AB_VARIANT(operation, .accepts = operation##_accepts, .scratch_bytes = scratch_bytes,   \
               .run = operation##_run)

MOPA(f32_mopa, 1, "fmopa", "s");
MOPA(f16_mopa, 2, "fmopa", "h");
MOPA(bf16_mopa, 2, "bfmopa", "h");
