/* The contract between the harness and a native variant.
 *
 * A variant is one C file kernels/<kernel>/<isa>.c.  It describes each operation it
 * implements in an ab_variant and registers it with AB_VARIANT.  The file is compiled with
 * the flags that isa.json gives for its stem; the build passes the kernel's name, the
 * variant's name and the CPU features that those flags require.
 *
 * A variant owns neither memory nor threads.  It states how much workspace a call needs, how
 * many phases the call has, and into how many independent grains each phase falls; the
 * timing loop (measure.c) runs the grains, on one thread or shared out over many, and puts a
 * barrier between phases.  Into how many may depend on how many threads share them: 192 need more
 * than 2 do, and the smaller a grain, the more it packs for what it computes.
 *
 * A call finds in scratch whatever the one before it on this thread left there.  A variant that
 * remembers something (tokenization/memory.h) tells its own memory from anything else by the
 * first AB_FRESH_BYTES, which are zero at the first call of a measurement.
 */
#ifndef ARMBENCH_H
#define ARMBENCH_H

#include <stddef.h>
#include <stdint.h>

#define AB_ABI 3
#define AB_FEATURE_WORDS 4
#define AB_ALIGNMENT 128 /* bytes; of every operand and workspace */
#define AB_FRESH_BYTES 4096 /* of scratch: zero when a measurement begins */

#define AB_EXPORT __attribute__((visibility("default")))

/* What a grain is given. */
typedef struct ab_call {
    const int64_t *params; /* the operation's integers, in the order its kernel declares them */
    void *const *operands; /* the operation's arrays, likewise */
    void *shared;          /* workspace of shared_bytes(params), seen by every grain of the call */
    void *scratch;         /* workspace of scratch_bytes(params), this thread's own */
    uint64_t threads;      /* that share the call's grains, at least 1 */
} ab_call;

typedef struct ab_variant {
    uint32_t abi;         /* AB_ABI */
    uint32_t struct_bytes; /* sizeof(ab_variant) */
    const char *kernel;   /* the folder, "matmul" */
    const char *name;     /* the file's stem, "avx512" */
    const char *operation; /* "f32"; one file may register several */
    uint64_t requires_[AB_FEATURE_WORDS]; /* host feature words that must be set */
    /* Any of the next five, and the last two, may be NULL: accepts everything, no workspace, one phase, one grain. */
    int (*accepts)(const int64_t *params);
    uint64_t (*shared_bytes)(const int64_t *params);
    uint64_t (*scratch_bytes)(const int64_t *params);
    uint64_t (*phases)(const int64_t *params);
    uint64_t (*grains)(const int64_t *params, uint64_t phase, uint64_t threads);
    void (*run)(const ab_call *call, uint64_t phase, uint64_t grain);
    /* What is prepared once, before any call, as inference servers prepare their weights: operand
     * 1 becomes packed_bytes(params) bytes that pack() writes.  NULL: operands as they are. */
    uint64_t (*packed_bytes)(const int64_t *params);
    void (*pack)(const int64_t *params, const void *operand, void *packed);
} ab_variant;

#ifdef AB_VARIANT_NAME
/* AB_VARIANT(f32, .run = run, .phases = phases); the linker collects the pointers.
 * `retain` keeps them when the linker drops sections that nothing refers to. */
#define AB_VARIANT(operation_, ...)                                                        \
    static const ab_variant ab_variant_##operation_ = {                                    \
        .abi = AB_ABI,                                                                     \
        .struct_bytes = sizeof(ab_variant),                                                \
        .kernel = AB_KERNEL_NAME,                                                          \
        .name = AB_VARIANT_NAME,                                                           \
        .operation = AB_STRING(operation_),                                                \
        .requires_ = AB_REQUIRES,                                                          \
        __VA_ARGS__};                                                                      \
    __attribute__((used, retain, section("ab_variants"))) static const ab_variant          \
        *ab_variant_entry_##operation_ = &ab_variant_##operation_
#define AB_STRING(text) #text
#endif

#endif
