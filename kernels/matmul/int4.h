/* C = A B with weights of 4 bits in groups of 32 (Q4_0), around a tile that the including file
 * provides:
 *
 *   INT4_MR, INT4_NR  rows and columns of the largest tile
 *   INT4_DEPTH        k that lies together, as the tile's dot product takes it: 4, or 8 for mmla
 *   int4_tile()       c[rows][INT4_NR] = sum over groups of a.scale * scale * dot(a.q, b - 8),
 *                     rows <= INT4_MR; row i of A begins at a + i * groups
 *
 *   INT4_FEW          so many rows are few: then
 *   int4_few()        does the same for INT4_PANELS panels side by side; 0 if there is none
 *   INT4_BIAS         added to every integer dot product (0 unless the tile wants it)
 *
 * A panel of B is INT4_NR columns: for every group 16 bytes of each column, [16 / INT4_DEPTH]
 * [INT4_NR][INT4_DEPTH], low nibbles k = 0-15 of the group and high ones 16-31, then INT4_NR
 * scales of binary16.  Columns beyond n have scale 0.  Two phases: A is quantised, a row a grain;
 * then a grain multiplies a block of rows by a few panels, which are read in the order of memory.
 */
#ifndef ARMBENCH_MATMUL_INT4_H
#define ARMBENCH_MATMUL_INT4_H

#include "armbench.h"

#include <string.h>

#include "narrow.h"

#define INT4_GROUP 32                        /* k that share a scale */
#define INT4_SOURCE_BYTES 18                 /* of a group: scale, then nibbles */
#define INT4_PANEL_BYTES (18 * INT4_NR)      /* of a group of a panel: nibbles, then scales */
#define INT4_PANELS 4                        /* that a grain multiplies, if there are enough */
#define INT4_ROWS (16 * INT4_MR)             /* of A in a grain: they stay in L2 */

typedef struct int4_shape {
    int64_t m, n, groups;
} int4_shape;

/* A group of a row of A.  The weights are used as 0 to 15; `offset` takes the 8 off. */
typedef struct int4_left {
    int8_t q[INT4_GROUP];
    float scale;
    int32_t offset; /* INT4_BIAS - 8 times the sum of q */
} int4_left;

static void int4_tile(int64_t rows, int64_t groups, const int4_left *a, const uint8_t *b, float *c,
                      int64_t stride);

#if INT4_FEW
static void int4_few(int64_t rows, int64_t groups, const int4_left *a, const uint8_t *b, float *c,
                     int64_t stride);
#endif

static inline int4_shape int4_shape_of(const int64_t *params) {
    return (int4_shape){params[0], params[1], params[2] / INT4_GROUP};
}

static inline int64_t int4_blocks(int64_t length, int64_t block) {
    return (length + block - 1) / block;
}

static int int4_accepts(const int64_t *params) { return params[2] % INT4_GROUP == 0; }

/* ---- weights, before any call ---------------------------------------------------------------- */

static uint64_t int4_packed_bytes(const int64_t *params) {
    int4_shape s = int4_shape_of(params);
    return (uint64_t)(int4_blocks(s.n, INT4_NR) * s.groups * INT4_PANEL_BYTES);
}

/* One column of one group into its place in the panel. */
static void int4_place(const uint8_t *source, int64_t column, uint8_t *panel) {
    for (int64_t word = 0; word < 16; word += INT4_DEPTH)
        memcpy(panel + word * INT4_NR + column * INT4_DEPTH, source + 2 + word, INT4_DEPTH);
    memcpy(panel + 16 * INT4_NR + 2 * column, source, 2);
}

static void int4_pack(const int64_t *params, const void *operand, void *packed) {
    int4_shape s = int4_shape_of(params);
    const uint8_t *source = operand;
    memset(packed, 0, int4_packed_bytes(params));
    for (int64_t j = 0; j < s.n; j++)
        for (int64_t g = 0; g < s.groups; g++, source += INT4_SOURCE_BYTES)
            int4_place(source, j % INT4_NR,
                       (uint8_t *)packed + (j / INT4_NR * s.groups + g) * INT4_PANEL_BYTES);
}

/* ---- activations ----------------------------------------------------------------------------- */

/* The scale is the largest magnitude / 127.  Magnitudes compare as integers, which compilers
 * vectorise, as they do not fmaxf(). */
