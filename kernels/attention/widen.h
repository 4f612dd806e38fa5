/* Operands of fewer bits, for the tiles in f32: rows are widened before they are multiplied, outputs
 * rounded after.  Loops are plain C, which compilers vectorise.
 */
#ifndef ARMBENCH_ATTENTION_WIDEN_H
#define ARMBENCH_ATTENTION_WIDEN_H

#include <stdint.h>
#include <string.h>

typedef enum dtype { F32, BF16, INT8 } dtype;

static inline int64_t bytes_of(dtype type) { return type == F32 ? 4 : type == BF16 ? 2 : 1; }

static inline float f32_of(uint16_t x) {
    uint32_t word = (uint32_t)x << 16;
    float value;
    memcpy(&value, &word, sizeof value);
    return value;
}

/* Rounded to nearest, ties to even; of a number. */
static inline uint16_t bf16_of(float x) {
    uint32_t word;
    memcpy(&word, &x, sizeof word);
    return (uint16_t)((word + 0x7fff + (word >> 16 & 1)) >> 16);
}

/* `rows` rows of n elements; those of int8 have a scale each. */
static inline void widen(const dtype type, const void *from, const float *scales, int64_t rows,
                         int64_t n, float *restrict to) {
    if (type == INT8) {
        for (int64_t r = 0; r < rows; r++)
            for (int64_t i = 0; i < n; i++)
                to[r * n + i] = (float)((const int8_t *)from)[r * n + i] * scales[r];
    } else if (type == BF16) {
        for (int64_t i = 0; i < rows * n; i++)
            to[i] = f32_of(((const uint16_t *)from)[i]);
    } else {
        memcpy(to, from, (size_t)(rows * n) * sizeof *to);
    }
}

static inline void narrow(const float *from, int64_t n, uint16_t *restrict to) {
    for (int64_t i = 0; i < n; i++)
        to[i] = bf16_of(from[i]);
}

#endif
