/* C = A B for one data type, in three ways, around the register blocks that the including file
 * provides:
 *
 *   MR, NR           rows and columns of the largest tile
 *   MC, KC, NC       blocks: KC x NR of packed B stays in L1, MC x KC of packed A in L2, and
 *                    KC x NC of packed B in L3; MC a multiple of MR, NC of NR
 *   tile()           c[rows][columns] (+)= a[depth][rows]^T b[depth][NR], rows <= MR,
 *                    columns <= NR; or, with WHOLE_TILES defined,
 *   whole_tile()     the same for NR columns: without masks, what is narrower is done aside
 *   transpose_rows() packed[depth][rows] = a[rows][depth]^T, rows <= MR
 *   STEPS            rows of B that fit in registers, NR columns wide
 *   update()         sums[rows][NR] (+)= a[rows][STEPS] b[STEPS][NR], any number of rows
 *   STREAMS          rows of B read side by side
 *   stream_of()      c[rows][columns] (+)= a[rows][steps] b[steps][columns], rows <= 4 and
 *                    steps <= STREAMS known when compiled, columns a multiple of LANES
 *
 * PACK, many rows: blocked and packed (Goto & van de Geijn 2008).  Two phases for every block of
 * NC columns and KC of k: pack both matrices, then multiply.  Grains are groups of panels, then
 * blocks of C.  Rows are dealt to tiles evenly (30 rows are 10 + 10 + 10, not 14 + 14 + 2), so a
 * panel has as many rows as its tile and is never padded.
 *
 * STRIP, few rows (decode) or a small B: B is used too little, or is too close, to pay for a
 * pass that only packs it.  A grain owns a strip of columns and walks down B, STEPS rows at a
 * time in registers, adding to sums that stay in L1 until the last step.
 *
 * STREAM, very few rows: the call takes as long as B takes to arrive, so B is read as it lies,
 * whole rows at a time.  A grain owns a slice of rows; a second phase adds the slices up.
 */
#ifndef ARMBENCH_GEMM_H
#define ARMBENCH_GEMM_H

#include "armbench.h"

#include <string.h>

#define PACK_PANELS_MOST 4        /* panels of B packed by a grain, */
#define TILE_PANELS_MOST 16       /* and multiplied: fewer where threads would have none */
#define VERY_FEW_ROWS 4
#define STREAM_ROWS 128           /* of B, and columns, that a grain streams */
#define STREAM_COLUMNS 4096        /* or fewer, but not less than these, for many threads */
#define STREAM_COLUMNS_LEAST 256
#define ADD_COLUMNS 256           /* columns in which a grain adds slices up */
#define FEW_ROWS 64               /* packing B does not pay up to here (measured on Zen 5), */
#define SMALL_B (256 << 10)       /* nor if B stays in L2, up to MANY_ROWS */
#define MANY_ROWS 256
#define STRIP_SUMS (32 << 10)     /* bytes of the sums of a strip: they share L1 with B */
#define STRIP_COLUMNS (512 / NR * NR)
#define AHEAD_BYTES (16 << 10)    /* how far ahead of its use B is fetched */
#define LARGE_C (8 << 20)         /* bytes: C leaves the caches between two blocks of k, so these */
#define DEEPER 2                  /* are so many times as deep (worth 2 % on Zen 5 at n = 2048) */
#define LINE 64                   /* bytes that a prefetch brings */

typedef struct gemm_shape {
    int64_t m, n, k;
} gemm_shape;

static inline gemm_shape shape_of(const int64_t *params) {
    return (gemm_shape){params[0], params[1], params[2]};
}

static inline int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t blocks(int64_t length, int64_t block) { return (length + block - 1) / block; }

/* Start of part i of `length` dealt as evenly as possible to `parts`. */
static inline int64_t part(int64_t length, int64_t parts, int64_t i) {
    int64_t each = length / parts, longer = length % parts;
    return i * each + min_of(i, longer);
}

typedef enum gemm_way { STREAM, STRIP, PACK } gemm_way;

static inline gemm_way way_of(gemm_shape s) {
    int64_t few = s.k * s.n * (int64_t)sizeof(element) <= SMALL_B ? MANY_ROWS : FEW_ROWS;
    return s.m <= VERY_FEW_ROWS ? STREAM : s.m <= few ? STRIP : PACK;
}

