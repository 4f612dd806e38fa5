/* Where the keys and values of a decode step lie: together, or in pages of `block` tokens behind a
 * table, as inference servers keep them.  Operands: q, k, v, o; of int8, the scales of k and of v;
 * where paged, the table.
 *
 * Contiguous: [batch, kv_heads, seq, head_dim], scales of int8 [batch, kv_heads, seq].  Paged:
 * [pages, kv_heads, block, head_dim], scales [pages, kv_heads, block], table [batch, blocks].
 */
#ifndef ARMBENCH_ATTENTION_CACHE_H
#define ARMBENCH_ATTENTION_CACHE_H

#include "chunks.h"
#include "page.h"
#include "widen.h"

#ifndef NEAR
#define NEAR 32 /* keys of a block, ... */
#endif
#define NEAR_BYTES (16 << 10) /* ... if they are not more: few enough to stay in L1 */
#define NEAR_LEAST 16

#ifndef WAYS
#define WAYS 1 /* parts of what comes next that are fetched side by side */
#endif
#ifndef LOT
#define LOT NEAR /* keys of a block that certainly lie together: if fewer, pages are gathered */
#endif
#define LINES_OF(bytes) ((bytes) / LINE_BYTES * LINE_BYTES) /* whole ones */

/* k or v of one kv head of one sequence. */
typedef struct cache {
    const char *rows;
    const float *scales;      /* of int8 rows, else NULL */
    const int32_t *table;     /* the page of each block; NULL: contiguous */
    int64_t block, page_rows; /* tokens in a page; rows from a page to the next */
    int64_t seq, row_bytes;
} cache;

typedef struct lot {
    const char *rows;
    const float *scales;
} lot;

/* Keys that are multiplied together, at most NEAR: of one page, or where a LOT is less,
 * of several. */
typedef struct near_block {
    lot lots[NEAR / LOT];
    int64_t keys, head_dim, row_bytes;
    int64_t part, lead;   /* bytes, a WAYS-th of the block and of a part, in whole lines */
    uintptr_t ways[WAYS]; /* where the parts of what will be read next begin to be fetched, ... */
    uintptr_t leap[WAYS]; /* ... and how far from its end each goes on */
} near_block;

/* Operand 1 or 2, k or v, of head `index` of all kv heads of the batch. */
INLINE cache cache_of(const ab_call *call, const dtype type, int operand, int64_t index) {
    attention_shape s = shape_of(call->params);
    int64_t block = call->params[5], row = block ? index % s.kv_heads * block : index * s.seq;
    int64_t row_bytes = s.head_dim * bytes_of(type);
    cache c = {.rows = (const char *)call->operands[operand] + row * row_bytes, .block = block,
               .page_rows = s.kv_heads * block, .seq = s.seq, .row_bytes = row_bytes};
    if (type == INT8)
        c.scales = (const float *)call->operands[operand + 3] + row;
    if (block)
        c.table = (const int32_t *)call->operands[type == INT8 ? 6 : 4] +
                  index / s.kv_heads * blocks(s.seq, block);
    return c;
}

INLINE int64_t row_at(const cache *c, int64_t key) {
    uint32_t at = (uint32_t)key, block = (uint32_t)c->block; /* divided in half the time */
    return c->table ? c->table[at / block] * c->page_rows + at % block : key;
}

INLINE int64_t near_keys(const cache *c) {
    int64_t most = NEAR_BYTES / c->row_bytes / NEAR_LEAST * NEAR_LEAST;
    return most < NEAR_LEAST ? NEAR_LEAST : min_of(most, NEAR);
}

/* Without a division where there is but one lot. */
INLINE const lot *lot_of(const near_block *b, int64_t r) { return b->lots + (LOT < NEAR ? (uint64_t)r / LOT : 0); }

INLINE int64_t place_in_lot(int64_t r) { return LOT < NEAR ? (int64_t)((uint64_t)r % LOT) : r; }

INLINE const char *near_row(const near_block *b, int64_t r) {
    return lot_of(b, r)->rows + place_in_lot(r) * b->row_bytes;
}

INLINE const float *near_scales(const near_block *b, int64_t r) { return lot_of(b, r)->scales + place_in_lot(r); }

/* The `way`-th part of what is read next begins at `ahead`, of what is read after that at `after`.  Each
 * is fetched `lead` further than the part before it: hardware prefetchers begin anew in every page, and
 * while four do so at once, memory waits. */
INLINE void look_ahead(near_block *b, int way, const char *ahead, const char *after) {
    b->ways[way] = (uintptr_t)ahead + (uintptr_t)(way * b->lead);
    b->leap[way] = (uintptr_t)after - (uintptr_t)ahead - (uintptr_t)b->part;
}

/* What is read next is the block once more. */
INLINE void look_again(near_block *b) {
    UNROLL for (int i = 0; i < WAYS; i++) {
        const char *part = near_row(b, i * b->keys / WAYS);
        look_ahead(b, i, part, part);
    }
}

/* A block of rows that lie together. */
INLINE void lay_near(near_block *b, const char *rows, const float *scales, int64_t keys, int64_t row_bytes) {
    b->keys = keys;
    b->row_bytes = row_bytes;
    b->part = LINES_OF(keys * row_bytes / WAYS);
    b->lead = LINES_OF(b->part / WAYS);
    UNROLL for (int i = 0; i < NEAR / LOT; i++)
        b->lots[i] = (lot){rows + i * LOT * row_bytes, scales ? scales + i * LOT : NULL};
}

