/* Many rows over panels (panels.h): tiles and their places in C, and the grains that pack and multiply a
 * block.
 */

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
    int64_t rows, groups;
    const LEFT *a;
    const SUM *heads;
    const RIGHT *b;
    int64_t panels, b_stride; /* one panel, or two so far apart */
    const char *next;
    int64_t next_step;
} PN(work);

static inline void PN(sum)(PN(work) w, SUM *sums, int64_t stride, int accumulate) {
#ifdef PAIR_ROWS
    if (w.panels == 2) {
        PN_TILE(pair)(w.rows, w.groups, w.a, w.heads, w.b, w.b_stride, sums, stride, accumulate,
                      w.next, w.next_step);
        return;
    }
#endif
    PN_TILE(tile)(w.rows, w.groups, w.a, w.heads, w.b, sums, stride, accumulate, w.next,
                  w.next_step);
}

static inline void PN(place)(panels_shape s, panels_block block, int64_t columns, PN(work) w,
                             SUM *sums, int64_t sums_stride, OUT *c) {
    SUM aside[MR * NR] __attribute__((aligned(64))); /* 14 x 2 vectors, or 6 x 4 */
    int64_t width = w.panels * NR;
    int accumulate = block.group > 0, last = block.group + block.groups == PN(all_groups)(s);
#ifdef ROUND
    if (!sums_stride) {
        sums = aside;
        sums_stride = width;
    }
    PN(sum)(w, sums, sums_stride, accumulate);
    if (last)
        PN(put)(sums, sums_stride, w.rows, columns, c, s.n, 0);
#else
    (void)sums, (void)sums_stride, (void)last;
    if (columns == width) {
        PN(sum)(w, c, s.n, accumulate);
    } else {
        PN(sum)(w, aside, width, 0);
        PN(put)(aside, width, w.rows, columns, c, s.n, accumulate);
    }
#endif
}

/* Panels that a tile takes of those that so many columns fill, and tiles that rows are then. */
static inline int64_t PN(side_by_side)(int64_t columns) {
#ifdef PAIR_ROWS
    return columns > NR ? 2 : 1;
#else
    (void)columns;
    return 1;
#endif
}

static inline int64_t PN(tiles)(int64_t rows, int64_t panels) {
#ifdef PAIR_ROWS
    return pieces(rows, panels == 2 ? PAIR_ROWS : MR);
#else
    (void)panels;
    return pieces(rows, MR);
#endif
}

/* ---- grains ---------------------------------------------------------------------------------- */

/* A grain: a block of rows by a part of the block's columns.  `b_groups`: those of a whole panel of
 * B, of which the block's may be a part.  While all tiles of rows use a panel or two, they fetch
 * the next, a part each. */
static inline void PN(multiply)(panels_shape s, panels_block block, const ab_call *call,
                                const RIGHT *b, int64_t b_groups, SUM *sums, int64_t grain) {
    panels_parts parts = PN(parts)(s, block, call->threads);
    int64_t i = grain / parts.columns, split = grain % parts.columns;
    int64_t all = pieces(block.columns, NR), begin = share(all, parts.columns, split) * NR;
    int64_t end = least(block.columns, share(all, parts.columns, split + 1) * NR);
    int64_t first = PN(deal)(s.m, parts.rows, i), stride = PN(sum_columns)(s);
    int64_t rows = PN(deal)(s.m, parts.rows, i + 1) - first;
    PN(pack_rows)(s, block, call->operands[0], call->scratch, first, rows);
    const SUM *heads = call->scratch;
    const LEFT *a = (const LEFT *)((const char *)call->scratch + PN(heads_bytes)(rows));
    OUT *c = (OUT *)call->operands[2] + first * s.n + block.column;
    sums += first * stride;
    int64_t b_stride = b_groups * NR * DEPTH, panels = 1;
    for (int64_t j = begin; j < end; j += panels * NR) {
        panels = PN(side_by_side)(end - j);
        int64_t tiles = PN(tiles)(rows, panels), each = pieces(tiles, panels);
        int64_t bytes = block.groups * NR * DEPTH * (int64_t)sizeof(RIGHT) / each;
        const RIGHT *panel = b + j * b_groups * DEPTH, *next = panel + panels * b_stride;
        for (int64_t t = 0; t < tiles; t++) {
            int64_t from = PN(deal)(rows, tiles, t), to = PN(deal)(rows, tiles, t + 1);
            const char *part = (const char *)(next + t % panels * b_stride) + t / panels * bytes;
            PN(work) w = {to - from, block.groups, a + from * LEFT_STRIDE,
                          HEADS ? heads + from : NULL, panel, panels, b_stride,
                          part, bytes / block.groups + 1};
            PN(place)(s, block, least(panels * NR, end - j), w, sums + from * stride + j, stride,
                      c + from * s.n + j);
        }
    }
}

/* Rows and panels of B that a grain packs. */
static inline panels_parts PN(packed_by)(panels_shape s, panels_block block, uint64_t threads) {
    return panels_packed_by(pieces(block.columns, NR), PN(depth)(s, block), (int64_t)threads);
}

static inline void PN(pack_grain)(panels_shape s, panels_block block, const SOURCE *b,
                                  RIGHT *packed, uint64_t threads, int64_t grain) {
    panels_parts each = PN(packed_by)(s, block, threads);
    int64_t panels = pieces(block.columns, NR), across = pieces(panels, each.columns);
    int64_t first = grain % across * each.columns, row = grain / across * each.rows;
    PN(pack_panels)(s, block, b, packed, first, least(panels, first + each.columns), row,
                    least(each.rows, PN(depth)(s, block) - row));
}

static inline int64_t PN(pack_grains)(panels_shape s, panels_block block, uint64_t threads) {
    panels_parts each = PN(packed_by)(s, block, threads);
    return pieces(pieces(block.columns, NR), each.columns) * pieces(PN(depth)(s, block), each.rows);
}

static inline int64_t PN(multiply_grains)(panels_shape s, panels_block block, uint64_t threads) {
    panels_parts parts = PN(parts)(s, block, threads);
    return parts.rows * parts.columns;
}

static inline uint64_t PN(blocked_phases)(panels_shape s) {
    return (uint64_t)(pieces(s.n, NC) * PN(deep)(s));
}

static inline uint64_t PN(sums_bytes)(panels_shape s) {
    return (uint64_t)(s.m * PN(sum_columns)(s)) * sizeof(SUM);
}
