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

/* k or v of one kv head of one sequence. */
typedef struct cache {
    const char *rows;
    const float *scales;      /* of int8 rows, else NULL */
    const int32_t *table;     /* the page of each block; NULL: contiguous */
    int64_t block, page_rows; /* tokens in a page; rows from a page to the next */
    int64_t row_bytes;
} cache;

/* Keys that lie together, at most NEAR. */
typedef struct near_block {
    const char *rows, *ahead; /* `ahead`: what will be read next */
    const float *scales;
    int64_t keys, head_dim;
    int64_t part; /* bytes, a WAYS-th of the block in whole lines */
} near_block;

/* Operand 1 or 2, k or v, of head `index` of all kv heads of the batch. */
INLINE cache cache_of(const ab_call *call, const dtype type, int operand, int64_t index) {
    attention_shape s = shape_of(call->params);
    int64_t block = call->params[5], row = block ? index % s.kv_heads * block : index * s.seq;
    int64_t row_bytes = s.head_dim * bytes_of(type);
    cache c = {.rows = (const char *)call->operands[operand] + row * row_bytes, .block = block,
               .page_rows = s.kv_heads * block, .row_bytes = row_bytes};
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
    return c->table ? c->table[key / c->block] * c->page_rows + key % c->block : key;
}

INLINE int64_t near_keys(const cache *c) {
    int64_t most = NEAR_BYTES / c->row_bytes / NEAR_LEAST * NEAR_LEAST;
    return most < NEAR_LEAST ? NEAR_LEAST : min_of(most, NEAR);
}

/* Keys from `first` on, before `end`; `ahead` is what follows, or the start of `then`. */
INLINE near_block block_at(const cache *c, int64_t first, int64_t end, int64_t head_dim,
                           const cache *then, int64_t then_first) {
    int64_t most = near_keys(c);
    if (c->table)
        most = min_of(most, c->block - first % c->block);
    int64_t row = row_at(c, first), keys = min_of(most, end - first), next = first + keys;
    return (near_block){
        .rows = c->rows + row * c->row_bytes,
        .ahead = next < end ? c->rows + row_at(c, next) * c->row_bytes
                            : then->rows + row_at(then, then_first) * then->row_bytes,
        .scales = c->scales ? c->scales + row : NULL, .keys = keys, .head_dim = head_dim,
        .part = keys * c->row_bytes / WAYS / LINE_BYTES * LINE_BYTES};
}

/* As many lines of what comes next as are about to be read of the block, from `offset` bytes on.
 * What one element at a time reads, the hardware fetches soon enough. */
INLINE void prefetch_lines(const near_block *b, int64_t offset, const int lines) {
    const int whole = lines % WAYS == 0; /* then the first is of the first part */
    uint64_t first = whole ? 0 : (uint64_t)offset / LINE_BYTES;
    const char *ahead = b->ahead + (whole ? (uint64_t)offset / WAYS : 0);
    if (LANES == 1)
        return;
    UNROLL for (int i = 0; i < lines; i++) {
        int64_t way = (int64_t)((first + (uint64_t)i) % WAYS), line = (int64_t)((first + (uint64_t)i) / WAYS);
        __builtin_prefetch(ahead + way * b->part + line * LINE_BYTES, 0, 3);
    }
}

INLINE void prefetch_bytes(const near_block *b, int64_t offset, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += LINE_BYTES)
        prefetch_lines(b, offset + i, 1);
}

#endif