/* ---- stream: very few rows ---------------------------------------------------------------- */

static inline int64_t slices_of(gemm_shape s) { return blocks(s.k, STREAM_ROWS); }

/* Columns that a grain streams: so many that each thread has two grains. */
static inline int64_t stream_columns(gemm_shape s, uint64_t threads) {
    int64_t columns = STREAM_COLUMNS;
    while (threads > 1 && columns > STREAM_COLUMNS_LEAST &&
           slices_of(s) * blocks(s.n, columns) < 2 * (int64_t)threads)
        columns /= 2;
    return columns;
}

static inline __attribute__((always_inline)) void stream_steps(
    const int rows, int64_t columns, int64_t depth, const element *a, int64_t a_stride,
    const element *b, element *c, int64_t stride) {
    int64_t p = 0;
    for (; p + STREAMS <= depth; p += STREAMS)
        stream_of(rows, STREAMS, columns, a + p, a_stride, b + p * stride, c, stride, p > 0);
    for (; p < depth; p++)
        stream_of(rows, 1, columns, a + p, a_stride, b + p * stride, c, stride, p > 0);
}

static void stream(int64_t rows, int64_t columns, int64_t depth, const element *a,
                   int64_t a_stride, const element *b, element *c, int64_t stride) {
    switch (rows) {
    case 1: stream_steps(1, columns, depth, a, a_stride, b, c, stride); break;
    case 2: stream_steps(2, columns, depth, a, a_stride, b, c, stride); break;
    case 3: stream_steps(3, columns, depth, a, a_stride, b, c, stride); break;
    case 4: stream_steps(4, columns, depth, a, a_stride, b, c, stride); break;
    }
}

/* The columns that fill no vector. */
static void stream_rest(int64_t rows, int64_t columns, int64_t depth, const element *a,
                        int64_t a_stride, const element *b, element *c, int64_t stride) {
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            element sum = 0;
            for (int64_t p = 0; p < depth; p++)
                sum += a[i * a_stride + p] * b[p * stride + j];
            c[i * stride + j] = sum;
        }
}

/* The sums of one slice of B, to where they are added up: straight to C if there is but one. */
static void run_stream(gemm_shape s, const element *a, const element *b, element *c,
                       element *partial, uint64_t threads, int64_t grain) {
    int64_t slices = slices_of(s), slice = grain % slices, width = stream_columns(s, threads);
    int64_t column = grain / slices * width;
    int64_t start = part(s.k, slices, slice), depth = part(s.k, slices, slice + 1) - start;
    int64_t columns = min_of(width, s.n - column), whole = columns / LANES * LANES;
    element *sums = (slices > 1 ? partial + slice * s.m * s.n : c) + column;
    a += start;
    b += start * s.n + column;
    if (whole)
        stream(s.m, whole, depth, a, s.k, b, sums, s.n);
    stream_rest(s.m, columns - whole, depth, a, s.k, b + whole, sums + whole, s.n);
}

static void add_slices(gemm_shape s, const element *partial, element *c, int64_t grain) {
    int64_t first = grain * ADD_COLUMNS, last = min_of(s.n, first + ADD_COLUMNS);
    for (int64_t i = 0; i < s.m; i++) {
        element *restrict row = c + i * s.n;
        for (int64_t j = first; j < last; j++)
            row[j] = partial[i * s.n + j];
        for (int64_t slice = 1; slice < slices_of(s); slice++)
            for (int64_t j = first; j < last; j++)
                row[j] += partial[(slice * s.m + i) * s.n + j];
    }
}

/* ---- strip: few rows, or a small B -------------------------------------------------------- */

/* Columns of a strip: what fits STRIP_SUMS and gives every thread one, a multiple of NR. */
static inline int64_t strip_columns(gemm_shape s, uint64_t threads) {
    int64_t fit = STRIP_SUMS / (int64_t)sizeof(element) / max_of(1, s.m) / NR * NR;
    int64_t dealt = blocks(blocks(s.n, NR), (int64_t)threads) * NR;
    return max_of(NR, min_of(dealt, min_of(STRIP_COLUMNS, fit)));
}

