/* C = A B over packed panels, around what the including file provides for one operation:
 *
 *   OPERATION            its name; everything else defined here begins with it
 *   SOURCE, OUT          element types of A and B as given, and of C
 *   LEFT, RIGHT, SUM     those of the packed panels, and of the sums
 *   DEPTH, MR, NR        k that lies together; rows and columns of the largest tile
 *   MC, KC, NC           blocks of rows, k and columns; MC a multiple of MR, NC of NR
 *   PACK_A               (from, depth, to, head): a row of A, zeros up to a multiple of DEPTH; and
 *                        the sum at which its row of C begins, if HEADS is 1
 *   PACK_TILE            instead of it where a tile takes rows of A together: (from, stride, rows,
 *                        depth, to), to[groups][rows][DEPTH], rows filled up to a multiple of ROWS_OF
 *   ROWS_OF              rows of A that no two tiles share a part of; 1 if undefined
 *   PACK_B               (from, stride, columns, depth, to): to[groups][NR][DEPTH]
 *   TILE                 see vector_tile.h, neon_tile.h, sve_tile.h
 *   ROUND                (sum): C's element, if its type is not SUM; else undefined
 *
 * OPERATION, SOURCE, OUT, what packs and ROUND are undefined at the end, so that a tile can serve
 * several operations; what describes the tile is by tile_end.h.
 *
 * Many rows, blocked.h (Goto & van de Geijn 2008): for every block of NC columns and KC of k a phase that packs
 * B, unless it was before any call, then one that multiplies, in which a grain packs the rows of A
 * that it needs, so that they stay in L2.  Few rows of weights packed beforehand: few_rows.h.
 */
#include "armbench.h"

#include <stdint.h>
#include <string.h>

#ifndef ARMBENCH_MATMUL_PANELS_H
#define ARMBENCH_MATMUL_PANELS_H

#define PN_JOIN(a, b) a##_##b
#define PN_JOINED(a, b) PN_JOIN(a, b)
#define PN(name) PN_JOINED(OPERATION, name)
#define PN_TILE(name) PN_JOINED(TILE, name)

#define PACK_PANELS 16       /* of B, packed by a grain, or fewer for many threads, */
#define PACK_ROWS 256        /* so many rows of it, likewise, */
#define PACK_LEAST 32        /* and never fewer; */
#define PACK_AT_ONCE 8       /* these, or DEPTH, before the next: more streams than that are slower */
#define SPLIT_COLUMNS 1024   /* of C, for a grain: packing its rows of A is little beside */
#define SPLITS_MOST 16       /* of a block's columns, where threads ask for more, */
#define ROUNDS_MOST 3        /* and grains for each of them */

typedef struct panels_shape {
    int64_t m, n, k;
} panels_shape;

typedef struct panels_block {
    int64_t column, columns, group, groups;
} panels_block;

static inline panels_shape panels_shape_of(const int64_t *params) {
    return (panels_shape){params[0], params[1], params[2]};
}

static inline int64_t pieces(int64_t length, int64_t piece) { return (length + piece - 1) / piece; }

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* Start of part i of `length` dealt as evenly as possible to `parts`. */
static inline int64_t share(int64_t length, int64_t parts, int64_t i) {
    return i * (length / parts) + least(i, length % parts);
}

/* Parts into which rows and columns fall. */
typedef struct panels_parts {
    int64_t rows, columns;
} panels_parts;

/* The parts of tiles by panels that are soonest done.  All wait for the thread with most, and a row of
 * tiles takes as long as one tile more, because each grain packs its rows of A. */
static inline panels_parts panels_dealt(int64_t tiles, int64_t panels, panels_parts fewest,
                                        int64_t threads) {
    panels_parts best = fewest;
    int64_t soonest = INT64_MAX, splits = least(panels, most(fewest.columns, SPLITS_MOST));
    for (int64_t columns = fewest.columns; threads > 1 && columns <= splits; columns++)
        for (int64_t rounds = 1; rounds <= ROUNDS_MOST; rounds++) {
            int64_t rows = most(fewest.rows, least(tiles, rounds * threads / columns));
            int64_t time = pieces(rows * columns, threads) * pieces(tiles, rows) *
                           (pieces(panels, columns) + 1);
            if (time < soonest) {
                soonest = time;
                best = (panels_parts){rows, columns};
            }
        }
    return best;
}

/* Rows of B, and panels, that a grain packs: so many that each thread has two grains. */
static inline panels_parts panels_packed_by(int64_t panels, int64_t depth, int64_t threads) {
    panels_parts each = {PACK_ROWS, PACK_PANELS};
    while (threads > 1 && (each.rows > PACK_LEAST || each.columns > 1) &&
           pieces(depth, each.rows) * pieces(panels, each.columns) < 2 * threads)
        if (each.rows > PACK_LEAST)
            each.rows /= 2;
        else
            each.columns /= 2;
    return each;
}

