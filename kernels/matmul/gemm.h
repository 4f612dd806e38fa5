/* C = A B for one data type, blocked and packed (Goto & van de Geijn 2008), around a
 * register tile that the including file provides:
 *
 *   MR, NR           rows and columns of the largest tile
 *   MC, KC, NC       blocks: KC x NR of packed B stays in L1, MC x KC of packed A in L2, and
 *                    KC x NC of packed B in L3.  MC is a multiple of MR, NC of NR.
 *   tile()           c[rows][columns] (+)= a[KC][rows]^T b[KC][NR], rows <= MR, columns <= NR
 *   transpose_rows() dst[k][rows] = src[rows][k] for a packed panel of A
 *   axpy_rows()      y[m][n] += x[m][k] b[k][n], B in place: for m too small to pay for packing
 *
 * One call is a sequence of phases.  For every block of NC columns and KC of k there are two:
 * pack both matrices, then multiply.  Grains are groups of panels, then blocks of C.
 * Rows are dealt to tiles evenly (16 rows are 8 + 8, not 14 + 2), so a panel has as many rows
 * as its tile and is never padded.
 */
#ifndef ARMBENCH_GEMM_H
#define ARMBENCH_GEMM_H

#include "armbench.h"

#define PACK_COLUMNS (4 * NR)    /* columns of B packed by a grain */
#define TILE_COLUMNS (16 * NR)   /* columns of C computed by a grain */
#define NARROW_COLUMNS 1024      /* columns of C computed by a grain without packing */

typedef struct gemm_shape {
    int64_t m, n, k;
} gemm_shape;

static inline gemm_shape shape_of(const int64_t *params) {
    return (gemm_shape){params[0], params[1], params[2]};
}

static inline int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t blocks(int64_t length, int64_t block) { return (length + block - 1) / block; }

/* Start of part i of `length` dealt as evenly as possible to `parts`. */
static inline int64_t part(int64_t length, int64_t parts, int64_t i) {
    int64_t each = length / parts, longer = length % parts;
    return i * each + min_of(i, longer);
}

static inline int is_narrow(gemm_shape s) { return s.m <= NARROW_ROWS; }

/* ---- one block: which columns and which k ------------------------------------------------ */

typedef struct gemm_block {
    int64_t column, columns, depth_start, depth;
} gemm_block;

static inline gemm_block block_of(gemm_shape s, uint64_t phase) {
    int64_t deep = blocks(s.k, KC), index = (int64_t)phase / 2;
    int64_t column = index / deep * NC;
    int64_t start = part(s.k, deep, index % deep);
    return (gemm_block){column, min_of(NC, s.n - column), start,
                        part(s.k, deep, index % deep + 1) - start};
}

static uint64_t phases(const int64_t *params) {
    gemm_shape s = shape_of(params);
    return is_narrow(s) ? 1 : 2 * (uint64_t)(blocks(s.n, NC) * blocks(s.k, KC));
}

static uint64_t grains(const int64_t *params, uint64_t phase) {
    gemm_shape s = shape_of(params);
    if (is_narrow(s))
        return (uint64_t)blocks(s.n, NARROW_COLUMNS);
    gemm_block block = block_of(s, phase);
    int64_t rows = blocks(s.m, MC);
    return (uint64_t)(phase % 2 == 0 ? rows + blocks(block.columns, PACK_COLUMNS)
                                     : rows * blocks(block.columns, TILE_COLUMNS));
}

/* Packed A (m x KC), then packed B (KC x NC), and room for a vector stored past the end. */
static uint64_t packed_a_elements(gemm_shape s) { return (uint64_t)blocks(s.m * KC, 64) * 64 + 64; }

static uint64_t shared_bytes(const int64_t *params) {
    gemm_shape s = shape_of(params);
    uint64_t columns = (uint64_t)blocks(min_of(s.n, NC), NR) * NR;
    return is_narrow(s) ? 0 : (packed_a_elements(s) + columns * KC + 64) * sizeof(element);
}

/* ---- packing ------------------------------------------------------------------------------ */

/* Rows of A dealt to blocks of at most MC, and within a block to tiles of at most MR. */
static inline int64_t row_block(gemm_shape s, int64_t i) { return part(s.m, blocks(s.m, MC), i); }

static void pack_a(gemm_shape s, gemm_block block, const element *a, element *packed, int64_t i) {
    int64_t first = row_block(s, i), rows = row_block(s, i + 1) - first, tiles = blocks(rows, MR);
    for (int64_t t = 0; t < tiles; t++) {
        int64_t from = first + part(rows, tiles, t), to = first + part(rows, tiles, t + 1);
        transpose_rows(a + from * s.k + block.depth_start, s.k, to - from, block.depth,
                       packed + from * block.depth);
    }
}

static void pack_b(gemm_shape s, gemm_block block, const element *b, element *restrict packed,
                   int64_t grain) {
    int64_t end = min_of(block.columns, (grain + 1) * PACK_COLUMNS);
    for (int64_t j = grain * PACK_COLUMNS; j < end; j += NR) {
        const element *from = b + block.depth_start * s.n + block.column + j;
        element *to = packed + j * block.depth;
        int64_t columns = min_of(NR, end - j);
        if (columns == NR) {
            for (int64_t p = 0; p < block.depth; p++)
                for (int64_t c = 0; c < NR; c++)
                    to[p * NR + c] = from[p * s.n + c];
        } else {
            for (int64_t p = 0; p < block.depth; p++)
                for (int64_t c = 0; c < NR; c++)
                    to[p * NR + c] = c < columns ? from[p * s.n + c] : 0;
        }
    }
}

/* ---- multiplying -------------------------------------------------------------------------- */

static void multiply(gemm_shape s, gemm_block block, const element *packed_a,
                     const element *packed_b, element *c, int64_t grain) {
    int64_t splits = blocks(block.columns, TILE_COLUMNS);
    int64_t i = grain / splits, split = grain % splits;
    int64_t first = row_block(s, i), rows = row_block(s, i + 1) - first, tiles = blocks(rows, MR);
    int64_t end = min_of(block.columns, (split + 1) * TILE_COLUMNS);
    for (int64_t j = split * TILE_COLUMNS; j < end; j += NR)
        for (int64_t t = 0; t < tiles; t++) {
            int64_t from = first + part(rows, tiles, t), to = first + part(rows, tiles, t + 1);
            tile(to - from, min_of(NR, end - j), block.depth, packed_a + from * block.depth,
                 packed_b + j * block.depth, c + from * s.n + block.column + j, s.n,
                 block.depth_start > 0);
        }
}

static void run_narrow(gemm_shape s, const element *a, const element *b, element *c, int64_t grain) {
    int64_t column = grain * NARROW_COLUMNS, columns = min_of(NARROW_COLUMNS, s.n - column);
    axpy_rows(s.m, columns, s.k, a, b + column, c + column, s.n);
}

static void run(const ab_call *call, uint64_t phase, uint64_t grain) {
    gemm_shape s = shape_of(call->params);
    const element *a = call->operands[0], *b = call->operands[1];
    element *c = call->operands[2];
    if (is_narrow(s)) {
        run_narrow(s, a, b, c, (int64_t)grain);
        return;
    }
    gemm_block block = block_of(s, phase);
    element *packed_a = call->shared, *packed_b = packed_a + packed_a_elements(s);
    int64_t rows = blocks(s.m, MC), index = (int64_t)grain;
    if (phase % 2)
        multiply(s, block, packed_a, packed_b, c, index);
    else if (index < rows)
        pack_a(s, block, a, packed_a, index);
    else
        pack_b(s, block, b, packed_b, index - rows);
}

#endif
