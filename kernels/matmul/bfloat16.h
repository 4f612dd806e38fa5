/* bfloat16: the upper half of a float. */
#ifndef ARMBENCH_BFLOAT16_H
#define ARMBENCH_BFLOAT16_H

#include <stdint.h>
#include <string.h>

static inline float bf16_float(uint16_t x) {
    uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* To the nearest, ties to even.  Infinities stay; of what is not a number a bit is kept. */
static inline uint16_t bf16_rounded(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : rounded);
}

#endif