INLINE int divides(int64_t n, int64_t a, int64_t b) { return a % n == 0 && b % n == 0; }

/* Of the block from `first` on: within a page, or where several are fetched side by side, each part. */
INLINE int64_t block_keys(const cache *c, int64_t first) {
    int64_t most = near_keys(c);
    if (!c->table)
        return most;
    if (LOT == NEAR)
        return min_of(most, c->block - first % c->block);
    return divides(most / WAYS, c->block, first) ? most : min_of(most, WAYS * DEALT);
}

/* Rows of a cache, or where they end, of another. */
typedef struct course {
    const cache *now, *then;
    int64_t end, then_first;
} course;

/* Where what is read after a block lies; its scales are fetched, a line of them. */
INLINE const char *course_at(const course *w, int64_t key, const int scales) {
    const cache *c = key < w->end ? w->now : w->then;
    int64_t row = row_at(c, min_of(key < w->end ? key : key - w->end + w->then_first, c->seq - 1));
    if (scales && c->scales)
        __builtin_prefetch(c->scales + row, 0, 3);
    return c->rows + row * c->row_bytes;
}

/* A block's lots from several pages. */
INLINE void gather(near_block *b, const cache *c, int64_t first) {
    for (int64_t i = 1; i * LOT < b->keys; i++) {
        int64_t row = row_at(c, first + i * LOT);
        b->lots[i] = (lot){c->rows + row * c->row_bytes, c->scales ? c->scales + row : NULL};
    }
}

/* Keys from `first` on, before `end`, after which `then` is read. */
INLINE near_block block_at(const cache *c, int64_t first, int64_t end, int64_t head_dim,
                           const cache *then, int64_t then_first) {
    int64_t keys = min_of(block_keys(c, first), end - first), row = row_at(c, first);
    int64_t next = first + keys, after = next + keys;
    course w = {c, then, end, then_first};
    near_block b;
    b.head_dim = head_dim;
    lay_near(&b, c->rows + row * c->row_bytes, c->scales ? c->scales + row : NULL, keys, c->row_bytes);
    if (LOT < NEAR && c->table && !divides(keys, c->block, first)) {
        gather(&b, c, first);
        UNROLL for (int i = 0; i < WAYS; i++) {
            int64_t part = i * keys / WAYS;
            look_ahead(&b, i, course_at(&w, next + part, 1), course_at(&w, after + part, 0));
        }
    } else {
        const char *at = course_at(&w, next, c->table != NULL), *then_at = course_at(&w, after, 0);
        if (WAYS > 1 && !c->table) { /* what lies before was fetched with the block before */
            at = page_from(at);
            then_at = page_from(then_at);
        }
        UNROLL for (int i = 0; i < WAYS; i++) look_ahead(&b, i, at + i * b.part, then_at + i * b.part);
    }
    return b;
}

/* A chunk of the keys of a kv head, after which `next` is read, of the next grain. */
typedef struct portion {
    cache k, v, next;
    int64_t kv_head, chunk, first, end, next_first;
} portion;

INLINE portion portion_of(const ab_call *call, attention_shape s, const dtype type, int64_t grain) {
    int paged = call->params[5] != 0;
    int64_t last = s.batch * s.kv_heads * s.chunks - 1;
    place at = place_of(s, grain, paged), next = place_of(s, min_of(grain + 1, last), paged);
    return (portion){.k = cache_of(call, type, 1, at.kv_head), .v = cache_of(call, type, 2, at.kv_head),
                     .next = cache_of(call, type, 1, next.kv_head), .kv_head = at.kv_head,
                     .chunk = at.chunk, .first = chunk_start(s, at.chunk),
                     .end = chunk_start(s, at.chunk + 1), .next_first = chunk_start(s, next.chunk)};
}

INLINE near_block keys_at(const portion *c, int64_t at, int64_t head_dim) {
    return block_at(&c->k, at, c->end, head_dim, &c->v, c->first);
}

INLINE near_block values_at(const portion *c, int64_t at, int64_t head_dim) {
    return block_at(&c->v, at, c->end, head_dim, &c->next, c->next_first);
}

/* As many lines of what comes next as are about to be read of the block, from `offset` bytes on.
 * What one element at a time reads, the hardware fetches soon enough. */
INLINE void prefetch_lines(const near_block *b, int64_t offset, const int lines) {
    const int whole = lines % WAYS == 0; /* then the first is of the first part */
    uint64_t first = whole ? 0 : (uint64_t)offset / LINE_BYTES;
    int64_t start = whole ? (int64_t)((uint64_t)offset / WAYS) : 0;
    if (LANES == 1)
        return;
    UNROLL for (int i = 0; i < lines; i++) {
        int64_t way = (int64_t)((first + (uint64_t)i) % WAYS), line = (int64_t)((first + (uint64_t)i) / WAYS);
        int64_t at = start + line * LINE_BYTES;
        uintptr_t from = b->ways[way] + (uintptr_t)at;
        if (WAYS > 1 && at + way * b->lead >= b->part)
            from += b->leap[way];
        __builtin_prefetch((const void *)from, 0, 3);
    }
}

INLINE void prefetch_bytes(const near_block *b, int64_t offset, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += LINE_BYTES)
        prefetch_lines(b, offset + i, 1);
}

#endif
