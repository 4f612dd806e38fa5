/* Words to tokens, some dozens at a time: where they end, then where each would lie in the table,
 * then which are there.
 *
 * One after another a word costs a mispredicted branch (its length) and a wait for its line of the
 * table (8 MB).  In passes of their own neither holds up the other words: the lines are on their
 * way while further words are hashed.
 */
#ifndef ARMBENCH_TOKENIZATION_WORDS_H
#define ARMBENCH_TOKENIZATION_WORDS_H

#include "memory.h"
#include "merge.h"
#include "split.h"
#include "table.h"

#define BPE_BATCH 64                          /* words, after which they are looked up */
#define BPE_BATCH_ROOM (BPE_BATCH + 64 + 8)   /* a window may add 64, in groups of up to 8 */
#define BPE_BATCH_BYTES ((ptrdiff_t)1 << 30)  /* ends fit 32 bits */

typedef struct bpe_batch {
    const uint8_t *text; /* where the first word starts */
    uint32_t count;
    uint32_t ends[BPE_BATCH_ROOM];
    uint64_t a[BPE_BATCH_ROOM], b[BPE_BATCH_ROOM]; /* of words of up to BPE_INLINE_BYTES */
    const bpe_word *slots[BPE_BATCH_ROOM];         /* likewise; NULL: look it up as it is */
} bpe_batch;

/* ---- ends --------------------------------------------------------------------------------- */

#ifdef BPE_CLASSIFY

/* Enter the words that end where further ones start, `starts` being relative to `at`. */
static inline void bpe_enter_starts(bpe_batch *batch, uint32_t at, uint64_t starts) {
    uint32_t *ends = batch->ends + batch->count;
    batch->count += (uint32_t)__builtin_popcountll(starts);
    while (starts) /* in groups, so that fewer branches depend on the text */
        for (int i = 0; i < 8; i++, starts &= starts - 1)
            *ends++ = at + bpe_lowest_bit(starts);
}

/* Whether a window is likely to hold more than a word. */
static inline int bpe_worth_a_window(const uint8_t *p) { return !((p[0] | p[1]) & 0x80); }

/* The end of the words that a window gives, or p. */
static inline const uint8_t *bpe_window(bpe_text t, const uint8_t *p, int64_t pattern,
                                        bpe_batch *batch) {
    if (t.end - p < BPE_WINDOW || !bpe_worth_a_window(p))
        return p;
    bpe_masks masks;
    BPE_CLASSIFY(p, &masks);
    uint64_t starts = bpe_word_starts(t, p, &masks, pattern);
    if (!starts)
        return p;
    bpe_enter_starts(batch, (uint32_t)(p - batch->text), starts);
    return p + bpe_highest_bit(starts);
}

#else

static inline const uint8_t *bpe_window(bpe_text t, const uint8_t *p, int64_t pattern,
                                        bpe_batch *batch) {
    (void)t, (void)pattern, (void)batch;
    return p;
}

#endif

/* Fill the batch from p on; returns where its last word ends. */
static inline const uint8_t *bpe_fill_batch(bpe_batch *batch, bpe_text t, const uint8_t *p,
                                            int64_t pattern) {
    batch->text = p;
    batch->count = 0;
    while (p < t.end && batch->count < BPE_BATCH && p - batch->text < BPE_BATCH_BYTES) {
        const uint8_t *next = bpe_window(t, p, pattern, batch);
        if (next == p) {
            next = bpe_word_end(t, p, pattern);
            batch->ends[batch->count++] = (uint32_t)(next - batch->text);
        }
        p = next;
    }
    return p;
}

/* ---- look-up ------------------------------------------------------------------------------ */

static inline uint64_t bpe_mask_bytes(uint64_t count) {
    return count >= 8 ? UINT64_MAX : ((uint64_t)1 << 8 * count) - 1;
}

/* Hash the words and send for their lines of the table. */
static inline void bpe_seek(bpe_batch *batch, const bpe_table *table, const uint8_t *end) {
    uint32_t start = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        uint32_t stop = batch->ends[i], bytes = stop - start;
        const uint8_t *word = batch->text + start;
        start = stop;
        batch->slots[i] = NULL;
        if (bytes > BPE_INLINE_BYTES || end - word < 16)
            continue;
        uint64_t a = bpe_load(word, 8) & bpe_mask_bytes(bytes);
        uint64_t b = bytes > 8 ? bpe_load(word + 8, 8) & bpe_mask_bytes(bytes - 8) : 0;
        batch->a[i] = a;
        batch->b[i] = b | (uint64_t)bytes << (32 + BPE_RANK_BITS); /* as in a slot, without rank */
        batch->slots[i] = table->words + (bpe_word_hash(a, b, bytes) >> table->words_shift);
        __builtin_prefetch(batch->slots[i]);
    }
}

/* The rank of the i-th word, or BPE_NO_RANK. */
static inline uint32_t bpe_found(const bpe_batch *batch, uint32_t i, const bpe_table *table,
                                 const uint8_t *word, uint64_t bytes, const uint8_t *end) {
    const bpe_word *slot = batch->slots[i];
    if (!slot)
        return bpe_find_word(table, word, bytes, end);
    for (;; slot++) {
        uint64_t b;
        __builtin_memcpy(&b, &slot->b, 8); /* and meta */
        if (slot->a == batch->a[i] && (b & ~(BPE_RANK_MASK << 32)) == batch->b[i])
            return slot->meta & BPE_RANK_MASK;
        if (slot->meta == UINT32_MAX)
            return BPE_NO_RANK;
    }
}

/* The number of tokens of a batch, written when `keep`. */
static inline int64_t bpe_encode_batch(const bpe_batch *batch, const bpe_table *table,
                                       const uint8_t *end, int keep,
                                       const bpe_memory *memory, bpe_queue *queue,
                                       int32_t *tokens) {
    int64_t count = 0;
    const uint8_t *word = batch->text;
    for (uint32_t i = 0; i < batch->count; i++) {
        const uint8_t *stop = batch->text + batch->ends[i];
        uint64_t bytes = (uint64_t)(stop - word);
        uint32_t rank = bpe_found(batch, i, table, word, bytes, end);
        int32_t *out = keep ? tokens + count : NULL;
        if (rank != BPE_NO_RANK) {
            if (keep)
                *out = (int32_t)rank;
            count++;
        } else if (bytes <= BPE_SHORT) {
            count += bpe_short_word(memory, table, word, (uint32_t)bytes, end, out);
        } else {
            count += bpe_merge_long(queue, table, word, (uint32_t)bytes, out);
        }
        word = stop;
    }
    return count;
}

#endif
