/* Tiles of bfmmla (bfmmla.h) on vectors of any length: 8 keys or elements x 8 queries for every 128
 * bits, in 24 of 32 registers.
 *
 * Lives on bfmmla: 16 per step against 4 loads and 4 that repeat 16 bytes.  What softmax leaves of
 * the pipes is the bound, as in bf16.c: 0.84 of 64 operations a cycle on N2, of 128 on V1 (two
 * pipes of 256 bits), V2 and V3.
 */
#include "sve.h"

#define SHARED 4
#define SHARES(S) S(1) S(2) S(3) S(4)

typedef svbfloat16_t bits;

static inline bits load_bits(const uint16_t *p) {
    return svreinterpret_bf16_u16(svld1_u16(svptrue_b16(), p));
}
static inline void store_bits(uint16_t *p, bits v) {
    svst1_u16(svptrue_b16(), p, svreinterpret_u16_bf16(v));
}
static inline bits repeat_pair(const uint16_t *p) {
    return svreinterpret_bf16_u16(svld1rq_u16(svptrue_b16(), p));
}
static inline vec mmla(vec c, bits a, bits b) { return svbfmmla_f32(c, a, b); }
static inline bits interleaved(vec a, vec b) {
    return svcvtnt_bf16_f32_x(svcvt_bf16_f32_x(all(), a), all(), b);
}
static inline vec swapped(vec v) {
    svuint64_t pairs = svreinterpret_u64_f32(v);
    return svreinterpret_f32_u32(svreinterpret_u32_u64(svrevw_u64_x(svptrue_b64(), pairs)));
}
static inline vec masked(vec v, const int32_t *limit, int32_t key) {
    svbool_t beyond = svcmplt_n_s32(all(), svld1_s32(all(), limit), key);
    return svsel_f32(beyond, splat(-INFINITY), v);
}

static inline bits load_some(const uint16_t *p, int64_t n) {
    return svreinterpret_bf16_u16(svld1_u16(svwhilelt_b16_s64(0, n), p));
}
static inline vec dot(vec c, bits a, bits b) { return svbfdot_f32(c, a, b); }
static inline __attribute__((always_inline)) vec dot_element(vec c, bits a, bits w, int element) {
    switch (element) {
    case 0: return svbfdot_lane_f32(c, a, w, 0);
    case 1: return svbfdot_lane_f32(c, a, w, 1);
    case 2: return svbfdot_lane_f32(c, a, w, 2);
    default: return svbfdot_lane_f32(c, a, w, 3);
    }
}
static inline bits zip_low(bits a, bits b) { return svzip1_bf16(a, b); }
static inline bits zip_high(bits a, bits b) { return svzip2_bf16(a, b); }

#include "bfmmla.h"

#include "bfdot.h"

AB_VARIANT(decode_bf16, .accepts = decode_accepts, .shared_bytes = decode_shared_bytes,
           .scratch_bytes = narrow_scratch_bytes, .phases = decode_phases,
           .grains = decode_grains, .run = narrow_decode);
