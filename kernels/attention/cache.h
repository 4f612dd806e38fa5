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
#include "widen.h"

#ifndef NEAR
#define NEAR 32 /* keys of a block, ... */
#endif
#define NEAR_BYTES (16 << 10) /* ... if they are not more: few enough to stay in L1 */
#define NEAR_LEAST 16

#ifndef WAYS
#define WAYS 1 /* parts of what comes next that are fetched side by side */
#endif
#define LOT (WAYS > 1 ? DEALT : NEAR) /* keys of a block's lot */
#define LINES_OF(bytes) ((bytes) / LINE_BYTES * LINE_BYTES) /* whole ones */

/* k or v of one kv head of one sequence. */
typedef struct cache {
    const char *rows;
    const float *scales;      /* of int8 rows, else NULL */
    const int32_t *table;     /* the page of each block; NULL: contiguous */
    int64_t block, page_rows; /* tokens in a page; rows from a page to the next */
    int64_t seq, row_bytes;
} cache;

/* As many keys as certainly lie together. */
typedef struct lot {
    const char *rows;
    const float *scales;
} lot;

/* Keys that are multiplied together, at most NEAR: of one page, or where WAYS are fetched side by side,
 * of several. */
typedef struct near_block {
    lot lots[NEAR / LOT];
    int64_t keys, head_dim, row_bytes;
    int64_t part, lead;   /* bytes, a WAYS-th of the block and of a part, in whole lines */
    uintptr_t ways[WAYS]; /* where the parts of what will be read next begin to be fetched, ... */
    uintptr_t leap[WAYS]; /* ... and how far from its end one goes on */
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

INLINE cache key_cache(const ab_call *call, const dtype type, int64_t index) {
    return cache_of(call, type, 1, index);
}

INLINE cache value_cache(const ab_call *call, const dtype type, int64_t index) {
    return cache_of(call, type, 2, index);
}

INLINE int64_t row_at(const cache *c, int64_t key) {
    uint32_t at = (uint32_t)key, block = (uint32_t)c->block; /* divided in half the time */
    return c->table ? c->table[at / block] * c->page_rows + at % block : key;
}

INLINE int64_t near_keys(const cache *c) {
    int64_t most = NEAR_BYTES / c->row_bytes / NEAR_LEAST * NEAR_LEAST;
    return most < NEAR_LEAST ? NEAR_LEAST : min_of(most, NEAR);
}

/* Of a key's row, or of the last one's where there is no such key. */
INLINE const char *address_of(const cache *c, int64_t key) {
    return c->rows + row_at(c, min_of(key, c->seq - 1)) * c->row_bytes;
}

INLINE const char *row_of(const near_block *b, int64_t r) {
    return b->lots[(uint64_t)r / LOT].rows + (int64_t)((uint64_t)r % LOT) * b->row_bytes;
}

INLINE const float *scales_of(const near_block *b, int64_t r) {
    return b->lots[(uint64_t)r / LOT].scales + (uint64_t)r % LOT;
}

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
        const char *part = row_of(b, i * b->keys / WAYS);
        look_ahead(b, i, part, part);
    }
}

/* A block whose rows lie together. */
INLINE near_block block_of(const char *rows, int64_t keys, int64_t head_dim, int64_t row_bytes) {
    near_block b = {.keys = keys, .head_dim = head_dim, .row_bytes = row_bytes,
                    .part = LINES_OF(keys * row_bytes / WAYS)};
    b.lead = LINES_OF(b.part / WAYS);
    UNROLL for (int i = 0; i < NEAR / LOT; i++) b.lots[i].rows = rows + i * LOT * row_bytes;
    return b;
}

/* Of the block from `first` on.  Where several pages are fetched side by side, a part is within one. */
INLINE int64_t block_keys(const cache *c, int64_t first) {
    int64_t most = near_keys(c);
    if (!c->table)
        return most;
    return WAYS > 1 ? min_of(most, WAYS * DEALT) : min_of(most, c->block - first % c->block);
}

/* A chunk's keys of a cache end at `end`, after which those of `then` are read. */
typedef struct course {
    const cache *c, *then;
    int64_t end, then_first;
} course;

INLINE const char *address_at(const course *w, int64_t key) {
    return key < w->end ? address_of(w->c, key) : address_of(w->then, w->then_first + key - w->end);
}

/* The same; a line of the scales there is fetched. */
INLINE const char *address_and_scales_at(const course *w, int64_t key) {
    const cache *c = key < w->end ? w->c : w->then;
    int64_t row = row_at(c, min_of(key < w->end ? key : w->then_first + key - w->end, c->seq - 1));
    if (c->scales)
        __builtin_prefetch(c->scales + row, 0, 3);
    return c->rows + row * c->row_bytes;
}

/* Keys from `first` on, before `end`, after which `then` is read. */
INLINE near_block block_at(const cache *c, int64_t first, int64_t end, int64_t head_dim,
                           const cache *then, int64_t then_first) {
    int64_t keys = min_of(block_keys(c, first), end - first);
    int64_t row = row_at(c, first), next = first + keys;
    course way = {c, then, end, then_first};
    near_block b = block_of(c->rows + row * c->row_bytes, keys, head_dim, c->row_bytes);
    for (int64_t i = 0; i < NEAR / LOT && i * LOT < keys; i++) {
        int64_t at = c->table && i ? row_at(c, first + i * LOT) : row + i * LOT;
        b.lots[i] = (lot){c->rows + at * c->row_bytes, c->scales ? c->scales + at : NULL};
    }
    const char *ahead = address_and_scales_at(&way, next), *after = address_at(&way, next + keys);
    look_ahead(&b, 0, ahead, after);
    UNROLL for (int i = 1; i < WAYS; i++) {
        int64_t from = i * keys / WAYS;
        if (c->table)
            look_ahead(&b, i, address_and_scales_at(&way, next + from), address_at(&way, next + keys + from));
        else
            look_ahead(&b, i, ahead + i * b.part, after + i * b.part);
    }
    return b;
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
