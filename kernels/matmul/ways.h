/* C = A B in f32, B given row-major: few rows by skinny.h, which reads B as it lies; all else over
 * packed panels (panels.h).
 */
#ifndef ARMBENCH_MATMUL_WAYS_H
#define ARMBENCH_MATMUL_WAYS_H

#define FEW_ROWS 64 /* packing B does not pay up to here (measured on Zen 5) */

static inline int over_panels(const int64_t *params) { return params[0] > FEW_ROWS; }

static uint64_t ways_shared_bytes(const int64_t *params) {
    return over_panels(params) ? f32_weights_shared_bytes(params) : shared_bytes(params);
}

static uint64_t ways_scratch_bytes(const int64_t *params) {
    return over_panels(params) ? f32_weights_scratch_bytes(params) : scratch_bytes(params);
}

static uint64_t ways_phases(const int64_t *params) {
    return over_panels(params) ? f32_weights_phases(params) : phases(params);
}

static uint64_t ways_grains(const int64_t *params, uint64_t phase, uint64_t threads) {
    return over_panels(params) ? f32_weights_grains(params, phase, threads)
                               : grains(params, phase, threads);
}

static void ways_run(const ab_call *call, uint64_t phase, uint64_t grain) {
    if (over_panels(call->params))
        f32_weights_run(call, phase, grain);
    else
        run(call, phase, grain);
}

AB_VARIANT(f32, .shared_bytes = ways_shared_bytes, .scratch_bytes = ways_scratch_bytes,
           .phases = ways_phases, .grains = ways_grains, .run = ways_run);

#endif
