/* C = A B over packed panels, around what the including file provides for one operation:
 *
 *   OPERATION            its name; everything else defined here begins with it
 *   SOURCE, OUT          element types of A and B as given, and of C
 *   LEFT, RIGHT, SUM     those of the packed panels, and of the sums
 *   DEPTH, MR, NR        k that lies together; rows and columns of the largest tile
 *   MC, KC, NC           blocks of rows, k and columns; MC a multiple of MR, NC of NR
 *   PACK_A               (from, depth, to, head): a row of A, zeros up to a multiple of DEPTH; and
 *                        the sum at which its row of C begins, if HEADS is 1
 *   PACK_B               (from, stride, columns, depth, to): to[groups][NR][DEPTH]
 *   TILE                 see vector_tile.h
 *   ROUND                (sum): C's element, if its type is not SUM; else undefined
 *
 * OPERATION, SOURCE, OUT, PACK_A, PACK_B and ROUND are undefined at the end, so that a tile can serve
 * several operations; what describes the tile is by tile_end.h.
 *
 * BLOCKED (Goto & van de Geijn 2008): for every block of NC columns and KC of k a phase that packs,
 * then one that multiplies; grains are groups of panels, then blocks of C.  FEW rows of weights
 * packed beforehand: a grain is a panel, which is read once, in the order of memory.
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

#define PACK_PANELS 16       /* of B, packed by a grain, */
#define PACK_ROWS 256        /* so many rows of it, */
#define PACK_DEPTH 32        /* these at a time, which stay in L1 until all panels have them */
#define TILE_PANELS 16       /* of C, computed by a grain */
#define FEW_MOST 16          /* rows */
#define FEW_BYTES (32 << 10) /* of a panel, used by all rows before the next are read */

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

