/* 4 x 6 tiles on vectors of any length (sve_sums.h): 24 sums, four elements of k or v in each of
 * up to four registers, and the vectors of queries that pass through.  Decode: 4 keys or 4 vectors
 * of v x 4 queries in 16; of int8, on sdot (sdot.h).
 *
 * Lives on fmla by element: 24 per step against 6 or 7 loads, so multiply-adds are the bound: 16
 * operations a cycle on N2, 32 on V1 (two pipes of 256 bits), V2 and V3 (four of 128).
 */
#include "sve.h"

#define SIZELESS
#define INT8_DOT
#define ELEMENTS 4
#define ROWS 4
#define COLUMNS 6
#define WIDTHS(W) W(1) W(2) W(3) W(4) W(5) W(6)
#define KEYS 128
#define TILES 4
#define SHARED 4
#define SHARES(S) S(1) S(2) S(3) S(4)
#define SPAN 4

#include "attention.h"

typedef svint8_t int8_vec;
typedef svint32_t int32_vec;

static inline int32_vec zeros(void) { return svdup_s32(0); }
static inline int8_vec load_bytes(const int8_t *p) { return svld1_s8(svptrue_b8(), p); }
static inline int8_vec repeat_bytes(const int8_t *p) { return svld1rq_s8(svptrue_b8(), p); }
static inline int8_vec load_some(const int8_t *p, int64_t n) {
    return svld1_s8(svwhilelt_b8_s64(0, n), p);
}
static inline int8_vec load_half(const int8_t *p) { return load_some(p, 2 * LANES); }
static inline int32_vec dot(int32_vec c, int8_vec a, int8_vec b) { return svdot_s32(c, a, b); }
INLINE int32_vec dot_element(int32_vec c, int8_vec a, int8_vec w, int element) {
    switch (element) {
    case 0: return svdot_lane_s32(c, a, w, 0);
    case 1: return svdot_lane_s32(c, a, w, 1);
    case 2: return svdot_lane_s32(c, a, w, 2);
    default: return svdot_lane_s32(c, a, w, 3);
    }
}
static inline int8_vec zip_low(int8_vec a, int8_vec b) { return svzip1_s8(a, b); }
static inline int8_vec zip_high(int8_vec a, int8_vec b) { return svzip2_s8(a, b); }
static inline vec joined(int32_vec high, int32_vec low) {
    return fma_of(svcvt_f32_s32_x(all(), high), splat(256.0f), svcvt_f32_s32_x(all(), low));
}

#include "sdot.h"

AB_VARIANT(decode_int8, .accepts = decode_accepts, .shared_bytes = decode_shared_bytes,
           .scratch_bytes = narrow_scratch_bytes, .phases = decode_phases,
           .grains = decode_grains, .run = narrow_decode);
