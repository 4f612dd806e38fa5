/* The vocabulary as one flat, position-independent buffer, which vocabulary/table.py builds.
 *
 * It begins with a header of 24 words: magic, bytes of the whole, digest of all the rest,
 * split pattern, number of ranks, longest token in bytes, then in the order below where each
 * section starts, counted from the buffer's start, and behind it, for a hash table, the shift, and
 * for the special tokens their number.  All is little-endian, sections are 64-aligned.
 * Tokens have no numbers but their ranks, which are below 2^21; a rank that was not given is a
 * token of no bytes.
 *
 *   byte_classes  u8[256]        class of an ASCII character, 0 for a byte of a longer one
 *   point_pages   u8[8704]       page of code points point / 128
 *   point_classes u8[pages][128] class of a code point
 *   byte_ranks    u32[256]       the token of one byte
 *   byte_pairs    u32[256][256]  the token of two bytes, or BPE_NO_RANK
 *   word_filter   u64[], shift   which hashes are not in
 *   words         bpe_word[], shift   all tokens by their bytes
 *   pair_filter   u64[], shift   which hashes are not in
 *   pairs         u64[], shift   left << 42 | right << 21 | merged: the two tokens of which each
 *                                token is merged; all ones is an empty slot
 *   starts        u32[ranks + 1] where a token's bytes start in
 *   text          u8[]           all tokens one behind another, and 16 bytes more
 *   special_ranks u32[], count   tokens that no text gives unless asked for, as <|endoftext|>: of
 *                                the sections above only starts and text know them
 *   copies        u8[ranks][16]  a token of up to 15 bytes, zeros, and in the last byte how many it
 *                                has, with BPE_COPY_WHOLE when they are whole characters;
 *                                BPE_NO_COPY there for any other
 *
 * Both hash tables are probed linearly from hash >> shift, without wrapping, to an empty slot.
 */
#ifndef ARMBENCH_TOKENIZATION_TABLE_H
#define ARMBENCH_TOKENIZATION_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define BPE_MAGIC 0x332d6570622d6261ull /* "ab-bpe-3" */
#define BPE_RANK_BITS 21
#define BPE_RANK_MASK (((uint64_t)1 << BPE_RANK_BITS) - 1)
#define BPE_NO_RANK (((uint32_t)1 << 26) - 1) /* above every rank, and fits 32 bits shifted by 6 */
#define BPE_INLINE_BYTES 12
#define BPE_LONG 15
#define BPE_COPY_BYTES 16
#define BPE_COPY_WHOLE 64
#define BPE_NO_COPY 255
#define BPE_FILTER_SHIFT 32
#define BPE_DIGEST_WORD 2 /* of the header */
#define BPE_FACTOR_A 0x9e3779b97f4a7c15ull
#define BPE_FACTOR_B 0xbf58476d1ce4e5b9ull

enum { BPE_CL100K = 1, BPE_O200K = 2 }; /* split patterns */

enum {
    BPE_UPPER = 1, /* Lu Lt */
    BPE_LOWER = 2, /* Ll */
    BPE_LETTER = 4, /* Lm Lo: neither upper nor lower */
    BPE_MARK = 8, /* Mn Mc Me */
    BPE_NUMBER = 16, /* Nd Nl No */
    BPE_SPACE = 32, /* White_Space */
    BPE_NEWLINE = 64, /* \r \n, which are BPE_SPACE too */
    BPE_OTHER = 128,
};

/* Up to 12 bytes: they themselves, zero-padded, in a and b.  Longer: their hash in a, their
 * number in b, and the bytes are compared with the token's in `text`. */
typedef struct bpe_word {
    uint64_t a;
    uint32_t b;
    uint32_t meta; /* length (or BPE_LONG) << 21 | rank; all ones is an empty slot */
} bpe_word;

typedef struct bpe_table {
    uint64_t digest, pattern, ranks, longest;
    const uint8_t *byte_classes, *point_pages, *point_classes;
    const uint32_t *byte_ranks, *byte_pairs;
    const bpe_word *words;
    const uint64_t *pairs, *word_filter, *pair_filter;
    const uint32_t *starts;
    const uint8_t *text;
    const uint32_t *special_ranks;
    const uint8_t *copies;
    uint64_t special_count;
    uint32_t word_filter_shift, words_shift, pair_filter_shift, pairs_shift;
} bpe_table;

/* 1, or 0 when the buffer is no table of this version with a known pattern and at most `ranks`
 * ranks. */
static inline int bpe_open(const void *buffer, uint64_t ranks, bpe_table *table) {
    const uint64_t *header = buffer;
    const uint8_t *base = buffer;
    if (header[0] != BPE_MAGIC || header[4] > ranks ||
        (header[3] != BPE_CL100K && header[3] != BPE_O200K))
        return 0;
    *table = (bpe_table){
        .digest = header[2],
        .pattern = header[3],
        .ranks = header[4],
        .longest = header[5],
        .byte_classes = base + header[6],
        .point_pages = base + header[7],
        .point_classes = base + header[8],
        .byte_ranks = (const uint32_t *)(base + header[9]),
        .byte_pairs = (const uint32_t *)(base + header[10]),
        .word_filter = (const uint64_t *)(base + header[11]),
        .word_filter_shift = (uint32_t)header[12],
        .words = (const bpe_word *)(base + header[13]),
        .words_shift = (uint32_t)header[14],
        .pair_filter = (const uint64_t *)(base + header[15]),
        .pair_filter_shift = (uint32_t)header[16],
        .pairs = (const uint64_t *)(base + header[17]),
        .pairs_shift = (uint32_t)header[18],
        .starts = (const uint32_t *)(base + header[19]),
        .text = base + header[20],
        .special_ranks = (const uint32_t *)(base + header[21]),
        .special_count = header[22],
        .copies = base + header[23],
    };
    return 1;
}