static uint64_t scratch_bytes(const int64_t *params) {
    gemm_shape s = shape_of(params);
    uint64_t sums = (uint64_t)(s.m * strip_columns(s, 1)), last_steps = (uint64_t)s.m * STEPS;
    return way_of(s) == STRIP ? (sums + last_steps) * sizeof(element) : 0;
}

/* Copy a block into the corner of one that is otherwise zero. */
static void pad(const element *from, int64_t stride, int64_t rows, int64_t columns, element *to,
                int64_t to_rows, int64_t to_columns) {
    memset(to, 0, (size_t)(to_rows * to_columns) * sizeof(element));
    for (int64_t i = 0; i < rows; i++)
        memcpy(to + i * to_columns, from + i * stride, (size_t)columns * sizeof(element));
}

/* Where B is read next: each block of the strip fetches its share of some rows further down, in
 * the order of addresses, because DRAM and its prefetchers answer runs faster than columns. */
typedef struct gemm_ahead {
    const element *row;
    int64_t column, columns, stride;
} gemm_ahead;

static inline const element *next_chunk(gemm_ahead *ahead) {
    const element *chunk = ahead->row + ahead->column;
    ahead->column += STEPS * NR;
    while (ahead->column >= ahead->columns) {
        ahead->column -= ahead->columns;
        ahead->row += ahead->stride;
    }
    return chunk;
}

/* STEPS rows of B, `steps` of them real, on all columns of the strip. */
static void update_strip(gemm_shape s, int64_t columns, int64_t steps, const element *a,
                         int64_t a_stride, const element *b, element *sums, int accumulate) {
    int64_t width = blocks(columns, NR) * NR;
    int64_t groups = blocks(AHEAD_BYTES, STEPS * width * (int64_t)sizeof(element));
    gemm_ahead ahead = {b + groups * STEPS * s.n, 0, width, s.n};
    for (int64_t j = 0; j < columns; j += NR, sums += s.m * NR) {
        const element *chunk = next_chunk(&ahead);
        if (steps == STEPS && columns - j >= NR) {
            update(s.m, a, a_stride, b + j, s.n, sums, accumulate, chunk);
        } else {
            element block[STEPS * NR];
            pad(b + j, s.n, steps, min_of(NR, columns - j), block, STEPS, NR);
            update(s.m, a, a_stride, block, NR, sums, accumulate, chunk);
        }
    }
}

static void run_strip(gemm_shape s, const element *a, const element *b, element *c, element *sums,
                      uint64_t threads, int64_t grain) {
    int64_t width = strip_columns(s, threads), column = grain * width;
    int64_t columns = min_of(width, s.n - column);
    int64_t whole = s.k / STEPS * STEPS, left = s.k - whole;
    for (int64_t p = 0; p < whole; p += STEPS)
        update_strip(s, columns, STEPS, a + p, s.k, b + p * s.n + column, sums, p > 0);
    if (left) {
        element *last = sums + s.m * width;
        pad(a + whole, s.k, s.m, left, last, s.m, STEPS);
        update_strip(s, columns, left, last, STEPS, b + whole * s.n + column, sums, whole > 0);
    }
    for (int64_t j = 0; j < columns; j += NR)
        for (int64_t i = 0; i < s.m; i++)
            memcpy(c + i * s.n + column + j, sums + j * s.m + i * NR,
                   (size_t)min_of(NR, columns - j) * sizeof(element));
}

/* ---- pack: which columns and which k --------------------------------------------- */

typedef struct gemm_block {
    int64_t column, columns, depth_start, depth;
} gemm_block;

static inline int64_t most_depth(gemm_shape s) {
    return s.m * s.n * (int64_t)sizeof(element) > LARGE_C ? DEEPER * KC : KC;
}

static inline gemm_block block_of(gemm_shape s, uint64_t phase) {
    int64_t deep = blocks(s.k, most_depth(s)), index = (int64_t)phase / 2;
    int64_t column = index / deep * NC;
    int64_t start = part(s.k, deep, index % deep);
    return (gemm_block){column, min_of(NC, s.n - column), start,
                        part(s.k, deep, index % deep + 1) - start};
}

/* ---- packing ------------------------------------------------------------------------------ */