/* The operation with B as given, and the one with B packed beforehand. */
#define PANELS(operation, functions)                                                           \
    AB_VARIANT(operation, .shared_bytes = functions##_shared_bytes,                            \
               .scratch_bytes = functions##_scratch_bytes,                                     \
               .phases = functions##_phases, .grains = functions##_grains,                     \
               .run = functions##_run)
#define PANELS_PACKED(operation, functions)                                                    \
    AB_VARIANT(operation, .shared_bytes = functions##_packed_shared_bytes,                     \
               .scratch_bytes = functions##_packed_scratch_bytes,                              \
               .phases = functions##_packed_phases, .grains = functions##_packed_grains,       \
               .run = functions##_run_packed, .packed_bytes = functions##_packed_bytes,        \
               .pack = functions##_pack)

#endif

#ifndef ROWS_OF
#define ROWS_OF 1
#endif

/* ---- shapes ---------------------------------------------------------------------------------- */

static inline int64_t PN(all_groups)(panels_shape s) { return pieces(s.k, DEPTH); }

/* Where part i of rows begins. */
static inline int64_t PN(deal)(int64_t rows, int64_t parts, int64_t i) {
    return least(rows, share(pieces(rows, ROWS_OF), parts, i) * ROWS_OF);
}

/* With those that fill the last tile. */
static inline int64_t PN(filled)(int64_t rows) { return pieces(rows, ROWS_OF) * ROWS_OF; }

static inline int64_t PN(deep)(panels_shape s) { return pieces(s.k, KC); }

static inline panels_block PN(block)(panels_shape s, int64_t index) {
    int64_t deep = PN(deep)(s), groups = PN(all_groups)(s);
    int64_t column = index / deep * NC, first = share(groups, deep, index % deep);
    return (panels_block){column, least(NC, s.n - column), first,
                          share(groups, deep, index % deep + 1) - first};
}

/* How C is dealt to grains: rows, and a block's columns in whole panels.  One thread takes all
 * columns at once, and so packs A once. */
static inline panels_parts PN(parts)(panels_shape s, panels_block block, uint64_t threads) {
    int64_t panels = pieces(block.columns, NR);
    int64_t splits = threads > 1 ? pieces(panels, pieces(SPLIT_COLUMNS, NR)) : 1;
    panels_parts fewest = {pieces(s.m, MC), splits};
    return panels_dealt(pieces(s.m, MR), panels, fewest, (int64_t)threads);
}

/* Rows of B in a block, without those that fill its last group. */
static inline int64_t PN(depth)(panels_shape s, panels_block block) {
    return least(s.k - block.group * DEPTH, block.groups * DEPTH);
}

static inline int64_t PN(most_groups)(panels_shape s) {
    return pieces(PN(all_groups)(s), PN(deep)(s));
}

/* ---- workspace: a grain's packed A and its heads; B and sums, which all grains see ----------- */

static inline uint64_t PN(heads_bytes)(int64_t rows) {
    return HEADS ? ((uint64_t)rows * sizeof(SUM) + 127) / 128 * 128 : 0;
}

static inline uint64_t PN(left_bytes)(panels_shape s) {
    int64_t rows = PN(filled)(least(s.m, MC));
    return PN(heads_bytes)(rows) + (uint64_t)(rows * LEFT_STRIDE) * sizeof(LEFT);
}

static inline uint64_t PN(right_bytes)(panels_shape s) {
    int64_t panels = pieces(least(s.n, NC), NR);
    return (uint64_t)(panels * PN(most_groups)(s) * NR * DEPTH) * sizeof(RIGHT);
}

/* Columns of the sums kept from one block of k to the next: none if C itself is of their type. */
static inline int64_t PN(sum_columns)(panels_shape s) {
#ifdef ROUND
    return PN(deep)(s) > 1 ? pieces(least(s.n, NC), NR) * NR : 0;
#else
    (void)s;
    return 0;
#endif
}

/* ---- packing --------------------------------------------------------------------------------- */

/* So many rows of A from `first` on, a block of k of them. */
static inline void PN(pack_rows)(panels_shape s, panels_block block, const SOURCE *a, char *space,
                                 int64_t first, int64_t rows) {
    SUM *heads = (SUM *)space;
    LEFT *packed = (LEFT *)(space + PN(heads_bytes)(rows));
    a += first * s.k + block.group * DEPTH;
#ifdef PACK_TILE
    (void)heads;
    for (int64_t t = 0, tiles = pieces(rows, MR); t < tiles; t++) {
        int64_t from = PN(deal)(rows, tiles, t), to = PN(deal)(rows, tiles, t + 1);
        PACK_TILE(a + from * s.k, s.k, to - from, PN(depth)(s, block), packed + from * LEFT_STRIDE);
    }
#else
    for (int64_t i = 0; i < rows; i++)
        PACK_A(a + i * s.k, PN(depth)(s, block), packed + i * LEFT_STRIDE,
               HEADS ? heads + i : NULL);
#endif
}

/* Panels first to last of a block of B, `rows` of its rows from `row` on. */
static inline void PN(pack_panels)(panels_shape s, panels_block block, const SOURCE *b,
                                   RIGHT *packed, int64_t first, int64_t last, int64_t row,
                                   int64_t rows) {
    const int64_t at_once = most(PACK_AT_ONCE, DEPTH);
    b += (block.group * DEPTH + row) * s.n + block.column;
    for (int64_t p = 0; p < rows; p += at_once)
        for (int64_t panel = first; panel < last; panel++)
            PACK_B(b + p * s.n + panel * NR, s.n, least(NR, block.columns - panel * NR),
                   least(at_once, rows - p),
                   packed + (panel * block.groups * DEPTH + row + p) * NR);
}

#include "blocked.h"
#include "few_rows.h"

/* ---- calls ----------------------------------------------------------------------------------- */

static inline uint64_t PN(shared_bytes)(const int64_t *params) {
    panels_shape s = panels_shape_of(params);
    return PN(right_bytes)(s) + PN(sums_bytes)(s);
}

static inline uint64_t PN(scratch_bytes)(const int64_t *params) {
    return PN(left_bytes)(panels_shape_of(params));
}

static inline uint64_t PN(phases)(const int64_t *params) {
    return 2 * PN(blocked_phases)(panels_shape_of(params));
}

static inline uint64_t PN(grains)(const int64_t *params, uint64_t phase, uint64_t threads) {
    panels_shape s = panels_shape_of(params);
    panels_block block = PN(block)(s, (int64_t)phase / 2);
    if (phase % 2)
        return (uint64_t)PN(multiply_grains)(s, block, threads);
    return (uint64_t)PN(pack_grains)(s, block, threads);
}

static inline void PN(run)(const ab_call *call, uint64_t phase, uint64_t grain) {
    panels_shape s = panels_shape_of(call->params);
    panels_block block = PN(block)(s, (int64_t)phase / 2);
    RIGHT *right = call->shared;
    SUM *sums = (SUM *)((char *)call->shared + PN(right_bytes)(s));
    if (phase % 2)
        PN(multiply)(s, block, call, right, block.groups, sums, (int64_t)grain);
    else
        PN(pack_grain)(s, block, call->operands[1], right, call->threads, (int64_t)grain);
}

static inline uint64_t PN(packed_bytes)(const int64_t *params) {
    panels_shape s = panels_shape_of(params);
    return (uint64_t)(pieces(s.n, NR) * PN(all_groups)(s) * NR * DEPTH) * sizeof(RIGHT);
}

static inline void PN(pack)(const int64_t *params, const void *operand, void *packed) {
    panels_shape s = panels_shape_of(params);
    PN(pack_panels)(s, (panels_block){0, s.n, 0, PN(all_groups)(s)}, operand, packed, 0,
                    pieces(s.n, NR), 0, s.k);
}

static inline uint64_t PN(packed_shared_bytes)(const int64_t *params) {
    panels_shape s = panels_shape_of(params);
    return s.m <= FEW_MOST ? PN(few_bytes)(s) : PN(sums_bytes)(s);
}

static inline uint64_t PN(packed_scratch_bytes)(const int64_t *params) {
    panels_shape s = panels_shape_of(params);
    return s.m <= FEW_MOST ? 0 : PN(left_bytes)(s);
}

static inline uint64_t PN(packed_phases)(const int64_t *params) {
    panels_shape s = panels_shape_of(params);
    return s.m <= FEW_MOST ? 2 : PN(blocked_phases)(s);
}

static inline uint64_t PN(packed_grains)(const int64_t *params, uint64_t phase,
                                         uint64_t threads) {
    panels_shape s = panels_shape_of(params);
    if (s.m > FEW_MOST)
        return (uint64_t)PN(multiply_grains)(s, PN(block)(s, (int64_t)phase), threads);
    return phase ? (uint64_t)pieces(s.n, NR) : 1;
}

static inline void PN(run_packed)(const ab_call *call, uint64_t phase, uint64_t grain) {
    panels_shape s = panels_shape_of(call->params);
    const RIGHT *b = call->operands[1];
    if (s.m > FEW_MOST) {
        panels_block block = PN(block)(s, (int64_t)phase);
        int64_t all = PN(all_groups)(s);
        b += (block.column * all + block.group * NR) * DEPTH;
        PN(multiply)(s, block, call, b, all, call->shared, (int64_t)grain);
    } else if (phase) {
        PN(few_panel)(s, call->shared, b, call->operands[2], (int64_t)grain);
    } else {
        PN(few_pack)(s, call->operands[0], call->shared);
    }
}

#undef OPERATION
#undef SOURCE
#undef OUT
#undef PACK_A
#undef PACK_TILE
#undef PACK_B
#undef ROUND