/* 0 when there is no entry of this hash; its word in the filter would have both bits set. */
static inline int bpe_may_hold(const uint64_t *filter, uint32_t shift, uint64_t hash) {
    uint64_t bits = (uint64_t)1 << (hash >> BPE_FILTER_SHIFT & 63) |
                    (uint64_t)1 << (hash >> (BPE_FILTER_SHIFT + 6) & 63);
    return (filter[hash >> shift] & bits) == bits;
}

/* A pair of tokens on its way: its lines of filter and table have been sent for. */
typedef struct bpe_sought {
    uint64_t key, hash;
} bpe_sought;

static inline bpe_sought bpe_seek_pair(const bpe_table *table, uint32_t left, uint32_t right) {
    uint64_t key = (uint64_t)left << BPE_RANK_BITS | right, hash = key * BPE_FACTOR_A;
    __builtin_prefetch(table->pairs + (hash >> table->pairs_shift));
    return (bpe_sought){key, hash};
}

/* The token that the two make together, or BPE_NO_RANK. */
static inline uint32_t bpe_found_pair(const bpe_table *table, bpe_sought pair) {
    uint64_t slot;
    if (!bpe_may_hold(table->pair_filter, table->pair_filter_shift, pair.hash))
        return BPE_NO_RANK;
    const uint64_t *at = table->pairs + (pair.hash >> table->pairs_shift);
    while ((slot = *at) >> BPE_RANK_BITS != pair.key) {
        if (slot == UINT64_MAX)
            return BPE_NO_RANK;
        at++;
    }
    return (uint32_t)(slot & BPE_RANK_MASK);
}

static inline uint32_t bpe_find_pair(const bpe_table *table, uint32_t left, uint32_t right) {
    return bpe_found_pair(table, bpe_seek_pair(table, left, right));
}

/* The 8 bytes at `from`, of which at least `count` exist; those that do not are zero. */
static inline uint64_t bpe_load(const uint8_t *from, uint64_t count) {
    uint64_t bytes = 0;
    if (count >= 8) {
        __builtin_memcpy(&bytes, from, 8);
        return bytes;
    }
    for (uint64_t i = 0; i < count; i++)
        bytes |= (uint64_t)from[i] << 8 * i;
    return bytes;
}

/* The first `count` bytes of 8. */
static inline uint64_t bpe_first(uint64_t bytes, uint64_t count) {
    return count >= 8 ? bytes : bytes & (((uint64_t)1 << 8 * count) - 1);
}

static inline uint64_t bpe_word_hash(uint64_t a, uint64_t b, uint64_t size) {
    return a * BPE_FACTOR_A + (size << 32 | b) * BPE_FACTOR_B;
}

static inline const bpe_word *bpe_home(const bpe_table *table, uint64_t a, uint64_t b,
                                       uint64_t size) {
    static const bpe_word empty = {0, 0, UINT32_MAX};
    uint64_t hash = bpe_word_hash(a, b, size);
    if (!bpe_may_hold(table->word_filter, table->word_filter_shift, hash))
        return &empty;
    return table->words + (hash >> table->words_shift);
}

static inline int bpe_same(const uint8_t *a, const uint8_t *b, uint64_t count) {
    for (; count >= 8; a += 8, b += 8, count -= 8)
        if (bpe_load(a, 8) != bpe_load(b, 8))
            return 0;
    return bpe_load(a, count) == bpe_load(b, count);
}

static inline uint64_t bpe_long_hash(const uint8_t *word, uint64_t count) {
    uint64_t hash = 0;
    for (uint64_t at = 0; at < count; at += 8) {
        hash = (hash ^ bpe_load(word + at, count - at)) * BPE_FACTOR_A;
        hash ^= hash >> 32;
    }
    return hash;
}

static inline uint32_t bpe_find_long(const bpe_table *table, const uint8_t *word, uint64_t count) {
    if (count > table->longest)
        return BPE_NO_RANK;
    uint64_t hash = bpe_long_hash(word, count);
    for (const bpe_word *slot = bpe_home(table, hash, count, BPE_LONG); slot->meta != UINT32_MAX;
         slot++) {
        uint32_t rank = slot->meta & BPE_RANK_MASK;
        if (slot->a == hash && slot->b == count && slot->meta >> BPE_RANK_BITS == BPE_LONG &&
            bpe_same(table->text + table->starts[rank], word, count))
            return rank;
    }
    return BPE_NO_RANK;
}

/* The token of these bytes, or BPE_NO_RANK.  `end`: of the readable memory. */
static inline uint32_t bpe_find_word(const bpe_table *table, const uint8_t *word, uint64_t count,
                                     const uint8_t *end) {
    uint64_t a, b = 0;
    if (count > BPE_INLINE_BYTES)
        return bpe_find_long(table, word, count);
    if (end - word >= 16) {
        a = bpe_first(bpe_load(word, 8), count);
        b = count > 8 ? bpe_first(bpe_load(word + 8, 8), count - 8) : 0;
    } else {
        a = bpe_load(word, count);
        b = count > 8 ? bpe_load(word + 8, count - 8) : 0;
    }
    for (const bpe_word *slot = bpe_home(table, a, b, count);; slot++) {
        if (slot->a == a && slot->b == b && slot->meta >> BPE_RANK_BITS == count)
            return slot->meta & BPE_RANK_MASK;
        if (slot->meta == UINT32_MAX)
            return BPE_NO_RANK;
    }
}

#endif