/* The operation with B as given, and the one with B packed beforehand. */
#define PANELS(operation, functions)                                                           \
    AB_VARIANT(operation, .shared_bytes = functions##_shared_bytes,                            \
               .phases = functions##_phases, .grains = functions##_grains,                     \
               .run = functions##_run)
#define PANELS_PACKED(operation, functions)                                                    \
    AB_VARIANT(operation, .shared_bytes = functions##_packed_shared_bytes,                     \
               .phases = functions##_packed_phases, .grains = functions##_packed_grains,       \
               .run = functions##_run_packed, .packed_bytes = functions##_packed_bytes,        \
               .pack = functions##_pack)

#endif

/* ---- shapes ---------------------------------------------------------------------------------- */

static inline int64_t PN(all_groups)(panels_shape s) { return pieces(s.k, DEPTH); }

/* Where rows i of s.m begin when dealt to blocks of at most MC, or, of `rows`, to tiles. */
static inline int64_t PN(row_block)(panels_shape s, int64_t i) {
    return share(s.m, pieces(s.m, MC), i);
}

static inline int64_t PN(deep)(panels_shape s) { return pieces(s.k, KC); }

static inline panels_block PN(block)(panels_shape s, uint64_t phase) {
    int64_t deep = PN(deep)(s), index = (int64_t)phase / 2, groups = PN(all_groups)(s);
    int64_t column = index / deep * NC, first = share(groups, deep, index % deep);
    return (panels_block){column, least(NC, s.n - column), first,
                          share(groups, deep, index % deep + 1) - first};
}

/* Rows of B in a block, without those that fill its last group. */
static inline int64_t PN(depth)(panels_shape s, panels_block block) {
    return least(s.k - block.group * DEPTH, block.groups * DEPTH);
}

static inline int64_t PN(most_groups)(panels_shape s) {
    return pieces(PN(all_groups)(s), PN(deep)(s));
}

/* ---- workspace: packed A and its heads, packed B, sums --------------------------------------- */

static inline uint64_t PN(heads_bytes)(panels_shape s) {
    return HEADS ? ((uint64_t)s.m * sizeof(SUM) + 127) / 128 * 128 : 0;
}

static inline uint64_t PN(left_bytes)(panels_shape s) {
    return PN(heads_bytes)(s) + ((uint64_t)(s.m * LEFT_STRIDE) * sizeof(LEFT) + 127) / 128 * 128;
}

static inline uint64_t PN(right_bytes)(panels_shape s, int packed) {
    int64_t panels = pieces(least(s.n, NC), NR);
    return packed ? 0 : (uint64_t)(panels * PN(most_groups)(s) * NR * DEPTH) * sizeof(RIGHT);
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

/* Rows first to last, `depth` of k from `start` on. */
static inline void PN(pack_rows)(panels_shape s, int64_t start, int64_t depth, const SOURCE *a,
                          char *space, int64_t first, int64_t last) {
    SUM *heads = (SUM *)space;
    LEFT *packed = (LEFT *)(space + PN(heads_bytes)(s));
    for (int64_t i = first; i < last; i++)
        PACK_A(a + i * s.k + start, depth, packed + i * LEFT_STRIDE, HEADS ? heads + i : NULL);
}

/* Panels first to last of a block of B, `rows` of its rows from `row` on. */
static inline void PN(pack_panels)(panels_shape s, panels_block block, const SOURCE *b,
                                   RIGHT *packed, int64_t first, int64_t last, int64_t row,
                                   int64_t rows) {
    b += (block.group * DEPTH + row) * s.n + block.column;
    for (int64_t p = 0; p < rows; p += PACK_DEPTH)
        for (int64_t panel = first; panel < last; panel++)
            PACK_B(b + p * s.n + panel * NR, s.n, least(NR, block.columns - panel * NR),
                   least(PACK_DEPTH, rows - p),
                   packed + (panel * block.groups * DEPTH + row + p) * NR);
}

/* ---- a tile and its place in C --------------------------------------------------------------- */

/* A tile's sums as elements of C. */
static inline void PN(put)(const SUM *sums, int64_t stride, int64_t rows, int64_t columns, OUT *c,
                           int64_t c_stride, int accumulate) {
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
#ifdef ROUND
            (void)accumulate;
            c[i * c_stride + j] = ROUND(sums[i * stride + j]);
#else
            c[i * c_stride + j] = sums[i * stride + j] + (accumulate ? c[i * c_stride + j] : 0);
#endif
        }
}

/* What a tile multiplies, and what those after it will need. */
typedef struct PN(work) {
    const LEFT *a;
    const SUM *heads;
    const RIGHT *b;
    const char *next;
    int64_t next_step;
} PN(work);

static inline void PN(place)(panels_shape s, panels_block block, int64_t rows, int64_t columns,
                      PN(work) w, SUM *sums, int64_t sums_stride, OUT *c) {
    SUM aside[MR * NR] __attribute__((aligned(64)));
    int accumulate = block.group > 0, last = block.group + block.groups == PN(all_groups)(s);
#ifdef ROUND
    if (!sums_stride) {
        sums = aside;
        sums_stride = NR;
    }
    PN_TILE(tile)(rows, block.groups, w.a, w.heads, w.b, sums, sums_stride, accumulate, w.next,
                  w.next_step);
    if (last)
        PN(put)(sums, sums_stride, rows, columns, c, s.n, 0);
#else
    (void)sums, (void)sums_stride, (void)last;
    if (columns == NR) {
        PN_TILE(tile)(rows, block.groups, w.a, w.heads, w.b, c, s.n, accumulate, w.next,
                      w.next_step);
    } else {
        PN_TILE(tile)(rows, block.groups, w.a, w.heads, w.b, aside, NR, 0, w.next, w.next_step);
        PN(put)(aside, NR, rows, columns, c, s.n, accumulate);
    }
#endif
}

/* ---- blocked --------------------------------------------------------------------------------- */

/* `b_groups`: those of a whole panel of B, of which the block's may be a part.  While all tiles of
 * rows use a panel, they fetch the next, a part each. */
static inline void PN(multiply)(panels_shape s, panels_block block, const char *space, const RIGHT *b,
                         int64_t b_groups, SUM *sums, OUT *c, int64_t grain) {
    int64_t splits = pieces(block.columns, TILE_PANELS * NR), split = grain % splits;
    int64_t i = grain / splits, stride = PN(sum_columns)(s);
    int64_t first = PN(row_block)(s, i), rows = PN(row_block)(s, i + 1) - first;
    int64_t tiles = pieces(rows, MR), end = least(block.columns, (split + 1) * TILE_PANELS * NR);
    const SUM *heads = (const SUM *)space;
    const LEFT *a = (const LEFT *)(space + PN(heads_bytes)(s));
    for (int64_t j = split * TILE_PANELS * NR; j < end; j += NR)
        for (int64_t t = 0; t < tiles; t++) {
            int64_t from = first + share(rows, tiles, t), to = first + share(rows, tiles, t + 1);
            const RIGHT *panel = b + j * b_groups * DEPTH, *next = panel + b_groups * NR * DEPTH;
            int64_t bytes = block.groups * NR * DEPTH * (int64_t)sizeof(RIGHT) / tiles;
            PN(work) w = {a + from * LEFT_STRIDE, HEADS ? heads + from : NULL, panel,
                          (const char *)next + t * bytes, bytes / block.groups + 1};
            PN(place)(s, block, to - from, least(NR, end - j), w, sums + from * stride + j, stride,
                      c + from * s.n + block.column + j);
        }
}

static inline void PN(run_blocked)(const ab_call *call, uint64_t phase, int64_t grain, int packed) {
    panels_shape s = panels_shape_of(call->params);
    panels_block block = PN(block)(s, phase);
    int64_t row_blocks = pieces(s.m, MC), all = PN(all_groups)(s);
    char *space = call->shared;
    uint64_t left_bytes = PN(left_bytes)(s);
    RIGHT *right = (RIGHT *)(space + left_bytes);
    SUM *sums = (SUM *)(space + left_bytes + PN(right_bytes)(s, packed));
    if (phase % 2) {
        const RIGHT *b = packed ? (const RIGHT *)call->operands[1] +
                                      (block.column * all + block.group * NR) * DEPTH
                                : right;
        PN(multiply)(s, block, space, b, packed ? all : block.groups, sums, call->operands[2],
                     grain);
    } else if (grain < row_blocks) {
        PN(pack_rows)(s, block.group * DEPTH, PN(depth)(s, block), call->operands[0], space,
                      PN(row_block)(s, grain), PN(row_block)(s, grain + 1));
    } else {
        int64_t panels = pieces(block.columns, NR), groups = pieces(panels, PACK_PANELS);
        int64_t first = (grain - row_blocks) % groups * PACK_PANELS;
        int64_t row = (grain - row_blocks) / groups * PACK_ROWS;
        PN(pack_panels)(s, block, call->operands[1], right, first,
                        least(panels, first + PACK_PANELS), row,
                        least(PACK_ROWS, PN(depth)(s, block) - row));
    }
}

static inline uint64_t PN(blocked_phases)(panels_shape s) {
    return 2 * (uint64_t)(pieces(s.n, NC) * PN(deep)(s));
}

static inline uint64_t PN(blocked_grains)(panels_shape s, uint64_t phase, int packed) {
    panels_block block = PN(block)(s, phase);
    int64_t rows = pieces(s.m, MC), panels = pieces(block.columns, NR);
    if (phase % 2)
        return (uint64_t)(rows * pieces(panels, TILE_PANELS));
    return (uint64_t)(rows + (packed ? 0
                                     : pieces(panels, PACK_PANELS) *
                                           pieces(PN(depth)(s, block), PACK_ROWS)));
}

static inline uint64_t PN(blocked_bytes)(panels_shape s, int packed) {
    return PN(left_bytes)(s) + PN(right_bytes)(s, packed) +
           (uint64_t)(s.m * PN(sum_columns)(s)) * sizeof(SUM);
}

/* ---- few rows -------------------------------------------------------------------------------- */

/* Few enough rows that every tile of them has several chains, and walks all of k. */
static inline int PN(very_few)(panels_shape s) { return VT_CHAINS(s.m) > 1; }

/* Else blocks of k that all rows use before the next are read. */
static inline int64_t PN(few_deep)(panels_shape s) {
    int64_t bytes = PN(all_groups)(s) * NR * DEPTH * (int64_t)sizeof(RIGHT);
    return PN(very_few)(s) ? 1 : most(pieces(bytes, FEW_BYTES), PN(deep)(s));
}

/* From row to row of A: not a power of two, with which rows would share few sets of L1. */
static inline int64_t PN(few_stride)(panels_shape s) {
    int64_t row = PN(all_groups)(s) * DEPTH + VT_LINE / (int64_t)sizeof(LEFT);
    return PN(very_few)(s) ? row : LEFT_STRIDE;
}

static inline uint64_t PN(few_bytes)(panels_shape s) {
    return PN(heads_bytes)(s) +
           (uint64_t)(PN(few_deep)(s) * s.m * PN(few_stride)(s)) * sizeof(LEFT);
}

/* A as blocks of k, [few_deep][m][few_stride]. */
static inline void PN(few_pack)(panels_shape s, const SOURCE *a, char *space) {
    int64_t deep = PN(few_deep)(s), all = PN(all_groups)(s), stride = PN(few_stride)(s);
    SUM *heads = (SUM *)space;
    LEFT *packed = (LEFT *)(space + PN(heads_bytes)(s));
    memset(heads, 0, PN(heads_bytes)(s));
    for (int64_t q = 0; q < deep; q++, packed += s.m * stride) {
        int64_t start = share(all, deep, q) * DEPTH, end = share(all, deep, q + 1) * DEPTH;
        for (int64_t i = 0; i < s.m; i++) {
            SUM head = 0;
            PACK_A(a + i * s.k + start, least(end, s.k) - start, packed + i * stride, &head);
            if (HEADS)
                heads[i] += head;
        }
    }
}

static inline void PN(few_panel)(panels_shape s, const char *space, const RIGHT *b, OUT *c,
                          int64_t panel) {
    SUM sums[FEW_MOST * NR] __attribute__((aligned(64)));
    int64_t deep = PN(few_deep)(s), tiles = pieces(s.m, MR), all = PN(all_groups)(s);
    int64_t stride = PN(few_stride)(s);
    const SUM *heads = (const SUM *)space;
    const LEFT *a = (const LEFT *)(space + PN(heads_bytes)(s));
    b += panel * all * NR * DEPTH;
    for (int64_t q = 0; q < deep; q++, a += s.m * stride) {
        int64_t group = share(all, deep, q), groups = share(all, deep, q + 1) - group;
        uint64_t lines = (uint64_t)groups * NR * DEPTH * sizeof(RIGHT) / VT_LINE;
        const RIGHT *next = b + groups * NR * DEPTH;
        for (int64_t t = 0; t < tiles; t++) {
            int64_t row = share(s.m, tiles, t), rows = share(s.m, tiles, t + 1) - row;
            vt_ahead ahead = {(const char *)next, lines / VT_STREAMS * VT_LINE,
                              lines * (uint64_t)t / (uint64_t)tiles,
                              lines >= 2 * (uint64_t)(tiles * groups)};
            PN_TILE(few)(rows, groups, a + row * stride, stride, HEADS && !q ? heads + row : NULL,
                         b, sums + row * NR, NR, q > 0, ahead);
        }
        b = next;
    }
    PN(put)(sums, NR, s.m, least(NR, s.n - panel * NR), c + panel * NR, s.n, 0);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static inline uint64_t PN(shared_bytes)(const int64_t *params) {
    return PN(blocked_bytes)(panels_shape_of(params), 0);
}

static inline uint64_t PN(phases)(const int64_t *params) {
    return PN(blocked_phases)(panels_shape_of(params));
}

static inline uint64_t PN(grains)(const int64_t *params, uint64_t phase) {
    return PN(blocked_grains)(panels_shape_of(params), phase, 0);
}

static inline void PN(run)(const ab_call *call, uint64_t phase, uint64_t grain) {
    PN(run_blocked)(call, phase, (int64_t)grain, 0);
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
    return s.m <= FEW_MOST ? PN(few_bytes)(s) : PN(blocked_bytes)(s, 1);
}

static inline uint64_t PN(packed_phases)(const int64_t *params) {
    panels_shape s = panels_shape_of(params);
    return s.m <= FEW_MOST ? 2 : PN(blocked_phases)(s);
}

static inline uint64_t PN(packed_grains)(const int64_t *params, uint64_t phase) {
    panels_shape s = panels_shape_of(params);
    if (s.m > FEW_MOST)
        return PN(blocked_grains)(s, phase, 1);
    return phase ? (uint64_t)pieces(s.n, NR) : 1;
}

static inline void PN(run_packed)(const ab_call *call, uint64_t phase, uint64_t grain) {
    panels_shape s = panels_shape_of(call->params);
    if (s.m > FEW_MOST)
        PN(run_blocked)(call, phase, (int64_t)grain, 1);
    else if (phase)
        PN(few_panel)(s, call->shared, call->operands[1], call->operands[2], (int64_t)grain);
    else
        PN(few_pack)(s, call->operands[0], call->shared);
}

#undef OPERATION
#undef SOURCE
#undef OUT
#undef PACK_A
#undef PACK_B
#undef ROUND
