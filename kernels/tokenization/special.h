/* Special tokens: strings such as <|endoftext|> that are tokens before any splitting.
 *
 * The table has their ranks (special_ranks), and their bytes where those of all tokens are.  Of
 * two that begin at one place the longer one counts.
 */
#ifndef ARMBENCH_TOKENIZATION_SPECIAL_H
#define ARMBENCH_TOKENIZATION_SPECIAL_H

#include "table.h"

typedef struct bpe_special {
    const uint8_t *start; /* the end of the text when there is none */
    uint64_t bytes;
    uint32_t rank;
} bpe_special;

/* `allowed`: bit i for the i-th special token, -1 for all of them. */
static inline int bpe_is_allowed(int64_t allowed, uint64_t i) {
    return allowed == -1 || (i < 63 && allowed >> i & 1);
}

/* The special token at p, of 0 bytes when there is none. */
static inline bpe_special bpe_special_at(const bpe_table *table, int64_t allowed, const uint8_t *p,
                                         const uint8_t *end) {
    bpe_special found = {p, 0, 0};
    for (uint64_t i = 0; i < table->special_count; i++) {
        uint32_t rank = table->special_ranks[i];
        const uint8_t *name = table->text + table->starts[rank];
        uint64_t bytes = table->starts[rank + 1] - table->starts[rank];
        if (bpe_is_allowed(allowed, i) && bytes > found.bytes && bytes <= (uint64_t)(end - p) &&
            bpe_same(name, p, bytes))
            found = (bpe_special){p, bytes, rank};
    }
    return found;
}

/* The first special token in a text. */
static inline bpe_special bpe_next_special(const bpe_table *table, int64_t allowed,
                                           const uint8_t *text, const uint8_t *end) {
    uint64_t firsts[4] = {0}; /* the bytes with which they begin */
    for (uint64_t i = 0; i < table->special_count; i++) {
        uint8_t first = table->text[table->starts[table->special_ranks[i]]];
        if (bpe_is_allowed(allowed, i))
            firsts[first >> 6] |= (uint64_t)1 << (first & 63);
    }
    for (; text < end; text++)
        if (firsts[*text >> 6] >> (*text & 63) & 1) {
            bpe_special found = bpe_special_at(table, allowed, text, end);
            if (found.bytes)
                return found;
        }
    return (bpe_special){end, 0, 0};
}

#endif
