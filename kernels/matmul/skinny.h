/* C = A B of few rows (decode), with B as it is given: B is used too little to pay for a pass that only
 * packs it.  Around the register blocks that the including file provides:
 *
 *   element          of A, B and C
 *   NR, LANES        columns of a block; those of a vector
 *   STEPS            rows of B that fit in registers, NR columns wide
 *   update()         sums[rows][NR] (+)= a[rows][STEPS] b[STEPS][NR], any number of rows
 *   STREAMS          rows of B read side by side
 *   stream_of()      c[rows][columns] (+)= a[rows][steps] b[steps][columns], rows <= 4 and
 *                    steps <= STREAMS known when compiled, columns a multiple of LANES
 *
 * STREAM, very few rows: the call takes as long as B takes to arrive, so B is read as it lies,
 * whole rows at a time.  A grain owns a slice of rows; a second phase adds the slices up.
 *
 * STRIP, more: a grain owns a strip of columns and walks down B, STEPS rows at a time in registers,
 * adding to sums that stay in L1 until the last step.
 */
#ifndef ARMBENCH_MATMUL_SKINNY_H
#define ARMBENCH_MATMUL_SKINNY_H

#include "armbench.h"

#include <string.h>

#define VERY_FEW_ROWS 4
#define STREAM_ROWS 128           /* of B, and columns, that a grain streams */
#define STREAM_COLUMNS 4096       /* or fewer, but not less than these, for many threads */
#define STREAM_COLUMNS_LEAST 256
#define ADD_COLUMNS 256           /* columns in which a grain adds slices up */
#define STRIP_SUMS (32 << 10)     /* bytes of the sums of a strip: they share L1 with B */
#define STRIP_COLUMNS (512 / NR * NR)
#define AHEAD_BYTES (16 << 10)    /* how far ahead of its use B is fetched */

typedef struct skinny_shape {
    int64_t m, n, k;
} skinny_shape;

static inline skinny_shape shape_of(const int64_t *params) {
    return (skinny_shape){params[0], params[1], params[2]};
}

static inline int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t blocks(int64_t length, int64_t block) { return (length + block - 1) / block; }

/* Start of part i of `length` dealt as evenly as possible to `parts`. */
static inline int64_t part(int64_t length, int64_t parts, int64_t i) {
    int64_t each = length / parts, longer = length % parts;
    return i * each + min_of(i, longer);
}

static inline int streamed(skinny_shape s) { return s.m <= VERY_FEW_ROWS; }

/* ---- stream: very few rows ---------------------------------------------------------------- */

static inline int64_t slices_of(skinny_shape s) { return blocks(s.k, STREAM_ROWS); }

/* Columns that a grain streams: so many that each thread has two grains. */
static inline int64_t stream_columns(skinny_shape s, uint64_t threads) {
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
static void run_stream(skinny_shape s, const element *a, const element *b, element *c,
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

static void add_slices(skinny_shape s, const element *partial, element *c, int64_t grain) {
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

/* ---- strip: few rows ---------------------------------------------------------------------- */

/* Columns of a strip: what fits STRIP_SUMS and gives every thread one, a multiple of NR. */
static inline int64_t strip_columns(skinny_shape s, uint64_t threads) {
    int64_t fit = STRIP_SUMS / (int64_t)sizeof(element) / max_of(1, s.m) / NR * NR;
    int64_t dealt = blocks(blocks(s.n, NR), (int64_t)threads) * NR;
    return max_of(NR, min_of(dealt, min_of(STRIP_COLUMNS, fit)));
}

static uint64_t scratch_bytes(const int64_t *params) {
    skinny_shape s = shape_of(params);
    uint64_t sums = (uint64_t)(s.m * strip_columns(s, 1)), last_steps = (uint64_t)s.m * STEPS;
    return streamed(s) ? 0 : (sums + last_steps) * sizeof(element);
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
typedef struct skinny_ahead {
    const element *row;
    int64_t column, columns, stride;
} skinny_ahead;

static inline const element *next_chunk(skinny_ahead *ahead) {
    const element *chunk = ahead->row + ahead->column;
    ahead->column += STEPS * NR;
    while (ahead->column >= ahead->columns) {
        ahead->column -= ahead->columns;
        ahead->row += ahead->stride;
    }
    return chunk;
}

/* STEPS rows of B, `steps` of them real, on all columns of the strip. */
static void update_strip(skinny_shape s, int64_t columns, int64_t steps, const element *a,
                         int64_t a_stride, const element *b, element *sums, int accumulate) {
    int64_t width = blocks(columns, NR) * NR;
    int64_t groups = blocks(AHEAD_BYTES, STEPS * width * (int64_t)sizeof(element));
    skinny_ahead ahead = {b + groups * STEPS * s.n, 0, width, s.n};
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

static void run_strip(skinny_shape s, const element *a, const element *b, element *c, element *sums,
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

/* ---- both as a call ------------------------------------------------------------------------ */

static uint64_t phases(const int64_t *params) {
    skinny_shape s = shape_of(params);
    return streamed(s) && slices_of(s) > 1 ? 2 : 1;
}

static uint64_t grains(const int64_t *params, uint64_t phase, uint64_t threads) {
    skinny_shape s = shape_of(params);
    if (!streamed(s))
        return (uint64_t)blocks(s.n, strip_columns(s, threads));
    return (uint64_t)(phase ? blocks(s.n, ADD_COLUMNS)
                            : slices_of(s) * blocks(s.n, stream_columns(s, threads)));
}

static uint64_t shared_bytes(const int64_t *params) {
    skinny_shape s = shape_of(params);
    return phases(params) > 1 ? (uint64_t)(slices_of(s) * s.m * s.n) * sizeof(element) : 0;
}

static void run(const ab_call *call, uint64_t phase, uint64_t grain) {
    skinny_shape s = shape_of(call->params);
    const element *a = call->operands[0], *b = call->operands[1];
    element *c = call->operands[2];
    if (!streamed(s))
        run_strip(s, a, b, c, call->scratch, call->threads, (int64_t)grain);
    else if (phase)
        add_slices(s, call->shared, c, (int64_t)grain);
    else
        run_stream(s, a, b, c, call->shared, call->threads, (int64_t)grain);
}

#endif