/* Packed A, room for a vector that reaches past its end, then packed B. */
static uint64_t packed_a_elements(gemm_shape s) {
    return (uint64_t)blocks(s.m * min_of(s.k, most_depth(s)), 64) * 64 + 64;
}

static uint64_t packed_b_elements(gemm_shape s) {
    return (uint64_t)(blocks(min_of(s.n, NC), NR) * NR * min_of(s.k, most_depth(s)));
}

/* Rows of A dealt to blocks of at most MC, and within a block to tiles of at most MR. */
static inline int64_t row_block(gemm_shape s, int64_t i) { return part(s.m, blocks(s.m, MC), i); }

/* Tiles of the highest block of rows. */
static inline int64_t most_tiles(gemm_shape s) { return blocks(blocks(s.m, blocks(s.m, MC)), MR); }

/* A grain packs a block of rows, or, where many threads are to have some, a tile of it. */
static inline int64_t a_grains(gemm_shape s, uint64_t threads) {
    return blocks(s.m, MC) * (threads > 1 ? most_tiles(s) : 1);
}

static void pack_a(gemm_shape s, gemm_block block, const element *a, element *packed,
                   uint64_t threads, int64_t grain) {
    int64_t pieces = threads > 1 ? most_tiles(s) : 1, i = grain / pieces, piece = grain % pieces;
    int64_t first = row_block(s, i), rows = row_block(s, i + 1) - first, tiles = blocks(rows, MR);
    int64_t end = pieces > 1 ? min_of(tiles, piece + 1) : tiles;
    for (int64_t t = piece; t < end; t++) {
        int64_t from = first + part(rows, tiles, t), to = first + part(rows, tiles, t + 1);
        transpose_rows(a + from * s.k + block.depth_start, s.k, to - from, block.depth,
                       packed + from * block.depth);
    }
}

/* Columns of a grain: `most` panels, halved until there are as many grains as wanted. */
static inline int64_t grain_columns(gemm_block block, int64_t most, int64_t wanted) {
    int64_t panels = most;
    while (panels > 1 && blocks(block.columns, panels * NR) < wanted)
        panels /= 2;
    return panels * NR;
}

/* Those of B, beside which there are those of A. */
static inline int64_t pack_columns(gemm_shape s, gemm_block block, uint64_t threads) {
    return grain_columns(block, PACK_PANELS_MOST, (int64_t)threads - a_grains(s, threads));
}

/* Those of C, of each block of rows. */
static inline int64_t tile_columns(gemm_shape s, gemm_block block, uint64_t threads) {
    return grain_columns(block, TILE_PANELS_MOST, blocks((int64_t)threads, blocks(s.m, MC)));
}

static void pack_b(gemm_shape s, gemm_block block, const element *b, element *restrict packed,
                   uint64_t threads, int64_t grain) {
    int64_t width = pack_columns(s, block, threads);
    int64_t end = min_of(block.columns, (grain + 1) * width);
    for (int64_t j = grain * width; j < end; j += NR) {
        const element *from = b + block.depth_start * s.n + block.column + j;
        element *to = packed + j * block.depth;
        if (end - j < NR)
            pad(from, s.n, block.depth, end - j, to, block.depth, NR);
        else
            for (int64_t p = 0; p < block.depth; p++)
                memcpy(to + p * NR, from + p * s.n, NR * sizeof(element));
    }
}

/* ---- multiplying -------------------------------------------------------------------------- */

#ifdef WHOLE_TILES
/* The last columns: a whole tile computed aside, of which the part that exists is kept. */
static void tile(int64_t rows, int64_t columns, int64_t depth, const element *a, const element *b,
                 element *c, int64_t stride, int accumulate) {
    element aside[MR * NR];
    if (columns == NR) {
        whole_tile(rows, depth, a, b, c, stride, accumulate);
        return;
    }
    whole_tile(rows, depth, a, b, aside, NR, 0);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            c[i * stride + j] = aside[i * NR + j] + (accumulate ? c[i * stride + j] : 0);
}
#endif

/* C comes from beyond L2; asked for when its tile begins, it is there when the tile ends. */
static inline void fetch_tile(const element *c, int64_t rows, int64_t stride) {
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < NR; j += LINE / (int64_t)sizeof(element))
            __builtin_prefetch(c + i * stride + j, 0, 2);
}

