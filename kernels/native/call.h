/* One call of a variant on the calling thread: its phases in order, each phase's grains in order. */
#ifndef ARMBENCH_CALL_H
#define ARMBENCH_CALL_H

#include "armbench.h"

static inline uint64_t ab_phases(const ab_variant *variant, const int64_t *params) {
    return variant->phases ? variant->phases(params) : 1;
}

static inline uint64_t ab_grains(const ab_variant *variant, const int64_t *params, uint64_t phase,
                                 uint64_t threads) {
    return variant->grains ? variant->grains(params, phase, threads) : 1;
}

static inline uint64_t ab_shared_bytes(const ab_variant *variant, const int64_t *params) {
    return variant->shared_bytes ? variant->shared_bytes(params) : 0;
}

static inline uint64_t ab_scratch_bytes(const ab_variant *variant, const int64_t *params) {
    return variant->scratch_bytes ? variant->scratch_bytes(params) : 0;
}

/* Of a call that no other thread shares. */
static inline void ab_run_call(const ab_variant *variant, const ab_call *call) {
    uint64_t phases = ab_phases(variant, call->params);
    for (uint64_t phase = 0; phase < phases; phase++) {
        uint64_t grains = ab_grains(variant, call->params, phase, 1);
        for (uint64_t grain = 0; grain < grains; grain++)
            variant->run(call, phase, grain);
    }
}

#endif
