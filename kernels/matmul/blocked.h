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

/* ---- grains ---------------------------------------------------------------------------------- */

/* A grain: a block of rows by a part of the block's columns.  `b_groups`: those of a whole panel of
 * B, of which the block's may be a part.  While all tiles of rows use a panel, they fetch the next,
 * a part each. */
static inline void PN(multiply)(panels_shape s, panels_block block, const ab_call *call,
                                const RIGHT *b, int64_t b_groups, SUM *sums, int64_t grain) {
    panels_parts parts = PN(parts)(s, block, call->threads);
    int64_t i = grain / parts.columns, split = grain % parts.columns;
    int64_t panels = pieces(block.columns, NR), begin = share(panels, parts.columns, split) * NR;
    int64_t end = least(block.columns, share(panels, parts.columns, split + 1) * NR);
    int64_t first = PN(deal)(s.m, parts.rows, i), stride = PN(sum_columns)(s);
    int64_t rows = PN(deal)(s.m, parts.rows, i + 1) - first, tiles = pieces(rows, MR);
    PN(pack_rows)(s, block, call->operands[0], call->scratch, first, rows);
    const SUM *heads = call->scratch;
    const LEFT *a = (const LEFT *)((const char *)call->scratch + PN(heads_bytes)(rows));
    OUT *c = (OUT *)call->operands[2] + first * s.n + block.column;
    sums += first * stride;
    for (int64_t j = begin; j < end; j += NR)
        for (int64_t t = 0; t < tiles; t++) {
            int64_t from = PN(deal)(rows, tiles, t), to = PN(deal)(rows, tiles, t + 1);
            const RIGHT *panel = b + j * b_groups * DEPTH, *next = panel + b_groups * NR * DEPTH;
            int64_t bytes = block.groups * NR * DEPTH * (int64_t)sizeof(RIGHT) / tiles;
            PN(work) w = {a + from * LEFT_STRIDE, HEADS ? heads + from : NULL, panel,
                          (const char *)next + t * bytes, bytes / block.groups + 1};
            PN(place)(s, block, to - from, least(NR, end - j), w, sums + from * stride + j, stride,
                      c + from * s.n + j);
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
