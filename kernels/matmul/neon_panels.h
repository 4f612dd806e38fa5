/* Panels of A and B on Arm: PACK_TILE and PACK_B of panels.h. */
#ifndef ARMBENCH_MATMUL_NEON_PANELS_H
#define ARMBENCH_MATMUL_NEON_PANELS_H

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#define NP_AS_IT_IS(x) (x)

/* to[groups][rows][together] = value(a[rows][depth]), rows filled up to a multiple of `rows_of`. */
#define NP_PACK_TILE(name, source, left, together, rows_of, value)                           \
    static inline void name(const source *a, int64_t stride, int64_t rows, int64_t depth,    \
                            left *to) {                                                      \
        int64_t all = (rows + rows_of - 1) / rows_of * rows_of, whole = depth / together;    \
        if (all > rows || whole * together < depth)                                          \
            memset(to, 0, (size_t)((depth + together - 1) / together * together * all) *     \
                              sizeof *to);                                                   \
        for (int64_t i = 0; i < rows; i++, a += stride, to += together) {                    \
            for (int64_t g = 0; g < whole; g++)                                              \
                for (int d = 0; d < together; d++)                                           \
                    to[g * all * together + d] = value(a[g * together + d]);                 \
            for (int64_t p = whole * together; p < depth; p++)                               \
                to[whole * all * together + p % together] = value(a[p]);                     \
        }                                                                                    \
    }

/* to[depth][width] = value(b[depth][columns]), zeros beyond `columns`. */
#define NP_PACK_ROWS(name, source, right, width, value)                                      \
    static inline void name(const source *b, int64_t stride, int64_t columns, int64_t depth, \
                            right *to) {                                                     \
        for (int64_t p = 0; p < depth; p++, b += stride, to += width) {                      \
            if (columns == width)                                                            \
                for (int j = 0; j < width; j++)                                              \
                    to[j] = value(b[j]);                                                     \
            else                                                                             \
                for (int j = 0; j < width; j++)                                              \
                    to[j] = j < columns ? value(b[j]) : 0;                                   \
        }                                                                                    \
    }

/* Rows v[together] of 16 bytes become columns, in the order of memory: halves change places. */
#define NP_WEAVE(name, vector, zip1, zip2)                                                   \
    static inline __attribute__((always_inline)) void name(const int together, vector *v) {  \
        _Pragma("GCC unroll 4") for (int level = 1; level < together; level *= 2) {          \
            vector t[16];                                                                    \
            _Pragma("GCC unroll 8") for (int i = 0; i < together / 2; i++) {                 \
                t[2 * i] = zip1(v[i], v[i + together / 2]);                                  \
                t[2 * i + 1] = zip2(v[i], v[i + together / 2]);                              \
            }                                                                                \
            _Pragma("GCC unroll 16") for (int i = 0; i < together; i++) v[i] = t[i];         \
        }                                                                                    \
    }

/* to[groups][width][together] = b[depth][columns], zeros beyond both. */
#define NP_PACK_WOVEN(name, element, vector, load, store, weave, width, together)            \
    static inline void name(const element *b, int64_t stride, int64_t columns,               \
                            int64_t depth, element *to) {                                    \
        enum { LANES_ = 16 / sizeof(element) };                                              \
        for (int64_t p = 0; p < depth; p += together, b += together * stride)                \
            for (int j = 0; j < width; j += LANES_) {                                        \
                const int kept = width - j < LANES_ ? width - j : LANES_;                    \
                vector v[together];                                                          \
                element row[LANES_] = {0}, woven[LANES_ * together];                         \
                for (int d = 0; d < together; d++) {                                         \
                    int64_t real = p + d < depth ? columns - j : 0;                          \
                    if (real >= LANES_) {                                                    \
                        v[d] = load(b + d * stride + j);                                     \
                    } else {                                                                 \
                        memset(row, 0, sizeof row);                                          \
                        if (real > 0)                                                        \
                            memcpy(row, b + d * stride + j, (size_t)real * sizeof *row);     \
                        v[d] = load(row);                                                    \
                    }                                                                        \
                }                                                                            \
                weave(together, v);                                                          \
                for (int d = 0; d < together; d++)                                           \
                    store(woven + d * LANES_, v[d]);                                         \
                memcpy(to, woven, (size_t)(kept * together) * sizeof *to);                   \
                to += kept * together;                                                       \
            }                                                                                \
    }

NP_WEAVE(weave_bytes, int8x16_t, vzip1q_s8, vzip2q_s8)
NP_WEAVE(weave_halves, uint16x8_t, vzip1q_u16, vzip2q_u16)

#endif
