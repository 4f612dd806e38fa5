/* The tiles of the vector variants with one lane: 4 x 2 sums in registers, one multiply and one
 * add at a time, which is what a core does without vectors.  Compiled without auto-vectorisation.
 *
 * Bound: one multiply and one add a cycle need two scalar pipes: 2 operations a cycle on N1,
 * 4 on V1, V2 and V3, 4 on x86 with two pipes each for either.
 */
#include "armbench.h"

#include <string.h>

#define LANES 1
#define ELEMENTS 1
#define ROWS 4
#define COLUMNS 2
#define WIDTHS(W) W(1) W(2)
#define KEYS 128
#define TILES 8
#define SHARED 2
#define SHARES(S) S(1) S(2)
#define SPAN 4

typedef float vec;
typedef float left;

static inline vec splat(float x) { return x; }
static inline vec load(const float *p) { return *p; }
static inline void store(float *p, vec v) { *p = v; }
static inline vec load_first(const float *p, int64_t n) { return n ? *p : 0; }
static inline void store_first(float *p, int64_t n, vec v) {
    if (n)
        *p = v;
}
static inline vec add(vec a, vec b) { return a + b; }
static inline vec sub(vec a, vec b) { return a - b; }
static inline vec mul(vec a, vec b) { return a * b; }
static inline vec div_of(vec a, vec b) { return a / b; }
static inline vec max_of(vec a, vec b) { return a > b ? a : b; }
static inline vec fma_of(vec a, vec b, vec c) { return a * b + c; }
static inline vec to_exponent(vec v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    bits <<= 23;
    memcpy(&v, &bits, sizeof bits);
    return v;
}
static inline float first_of(vec v) { return v; }
static inline float most_of(vec v) { return v; }
static inline float sum_of(vec v) { return v; }
static inline void store_sums(float *out, const vec v[4]) {
    for (int i = 0; i < 4; i++)
        out[i] = v[i];
}
static inline left load_left(const float *p) { return *p; }
static inline vec fma_left(left a, int element, vec b, vec c) {
    (void)element;
    return a * b + c;
}
static inline void transpose(vec v[LANES]) { (void)v; }

#include "attention.h"
