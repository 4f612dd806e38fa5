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

/* Each pass is a function of its own, so that its few values stay in registers. */
#define BPE_APART __attribute__((noinline))

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

/* What encoding needs: the vocabulary, and a workspace's parts. */
typedef struct bpe_encoder {
    bpe_table table;
    bpe_memory memory;
    bpe_queue queue;
} bpe_encoder;

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

static BPE_APART const uint8_t *bpe_fill_cl100k(bpe_batch *batch, bpe_text t, const uint8_t *p) {
    return bpe_fill_batch(batch, t, p, BPE_CL100K);
}

static BPE_APART const uint8_t *bpe_fill_o200k(bpe_batch *batch, bpe_text t, const uint8_t *p) {
    return bpe_fill_batch(batch, t, p, BPE_O200K);
}

/* ---- look-up ------------------------------------------------------------------------------ */

/* What is left of 16 bytes for a word of so many, and its place in a slot's last 8 bytes. */
typedef struct bpe_mask {
    uint64_t a, b;
} bpe_mask;

#define BPE_MASK(n)                                                                        \
    {(n) < 8 ? ((uint64_t)1 << 8 * ((n) & 7)) - 1 : UINT64_MAX,                            \
     (n) <= 8 ? 0 : ((uint64_t)1 << 8 * ((n) & 7)) - 1}
static const bpe_mask bpe_word_masks[BPE_INLINE_BYTES + 1] = {
    BPE_MASK(0), BPE_MASK(1), BPE_MASK(2),  BPE_MASK(3),  BPE_MASK(4),  BPE_MASK(5), BPE_MASK(6),
    BPE_MASK(7), BPE_MASK(8), BPE_MASK(9), BPE_MASK(10), BPE_MASK(11), BPE_MASK(12)};
#undef BPE_MASK

/* The slot of a word that is looked up on its own. */
static const bpe_word bpe_no_slot = {0, 0, UINT32_MAX};

/* Hash the words and send for their lines of the table. */
static BPE_APART void bpe_seek(bpe_batch *batch, const bpe_table *table, const uint8_t *end) {
    const uint8_t *text = batch->text;
    const bpe_word *words = table->words;
    const uint32_t shift = table->words_shift, count = batch->count;
    const int64_t last = end - text - 16; /* where 16 bytes can still be read */
    uint64_t start = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = start, bytes = batch->ends[i] - at;
        start = batch->ends[i];
        batch->slots[i] = &bpe_no_slot;
        if (bytes > BPE_INLINE_BYTES || (int64_t)at > last)
            continue;
        const bpe_mask *mask = &bpe_word_masks[bytes];
        uint64_t a = bpe_load(text + at, 8) & mask->a, b = bpe_load(text + at + 8, 8) & mask->b;
        const bpe_word *slot = words + (bpe_word_hash(a, b, bytes) >> shift);
        batch->a[i] = a;
        batch->b[i] = b | bytes << (32 + BPE_RANK_BITS); /* as in a slot, without rank */
        batch->slots[i] = slot;
        __builtin_prefetch(slot);
    }
}

static inline uint64_t bpe_slot_end(const bpe_word *slot) { /* b and meta */
    uint64_t end;
    __builtin_memcpy(&end, &slot->b, 8);
    return end;
}

/* Whether this is the slot of the i-th word. */
static inline int bpe_is_at(const bpe_batch *batch, uint32_t i, const bpe_word *slot) {
    return slot->a == batch->a[i] &&
           (bpe_slot_end(slot) & ~(BPE_RANK_MASK << 32)) == batch->b[i];
}

/* The rank of the i-th word, which is not in its first slot, or BPE_NO_RANK. */
static inline uint32_t bpe_find_further(const bpe_batch *batch, uint32_t i,
                                        const bpe_table *table, const uint8_t *word,
                                        uint64_t bytes, const uint8_t *end) {
    const bpe_word *slot = batch->slots[i];
    if (slot == &bpe_no_slot)
        return bpe_find_word(table, word, bytes, end);
    for (;; slot++) {
        if (slot->meta == UINT32_MAX)
            return BPE_NO_RANK;
        if (bpe_is_at(batch, i, slot))
            return slot->meta & BPE_RANK_MASK;
    }
}

/* The tokens of the i-th word, which is not in its first slot. */
static BPE_APART int64_t bpe_encode_word(const bpe_batch *batch, uint32_t i,
                                         bpe_encoder *encoder, const uint8_t *end,
                                         int32_t *tokens) {
    const uint8_t *word = batch->text + (i ? batch->ends[i - 1] : 0);
    uint32_t bytes = (uint32_t)(batch->text + batch->ends[i] - word);
    uint32_t rank = bpe_find_further(batch, i, &encoder->table, word, bytes, end);
    if (rank != BPE_NO_RANK) {
        if (tokens)
            *tokens = (int32_t)rank;
        return 1;
    }
    if (bytes <= BPE_SHORT)
        return bpe_short_word(&encoder->memory, &encoder->table, word, bytes, end, tokens);
    return bpe_merge_word(&encoder->queue, &encoder->table, word, bytes, tokens);
}

/* The number of tokens of a batch, which are written. */
static inline int64_t bpe_encode_batch(const bpe_batch *batch, bpe_encoder *encoder,
                                       const uint8_t *end, int32_t *tokens) {
    int64_t written = 0;
    const uint32_t count = batch->count;
    for (uint32_t i = 0; i < count; i++) {
        const bpe_word *slot = batch->slots[i];
        if (bpe_is_at(batch, i, slot))
            tokens[written++] = (int32_t)(slot->meta & BPE_RANK_MASK);
        else
            written += bpe_encode_word(batch, i, encoder, end, tokens + written);
    }
    return written;
}

/* The same without tokens: a word in its first slot costs two comparisons, and no sum. */
static inline int64_t bpe_count_batch(const bpe_batch *batch, bpe_encoder *encoder,
                                      const uint8_t *end) {
    const uint32_t count = batch->count;
    int64_t tokens = count;
    for (uint32_t i = 0; i < count; i++)
        if (__builtin_expect(!bpe_is_at(batch, i, batch->slots[i]), 0))
            tokens += bpe_encode_word(batch, i, encoder, end, NULL) - 1;
    return tokens;
}

#endif