static void multiply(gemm_shape s, gemm_block block, const element *packed_a,
                     const element *packed_b, element *c, uint64_t threads, int64_t grain) {
    int64_t width = tile_columns(s, block, threads), splits = blocks(block.columns, width);
    int64_t i = grain / splits, split = grain % splits;
    int64_t first = row_block(s, i), rows = row_block(s, i + 1) - first, tiles = blocks(rows, MR);
    int64_t end = min_of(block.columns, (split + 1) * width);
    for (int64_t j = split * width; j < end; j += NR)
        for (int64_t t = 0; t < tiles; t++) {
            int64_t from = first + part(rows, tiles, t), to = first + part(rows, tiles, t + 1);
            element *corner = c + from * s.n + block.column + j;
            fetch_tile(corner, to - from, s.n);
            tile(to - from, min_of(NR, end - j), block.depth, packed_a + from * block.depth,
                 packed_b + j * block.depth, corner, s.n, block.depth_start > 0);
        }
}

/* ---- the three ways as a call ------------------------------------------------------------- */

static uint64_t phases(const int64_t *params) {
    gemm_shape s = shape_of(params);
    switch (way_of(s)) {
    case STREAM: return slices_of(s) > 1 ? 2 : 1;
    case STRIP: return 1;
    default: return 2 * (uint64_t)(blocks(s.n, NC) * blocks(s.k, most_depth(s)));
    }
}

static uint64_t grains(const int64_t *params, uint64_t phase, uint64_t threads) {
    gemm_shape s = shape_of(params);
    gemm_block block = block_of(s, phase);
    int64_t rows = blocks(s.m, MC);
    switch (way_of(s)) {
    case STREAM:
        return (uint64_t)(phase ? blocks(s.n, ADD_COLUMNS)
                                : slices_of(s) * blocks(s.n, stream_columns(s, threads)));
    case STRIP:
        return (uint64_t)blocks(s.n, strip_columns(s, threads));
    default:
        return (uint64_t)(phase % 2
                              ? rows * blocks(block.columns, tile_columns(s, block, threads))
                              : a_grains(s, threads) +
                                    blocks(block.columns, pack_columns(s, block, threads)));
    }
}

static uint64_t shared_bytes(const int64_t *params) {
    gemm_shape s = shape_of(params);
    switch (way_of(s)) {
    case STREAM: return slices_of(s) > 1 ? slices_of(s) * s.m * s.n * sizeof(element) : 0;
    case STRIP: return 0;
    default: return (packed_a_elements(s) + packed_b_elements(s)) * sizeof(element);
    }
}

static void run_packed(gemm_shape s, const element *a, const element *b, element *c,
                       element *packed_a, uint64_t threads, uint64_t phase, int64_t grain) {
    gemm_block block = block_of(s, phase);
    element *packed_b = packed_a + packed_a_elements(s);
    int64_t of_a = a_grains(s, threads);
    if (phase % 2)
        multiply(s, block, packed_a, packed_b, c, threads, grain);
    else if (grain < of_a)
        pack_a(s, block, a, packed_a, threads, grain);
    else
        pack_b(s, block, b, packed_b, threads, grain - of_a);
}

static void run(const ab_call *call, uint64_t phase, uint64_t grain) {
    gemm_shape s = shape_of(call->params);
    const element *a = call->operands[0], *b = call->operands[1];
    element *c = call->operands[2];
    switch (way_of(s)) {
    case STREAM:
        if (phase)
            add_slices(s, call->shared, c, (int64_t)grain);
        else
            run_stream(s, a, b, c, call->shared, call->threads, (int64_t)grain);
        break;
    case STRIP:
        run_strip(s, a, b, c, call->scratch, call->threads, (int64_t)grain);
        break;
    case PACK:
        run_packed(s, a, b, c, call->shared, call->threads, phase, (int64_t)grain);
        break;
    }
}

#define GEMM(operation)                                                                       \
    AB_VARIANT(operation, .shared_bytes = shared_bytes, .scratch_bytes = scratch_bytes,       \
               .phases = phases, .grains = grains, .run = run)

#endif
