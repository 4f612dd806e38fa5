/* A single call, for verification and for harnesses that bring their own loop. */
#include "native.h"
#include "call.h"

#include <stdlib.h>
#include <string.h>

struct ab_bound {
    const ab_variant *variant;
    ab_call call;
    uint64_t shared_bytes, scratch_bytes;
    int64_t *params;
    void **operands;
};

static void *copy_of(const void *data, size_t bytes) {
    void *copy = malloc(bytes ? bytes : 1);
    if (copy)
        memcpy(copy, data, bytes);
    return copy;
}

/* malloc(0) style: no workspace is not a failure. */
static int map_workspace(void **pages, uint64_t bytes) {
    *pages = bytes ? ab_pages_map(bytes) : NULL;
    return *pages || !bytes;
}

ab_status ab_bind(const ab_variant *variant, const int64_t *params, uint32_t n_params,
                  void *const *operands, uint32_t n_operands, ab_bound **result) {
    *result = NULL;
    if (!variant || variant->abi != AB_ABI || variant->struct_bytes != sizeof(ab_variant))
        return AB_BAD_ARGUMENT;
    if (ab_check(variant) != AB_OK)
        return AB_UNSUPPORTED;
    if (variant->accepts && !variant->accepts(params))
        return AB_REFUSED;
    ab_bound *bound = calloc(1, sizeof *bound);
    if (!bound)
        return AB_NO_MEMORY;
    bound->variant = variant;
    bound->params = copy_of(params, n_params * sizeof *params);
    bound->operands = copy_of(operands, n_operands * sizeof *operands);
    bound->shared_bytes = ab_shared_bytes(variant, params);
    bound->scratch_bytes = ab_scratch_bytes(variant, params);
    bound->call.params = bound->params;
    bound->call.operands = bound->operands;
    bound->call.threads = 1;
    if (!bound->params || !bound->operands ||
        !map_workspace(&bound->call.shared, bound->shared_bytes) ||
        !map_workspace(&bound->call.scratch, bound->scratch_bytes)) {
        ab_unbind(bound);
        return AB_NO_MEMORY;
    }
    *result = bound;
    return AB_OK;
}

void ab_invoke(const ab_bound *bound) { ab_run_call(bound->variant, &bound->call); }

void ab_unbind(ab_bound *bound) {
    if (!bound)
        return;
    ab_pages_unmap(bound->call.shared, bound->shared_bytes);
    ab_pages_unmap(bound->call.scratch, bound->scratch_bytes);
    free(bound->params);
    free(bound->operands);
    free(bound);
}

uint64_t ab_packed_bytes(const ab_variant *variant, const int64_t *params) {
    int taken = !variant->accepts || variant->accepts(params);
    return taken && variant->packed_bytes ? variant->packed_bytes(params) : 0;
}

ab_status ab_pack(const ab_variant *variant, const int64_t *params, const void *operand,
                  void *packed) {
    if (ab_check(variant) != AB_OK)
        return AB_UNSUPPORTED;
    if (!variant->pack || (variant->accepts && !variant->accepts(params)))
        return AB_REFUSED;
    variant->pack(params, operand, packed);
    return AB_OK;
}

uint64_t ab_most_grains(const ab_variant *variant, const int64_t *params, uint64_t threads) {
    if (ab_check(variant) != AB_OK || (variant->accepts && !variant->accepts(params)))
        return 0;
    uint64_t most = 0, phases = ab_phases(variant, params);
    for (uint64_t phase = 0; phase < phases; phase++) {
        uint64_t grains = ab_grains(variant, params, phase, threads);
        most = grains > most ? grains : most;
    }
    return most;
}
