/* What a warm encoder remembers: words that are no token, with the tokens they were merged to.
 * Words that are tokens are found in the table as fast as anywhere else.
 *
 * Of the case's `slots` each holds a word of up to 16 bytes and 3 tokens in 32 bytes; a quarter as
 * many, of 128 bytes, hold those of up to 64 bytes and 14 tokens.  A word has one slot, by its
 * hash, and drives out whatever is there; longer ones are not remembered.  It lies at the start of
 * the workspace, where it stays from call to call of a measurement, a memory for each thread.
 */
#ifndef ARMBENCH_TOKENIZATION_MEMORY_H
#define ARMBENCH_TOKENIZATION_MEMORY_H

#include "merge.h"
#include "table.h"

#define BPE_MEMORY_MAGIC 0x79726f6d656d6261ull
#define BPE_MEMO_BYTES 16
#define BPE_MEMO_TOKENS 3
#define BPE_LONG_MEMO_TOKENS 14
#define BPE_LONG_SHARE 4 /* slots for a slot of a long word */

typedef struct bpe_memo {
    uint64_t a, b; /* the word, zero-padded */
    uint16_t bytes, count; /* 0 bytes: empty */
    int32_t tokens[BPE_MEMO_TOKENS];
} bpe_memo;

typedef struct bpe_long_memo {
    uint32_t bytes, count;
    int32_t tokens[BPE_LONG_MEMO_TOKENS];
    uint8_t word[BPE_SHORT];
} bpe_long_memo;

typedef struct bpe_memory_header { /* what makes the slots behind it valid */
    uint64_t magic, digest, slots;
    uint8_t padding[104]; /* to AB_ALIGNMENT */
} bpe_memory_header;

typedef struct bpe_memory {
    bpe_memo *memos; /* NULL: nothing is remembered */
    bpe_long_memo *long_memos;
    uint64_t slots, long_slots; /* powers of two, at least one of each */
} bpe_memory;

static inline uint64_t bpe_long_slots(uint64_t slots) {
    return slots < BPE_LONG_SHARE ? 1 : slots / BPE_LONG_SHARE;
}

/* A multiple of the alignment of what follows. */
static inline uint64_t bpe_memory_bytes(uint64_t slots) {
    uint64_t memos = (slots * sizeof(bpe_memo) + 127) / 128 * 128;
    return slots ? sizeof(bpe_memory_header) + memos +
                       bpe_long_slots(slots) * sizeof(bpe_long_memo)
                 : 0;
}

/* The memory in a workspace; emptied when it is not one of this vocabulary and size. */
static inline bpe_memory bpe_memory_in(void *workspace, uint64_t slots, uint64_t digest) {
    bpe_memory_header *header = workspace;
    if (!slots)
        return (bpe_memory){NULL, NULL, 0, 0};
    uint64_t memos = (slots * sizeof(bpe_memo) + 127) / 128 * 128;
    bpe_memory memory = {(bpe_memo *)(header + 1), (bpe_long_memo *)((char *)(header + 1) + memos),
                         slots, bpe_long_slots(slots)};
    if (header->magic != BPE_MEMORY_MAGIC || header->digest != digest || header->slots != slots) {
        for (uint64_t i = 0; i < slots; i++)
            memory.memos[i].bytes = 0;
        for (uint64_t i = 0; i < memory.long_slots; i++)
            memory.long_memos[i].bytes = 0;
        header->magic = BPE_MEMORY_MAGIC;
        header->digest = digest;
        header->slots = slots;
    }
    return memory;
}

static inline int64_t bpe_copy_tokens(int32_t *to, const int32_t *from, uint32_t count) {
    for (uint32_t i = 0; to && i < count; i++)
        to[i] = from[i];
    return count;
}

/* A word of up to 16 bytes: remembered, or merged and remembered if it has few tokens. */
static inline int64_t bpe_recall_word(const bpe_memory *memory, const bpe_table *table,
                                      const uint8_t *word, uint32_t bytes, const uint8_t *end,
                                      int32_t *tokens) {
    uint64_t a, b = 0;
    if (end - word >= BPE_MEMO_BYTES) {
        a = bpe_first(bpe_load(word, 8), bytes);
        b = bytes > 8 ? bpe_first(bpe_load(word + 8, 8), bytes - 8) : 0;
    } else {
        a = bpe_load(word, bytes);
        b = bytes > 8 ? bpe_load(word + 8, bytes - 8) : 0;
    }
    uint64_t hash = bpe_word_hash(a, b, bytes);
    bpe_memo *memo = &memory->memos[hash >> 32 & (memory->slots - 1)];
    if (memo->bytes == bytes && memo->a == a && memo->b == b)
        return bpe_copy_tokens(tokens, memo->tokens, memo->count);
    int32_t merged[BPE_MEMO_BYTES];
    uint32_t count = (uint32_t)bpe_merge_short(table, word, bytes, merged);
    if (count <= BPE_MEMO_TOKENS) {
        memo->a = a;
        memo->b = b;
        memo->bytes = (uint16_t)bytes;
        memo->count = (uint16_t)count;
        bpe_copy_tokens(memo->tokens, merged, count);
    }
    return bpe_copy_tokens(tokens, merged, count);
}

/* The same for a word of up to BPE_SHORT bytes. */
static inline int64_t bpe_recall_long_word(const bpe_memory *memory, const bpe_table *table,
                                           const uint8_t *word, uint32_t bytes, int32_t *tokens) {
    uint64_t hash = bpe_long_hash(word, bytes);
    bpe_long_memo *memo = &memory->long_memos[hash >> 32 & (memory->long_slots - 1)];
    if (memo->bytes == bytes && bpe_same(memo->word, word, bytes))
        return bpe_copy_tokens(tokens, memo->tokens, memo->count);
    int32_t merged[BPE_SHORT];
    uint32_t count = (uint32_t)bpe_merge_short(table, word, bytes, merged);
    if (count <= BPE_LONG_MEMO_TOKENS) {
        memo->bytes = bytes;
        memo->count = count;
        for (uint32_t i = 0; i < bytes; i++)
            memo->word[i] = word[i];
        bpe_copy_tokens(memo->tokens, merged, count);
    }
    return bpe_copy_tokens(tokens, merged, count);
}

/* The number of tokens of a word of up to BPE_SHORT bytes that is none, and unless `tokens` is
 * NULL the tokens. */
static inline int64_t bpe_short_word(const bpe_memory *memory, const bpe_table *table,
                                     const uint8_t *word, uint32_t bytes, const uint8_t *end,
                                     int32_t *tokens) {
    if (!memory->memos)
        return bpe_merge_short(table, word, bytes, tokens);
    if (bytes <= BPE_MEMO_BYTES)
        return bpe_recall_word(memory, table, word, bytes, end, tokens);
    return bpe_recall_long_word(memory, table, word, bytes, tokens);
}

#endif