static inline void int4_quantise(const float *x, int4_left *to) {
    uint32_t most = 0;
    int32_t sum = 0;
    for (int i = 0; i < INT4_GROUP; i++) {
        uint32_t magnitude = bits_of(x[i]) & 0x7fffffff;
        most = magnitude > most ? magnitude : most;
    }
    float scale = float_of(most) / 127, divisor = scale > 0 ? scale : 1;
    for (int i = 0; i < INT4_GROUP; i++) {
        int32_t q = nearest_even(x[i] / divisor);
        to->q[i] = (int8_t)q;
        sum += q;
    }
    to->scale = scale;
    to->offset = INT4_BIAS - 8 * sum;
}

/* ---- a call ---------------------------------------------------------------------------------- */

static uint64_t int4_shared_bytes(const int64_t *params) {
    int4_shape s = int4_shape_of(params);
    return (uint64_t)(s.m * s.groups) * sizeof(int4_left);
}

static uint64_t int4_phases(const int64_t *params) {
    (void)params;
    return 2;
}

/* Panels of a grain. */
static int64_t int4_panels(int4_shape s, uint64_t threads) {
    int64_t panels = int4_blocks(s.n, INT4_NR), row_blocks = int4_blocks(s.m, INT4_ROWS);
    int64_t grains = row_blocks * int4_blocks(panels, INT4_PANELS);
    return threads > 1 && grains < 2 * (int64_t)threads ? 1 : INT4_PANELS;
}

static uint64_t int4_grains(const int64_t *params, uint64_t phase, uint64_t threads) {
    int4_shape s = int4_shape_of(params);
    int64_t groups = int4_blocks(int4_blocks(s.n, INT4_NR), int4_panels(s, threads));
    return (uint64_t)(phase ? int4_blocks(s.m, INT4_ROWS) * groups : s.m);
}

/* Rows first to last of A on one panel, `columns` of which exist; tiles of equal height. */
static void int4_panel(int4_shape s, int64_t first, int64_t last, int64_t columns,
                       const int4_left *a, const uint8_t *b, float *c) {
    int64_t tiles = int4_blocks(last - first, INT4_MR);
    for (int64_t t = 0; t < tiles; t++) {
        int64_t from = first + (last - first) * t / tiles;
        int64_t rows = first + (last - first) * (t + 1) / tiles - from;
        float *corner = c + from * s.n;
        if (columns == INT4_NR) {
            int4_tile(rows, s.groups, a + from * s.groups, b, corner, s.n);
        } else {
            float aside[INT4_MR * INT4_NR];
            int4_tile(rows, s.groups, a + from * s.groups, b, aside, INT4_NR);
            for (int64_t i = 0; i < rows; i++)
                memcpy(corner + i * s.n, aside + i * INT4_NR, (size_t)columns * sizeof *c);
        }
    }
}

static void int4_run(const ab_call *call, uint64_t phase, uint64_t grain) {
    int4_shape s = int4_shape_of(call->params);
    int4_left *left = call->shared;
    if (!phase) {
        const float *row = call->operands[0];
        row += (int64_t)grain * s.groups * INT4_GROUP;
        for (int64_t g = 0; g < s.groups; g++)
            int4_quantise(row + g * INT4_GROUP, left + (int64_t)grain * s.groups + g);
        return;
    }
    int64_t row_blocks = int4_blocks(s.m, INT4_ROWS), panels = int4_panels(s, call->threads);
    int64_t first = (int64_t)grain % row_blocks * INT4_ROWS;
    int64_t last = first + INT4_ROWS < s.m ? first + INT4_ROWS : s.m;
    int64_t panel = (int64_t)grain / row_blocks * panels, end = panel + panels;
    const uint8_t *b = (const uint8_t *)call->operands[1] + panel * s.groups * INT4_PANEL_BYTES;
    float *c = (float *)call->operands[2] + panel * INT4_NR;
#if INT4_FEW
    if (s.m <= INT4_FEW && panels == INT4_PANELS && end * INT4_NR <= s.n) {
        int4_few(s.m, s.groups, left, b, c, s.n);
        return;
    }
#endif
    for (; panel < end && panel * INT4_NR < s.n; panel++) {
        int64_t columns = s.n - panel * INT4_NR;
        int4_panel(s, first, last, columns < INT4_NR ? columns : INT4_NR, left, b, c);
        b += s.groups * INT4_PANEL_BYTES;
        c += INT4_NR;
    }
}

#define INT4_GEMM                                                                             \
    AB_VARIANT(int4_packed, .accepts = int4_accepts, .shared_bytes = int4_shared_bytes,       \
               .phases = int4_phases, .grains = int4_grains, .run = int4_run,                 \
               .packed_bytes = int4_packed_bytes, .pack = int4_pack)

#endif
