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

#ifndef FAR
#define FAR 0 /* bytes beyond what comes next, from where L2 is filled; hardware may do without */
#endif

#define NEAR 32 /* keys: small enough to be read again from the first-level cache */

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
    int64_t far; /* bytes from what is read next to what is after that, 0 if it lies elsewhere */
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

/* Keys from `first` on, before `end`; `ahead` is what follows, or the start of `then`. */
INLINE near_block block_at(const cache *c, int64_t first, int64_t end, int64_t head_dim,
                           const cache *then, int64_t then_first) {
    int64_t most = c->table ? min_of(NEAR, c->block - first % c->block) : NEAR;
    int64_t row = row_at(c, first), keys = min_of(most, end - first), next = first + keys;
    return (near_block){
        .rows = c->rows + row * c->row_bytes,
        .ahead = next < end ? c->rows + row_at(c, next) * c->row_bytes
                            : then->rows + row_at(then, then_first) * then->row_bytes,
        .scales = c->scales ? c->scales + row : NULL, .keys = keys, .head_dim = head_dim,
        .far = c->table ? 0 : FAR};
}

/* A line of what comes next, and one of what comes after it. */
INLINE void prefetch_line(const char *line, int64_t far) {
    __builtin_prefetch(line, 0, 3);
    if (FAR > 0)
        __builtin_prefetch(line + far, 0, 2);
}

/* As much of what comes next as is about to be read. */
INLINE void prefetch_bytes(const char *from, int64_t bytes) {
    for (int64_t i = 0; from && i < bytes; i += 64)
        __builtin_prefetch(from + i, 0, 3);
}

#endif
