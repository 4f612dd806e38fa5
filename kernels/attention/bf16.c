/* 8 x 8 tiles of bfmmla (bfmmla.h) in 24 of 32 registers: 16 sums, four pairs of queries, four of
 * keys or elements.
 *
 * Lives on bfmmla: 16 per step against 8 loads.  Per score of a head of 128, 16 bfmmla stand
 * against 3 instructions of softmax on the same pipes, so 0.84 of 64 operations a cycle on N2 and
 * of 128 on V1, V2 and V3 is the bound.  16 sums cover a latency of 4 on four pipes.
 */
#include "neon.h"

#include <string.h>

#define SHARED 4
#define SHARES(S) S(1) S(2) S(3) S(4)

typedef bfloat16x8_t bits;

static inline bits load_bits(const uint16_t *p) { return vreinterpretq_bf16_u16(vld1q_u16(p)); }
static inline void store_bits(uint16_t *p, bits v) { vst1q_u16(p, vreinterpretq_u16_bf16(v)); }
static inline bits repeat_pair(const uint16_t *p) { return load_bits(p); }
static inline vec mmla(vec c, bits a, bits b) { return vbfmmlaq_f32(c, a, b); }
static inline bits interleaved(vec a, vec b) {
    uint16x4_t even = vreinterpret_u16_bf16(vcvt_bf16_f32(a));
    uint16x4_t odd = vreinterpret_u16_bf16(vcvt_bf16_f32(b));
    return vreinterpretq_bf16_u16(vcombine_u16(vzip1_u16(even, odd), vzip2_u16(even, odd)));
}
static inline vec swapped(vec v) { return vrev64q_f32(v); }
static inline vec masked(vec v, const int32_t *limit, int32_t key) {
    uint32x4_t beyond = vcltq_s32(vld1q_s32(limit), vdupq_n_s32(key));
    return vbslq_f32(beyond, vdupq_n_f32(-INFINITY), v);
}

static inline bits load_some(const uint16_t *p, int64_t n) {
    uint16_t first[2 * LANES] = {0};
    if (n >= 2 * LANES)
        return load_bits(p);
    if (n > 0)
        memcpy(first, p, (size_t)n * sizeof *p);
    return load_bits(first);
}
static inline vec dot(vec c, bits a, bits b) { return vbfdotq_f32(c, a, b); }
static inline __attribute__((always_inline)) vec dot_element(vec c, bits a, bits w, int element) {
    switch (element) {
    case 0: return vbfdotq_laneq_f32(c, a, w, 0);
    case 1: return vbfdotq_laneq_f32(c, a, w, 1);
    case 2: return vbfdotq_laneq_f32(c, a, w, 2);
    default: return vbfdotq_laneq_f32(c, a, w, 3);
    }
}
static inline bits zip_low(bits a, bits b) {
    uint16x8_t x = vreinterpretq_u16_bf16(a), y = vreinterpretq_u16_bf16(b);
    return vreinterpretq_bf16_u16(vzip1q_u16(x, y));
}
static inline bits zip_high(bits a, bits b) {
    uint16x8_t x = vreinterpretq_u16_bf16(a), y = vreinterpretq_u16_bf16(b);
    return vreinterpretq_bf16_u16(vzip2q_u16(x, y));
}

#include "bfmmla.h"

#include "bfdot.h"

AB_VARIANT(decode_bf16, .accepts = decode_accepts, .shared_bytes = decode_shared_bytes,
           .scratch_bytes = narrow_scratch_bytes, .phases = decode_phases,
           .grains = decode_grains, .run = narrow_decode);
