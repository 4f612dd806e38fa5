/* Decode over a cache of int8 on sdot (sdot.h): 4 keys x 2 queries or 2 vectors of v x 4 queries, of
 * two parts each, in 16 of 32 registers.
 *
 * Lives on sdot: 32 for every 64 bytes of k and 4 queries, 64 for every 128 bytes of v beside 16 zips
 * and 32 loads.  Two pipes (N1) take 16 cycles for 64 bytes of k and four (V1, V2, V3) take 8;
 * v takes half as long again.
 */
#include "neon.h"

#include <string.h>

#define SHARED 4
#define SHARES(S) S(1) S(2) S(3) S(4)

typedef int8x16_t int8_vec;
typedef int32x4_t int32_vec;

static inline int32_vec zeros(void) { return vdupq_n_s32(0); }
static inline int8_vec load_bytes(const int8_t *p) { return vld1q_s8(p); }
static inline int8_vec repeat_bytes(const int8_t *p) { return vld1q_s8(p); }
static inline int8_vec load_some(const int8_t *p, int64_t n) {
    int8_t first[4 * LANES] = {0};
    memcpy(first, p, (size_t)n);
    return vld1q_s8(first);
}
static inline int8_vec load_half(const int8_t *p) { return vcombine_s8(vld1_s8(p), vdup_n_s8(0)); }
static inline int32_vec dot(int32_vec c, int8_vec a, int8_vec b) { return vdotq_s32(c, a, b); }
static inline __attribute__((always_inline)) int32_vec dot_element(int32_vec c, int8_vec a, int8_vec w, int element) {
    switch (element) {
    case 0: return vdotq_laneq_s32(c, a, w, 0);
    case 1: return vdotq_laneq_s32(c, a, w, 1);
    case 2: return vdotq_laneq_s32(c, a, w, 2);
    default: return vdotq_laneq_s32(c, a, w, 3);
    }
}
static inline int8_vec zip_low(int8_vec a, int8_vec b) { return vzip1q_s8(a, b); }
static inline int8_vec zip_high(int8_vec a, int8_vec b) { return vzip2q_s8(a, b); }
static inline vec joined(int32_vec high, int32_vec low) {
    return vfmaq_n_f32(vcvtq_f32_s32(low), vcvtq_f32_s32(high), 256.0f);
}

#include "sdot.h"

AB_VARIANT(decode_int8, .accepts = decode_accepts, .shared_bytes = decode_shared_bytes,
           .scratch_bytes = narrow_scratch_bytes, .phases = decode_phases,
           .grains = decode_grains, .run = narrow_decode);
