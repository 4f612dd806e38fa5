/* A few rows against weights packed beforehand (panels.h): a grain is a panel, which is read once,
 * in the order of memory.  A call takes as long as that takes, so what matters is how B is fetched
 * (vector_tile.h).  Two phases: A is packed, then panels are multiplied.
 */
#ifndef ARMBENCH_MATMUL_FEW_ROWS_H
#define ARMBENCH_MATMUL_FEW_ROWS_H

#define FEW_MOST 16          /* rows */
#ifdef __x86_64__
#define FEW_BYTES (64 << 10) /* of a panel, used by all rows before the next are read */
#else
#define FEW_BYTES (32 << 10) /* not measured there: half of L1 */
#endif

#endif

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
    return PN(heads_bytes)(s.m) +
           (uint64_t)(PN(few_deep)(s) * PN(filled)(s.m) * PN(few_stride)(s)) * sizeof(LEFT);
}

/* A as blocks of k, [few_deep][filled m][few_stride]. */
static inline void PN(few_pack)(panels_shape s, const SOURCE *a, char *space) {
    int64_t deep = PN(few_deep)(s), all = PN(all_groups)(s), stride = PN(few_stride)(s);
    SUM *heads = (SUM *)space;
    LEFT *packed = (LEFT *)(space + PN(heads_bytes)(s.m));
    memset(heads, 0, PN(heads_bytes)(s.m));
    for (int64_t q = 0; q < deep; q++, packed += PN(filled)(s.m) * stride) {
        int64_t start = share(all, deep, q) * DEPTH, end = share(all, deep, q + 1) * DEPTH;
#ifdef PACK_TILE
        int64_t group = share(all, deep, q), groups = share(all, deep, q + 1) - group;
        (void)start, (void)end;
        PN(pack_rows)(s, (panels_block){0, s.n, group, groups}, a, (char *)packed, 0, s.m);
#else
        for (int64_t i = 0; i < s.m; i++) {
            SUM head = 0;
            PACK_A(a + i * s.k + start, least(end, s.k) - start, packed + i * stride, &head);
            if (HEADS)
                heads[i] += head;
        }
#endif
    }
}

static inline void PN(few_panel)(panels_shape s, const char *space, const RIGHT *b, OUT *c,
                          int64_t panel) {
    SUM sums[FEW_MOST * NR] __attribute__((aligned(64)));
    int64_t deep = PN(few_deep)(s), tiles = pieces(s.m, MR), all = PN(all_groups)(s);
    int64_t stride = PN(few_stride)(s);
    const SUM *heads = (const SUM *)space;
    const LEFT *a = (const LEFT *)(space + PN(heads_bytes)(s.m));
    b += panel * all * NR * DEPTH;
    for (int64_t q = 0; q < deep; q++, a += PN(filled)(s.m) * stride) {
        int64_t group = share(all, deep, q), groups = share(all, deep, q + 1) - group;
        uint64_t lines = (uint64_t)groups * NR * DEPTH * sizeof(RIGHT) / VT_LINE;
        const RIGHT *next = b + groups * NR * DEPTH; /* up to a page's end it was fetched with b */
        for (int64_t t = 0; t < tiles; t++) {
            int64_t row = PN(deal)(s.m, tiles, t), rows = PN(deal)(s.m, tiles, t + 1) - row;
            uint64_t part = lines / VT_STREAMS, done = part * (uint64_t)t / (uint64_t)tiles;
            vt_ahead ahead = {page_from(next) + done * VT_LINE, part * VT_LINE,
                              lines >= 2 * (uint64_t)(tiles * groups)};
            PN_TILE(few)(rows, groups, a + row * stride, stride, HEADS && !q ? heads + row : NULL,
                         b, sums + row * NR, NR, q > 0, ahead);
        }
        b = next;
    }
    PN(put)(sums, NR, s.m, least(NR, s.n - panel * NR), c + panel * NR, s.n, 0);
}
