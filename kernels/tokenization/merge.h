/* The tokens of one word that is no token itself: merge the adjacent pair whose token has the
 * lowest rank, the leftmost of equals, until no pair makes a token.
 *
 * Words of up to 64 bytes: a key of rank << 6 | position for every pair, of which the least is
 * sought anew each time; 64-bit masks tell which positions still begin a part and at which of them
 * a pair is ready to be merged, mostly a few.
 *
 * Longer words: chunk by chunk, as above, each beginning at a token of the one before it.  What
 * makes this exact (for any vocabulary) is that tokens stand beside each other in a merged word
 * if and only if each two neighbours would, merged alone: a first merge over their border would
 * be the first one there as well, since merges elsewhere change neither their ranks nor their
 * order.  So, if a chunk's last certain tokens are u and v, and one that starts with v finds v
 * again, the tokens up to v and those from v on are those of both chunks together.  If it does
 * not, or there is no border in a chunk, the chunk is made longer.
 *
 * Chunks of more than 64 bytes, in linear time: all pairs of one rank form a list in the order
 * of their positions, and a bitmap of three levels finds the lowest rank that has a list.  A new
 * pair comes last in its list.  For take a token's level to be the highest rank in the tree of
 * merges that makes it, of which there is one (vocabulary/table.py).  Then all tokens of lower
 * levels exist before the first of a level, those of a level are made from left to right, and so
 * are the pairs that they complete.  Should it ever not hold, the place in the list is searched.
 */
#ifndef ARMBENCH_TOKENIZATION_MERGE_H
#define ARMBENCH_TOKENIZATION_MERGE_H

#include "table.h"

#define BPE_SHORT 64
#define BPE_FEW 16 /* bytes of a word of which few pairs are ready */

/* ---- short words -------------------------------------------------------------------------- */

/* The least key of the pairs that are ready; key[64] is above all.  Four at a time, so that fewer
 * branches depend on how many there are. */
static inline uint32_t bpe_least(const uint32_t *keys, uint64_t ready) {
    uint32_t least = UINT32_MAX;
    while (ready)
        for (int i = 0; i < 4; i++, ready &= ready - 1) {
            uint32_t key = keys[ready ? __builtin_ctzll(ready) : 64];
            least = key < least ? key : least;
        }
    return least;
}

/* Merges the bytes of a word; *alive then says where parts begin. */
static inline void bpe_merge_few(const bpe_table *table, const uint8_t *word, uint32_t count,
                                 uint32_t *part, uint64_t *parts) {
    uint32_t key[BPE_SHORT + 1];
    uint64_t alive = UINT64_MAX >> (64 - count), ready = 0;
    key[BPE_SHORT] = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++)
        part[i] = table->byte_ranks[word[i]];
    for (uint32_t i = 0; i + 1 < count; i++) {
        uint32_t pair = table->byte_pairs[(uint32_t)word[i] << 8 | word[i + 1]];
        key[i] = pair << 6 | i;
        ready |= (uint64_t)(pair != BPE_NO_RANK) << i;
    }
    while (ready) {
        uint32_t least = bpe_least(key, ready), rank = least >> 6, left = least & 63;
        uint64_t after = alive & (UINT64_MAX - 1) << left; /* parts right of the left one */
        uint64_t before = alive & (((uint64_t)1 << left) - 1);
        uint64_t right = after & (0 - after);
        after ^= right;
        alive ^= right;
        ready &= ~(right | (uint64_t)1 << left);
        part[left] = rank;
        if (after) {
            uint32_t pair = bpe_find_pair(table, rank, part[__builtin_ctzll(after)]);
            key[left] = pair << 6 | left;
            ready |= (uint64_t)(pair != BPE_NO_RANK) << left;
        }
        if (before) {
            uint32_t previous = 63 - (uint32_t)__builtin_clzll(before);
            uint32_t pair = bpe_find_pair(table, part[previous], rank);
            key[previous] = pair << 6 | previous;
            ready &= ~((uint64_t)1 << previous);
            ready |= (uint64_t)(pair != BPE_NO_RANK) << previous;
        }
    }
    *parts = alive;
}

#ifdef BPE_LEAST

/* The same with BPE_LEAST(keys, count), the least of so many keys, a multiple of 16: for words so
 * long that looking at every key is faster than finding out which of them matter.  What is
 * known to change is taken out before the least of the others is sought, which then does not wait
 * for the two look-ups. */
static inline void bpe_merge_many(const bpe_table *table, const uint8_t *word, uint32_t count,
                                  uint32_t *part, uint64_t *parts) {
    uint32_t key[BPE_SHORT] __attribute__((aligned(64)));
    uint64_t alive = UINT64_MAX >> (64 - count);
    const uint32_t keys = (count + 15) & ~15u;
    for (uint32_t i = 0; i < count; i++)
        part[i] = table->byte_ranks[word[i]];
    for (uint32_t i = 0; i + 1 < count; i++)
        key[i] = table->byte_pairs[(uint32_t)word[i] << 8 | word[i + 1]] << 6 | i;
    for (uint32_t i = count - 1; i < keys; i++)
        key[i] = UINT32_MAX;
    uint32_t least = BPE_LEAST(key, keys);
    while (least >> 6 < BPE_NO_RANK) {
        uint32_t rank = least >> 6, left = least & 63;
        uint64_t after = alive & (UINT64_MAX - 1) << left;
        uint64_t before = alive & (((uint64_t)1 << left) - 1);
        uint32_t right = (uint32_t)__builtin_ctzll(after), next = UINT32_MAX, former = UINT32_MAX;
        uint32_t previous = before ? 63 - (uint32_t)__builtin_clzll(before) : left;
        after &= after - 1;
        alive ^= (uint64_t)1 << right;
        key[right] = key[left] = key[previous] = UINT32_MAX;
        part[left] = rank;
        uint32_t behind = part[after ? (uint32_t)__builtin_ctzll(after) : left];
        bpe_sought second = bpe_seek_pair(table, rank, behind);
        bpe_sought first = bpe_seek_pair(table, part[previous], rank);
        least = BPE_LEAST(key, keys);
        if (after)
            next = bpe_found_pair(table, second) << 6 | left;
        if (before)
            former = bpe_found_pair(table, first) << 6 | previous;
        key[previous] = former;
        key[left] = next;
        least = next < least ? next : least;
        least = former < least ? former : least;
    }
    *parts = alive;
}

#endif

static inline int64_t bpe_put(int32_t *tokens, uint32_t count, const uint32_t *from) {
    for (uint32_t i = 0; tokens && i < count; i++)
        tokens[i] = (int32_t)from[i];
    return count;
}

/* The tokens of 2 or 3 bytes that are no token together: of 3, two are merged at most. */
static inline int64_t bpe_merge_tiny(const bpe_table *table, const uint8_t *word, uint32_t count,
                                     int32_t *tokens) {
    const uint32_t *ranks = table->byte_ranks, *pairs = table->byte_pairs;
    if (count == 2)
        return bpe_put(tokens, 2, (uint32_t[]){ranks[word[0]], ranks[word[1]]});
    uint32_t first = pairs[(uint32_t)word[0] << 8 | word[1]];
    uint32_t second = pairs[(uint32_t)word[1] << 8 | word[2]];
    if (first == BPE_NO_RANK && second == BPE_NO_RANK)
        return bpe_put(tokens, 3,
                       (uint32_t[]){ranks[word[0]], ranks[word[1]], ranks[word[2]]});
    if (first <= second)
        return bpe_put(tokens, 2, (uint32_t[]){first, ranks[word[2]]});
    return bpe_put(tokens, 2, (uint32_t[]){ranks[word[0]], second});
}

/* Writes the tokens of 2 to 64 bytes, unless `tokens` is NULL, and returns their number. */
static inline int64_t bpe_merge_short(const bpe_table *table, const uint8_t *word, uint32_t count,
                                      int32_t *tokens) {
    uint32_t part[BPE_SHORT];
    uint64_t alive;
    if (count == 2 || count == 3)
        return bpe_merge_tiny(table, word, count, tokens);
#ifdef BPE_LEAST
    if (count > BPE_FEW)
        bpe_merge_many(table, word, count, part, &alive);
    else
#endif
        bpe_merge_few(table, word, count, part, &alive);
    int64_t written = __builtin_popcountll(alive);
    for (; tokens && alive; alive &= alive - 1)
        *tokens++ = (int32_t)part[__builtin_ctzll(alive)];
    return written;
}

/* ---- long words --------------------------------------------------------------------------- */

#define BPE_END UINT32_MAX /* in place of a position: none */

typedef struct bpe_part { /* at the position of its first byte */
    uint32_t rank;
    uint32_t previous, next; /* positions; previous of the first is BPE_END */
    uint32_t pair; /* rank of this and the next part together, or BPE_NO_RANK */
} bpe_part;

typedef struct bpe_link { /* of a pair, in the list of its rank: positions */
    uint32_t before, after;
} bpe_link;

typedef struct bpe_list {
    uint32_t first, last;
} bpe_list;

typedef struct bpe_queue {
    bpe_part *parts;
    bpe_link *links;
    bpe_list *lists; /* of a rank; of meaning only where its bit is set */
    uint64_t *bits[3]; /* bits[0]: ranks with a list; bits[l + 1]: words of bits[l] that are not 0 */
    int32_t *tokens; /* of a chunk */
    uint64_t top_words;
    int cleared; /* whether the bits have been, since the call began */
} bpe_queue;

static inline uint64_t bpe_bit_words(uint64_t bits) { return bits / 64 + 1; }

static inline uint64_t bpe_queue_bytes(uint64_t text_bytes, uint64_t ranks) {
    uint64_t words = 0;
    for (uint64_t level = 0, bits = ranks; level < 3; level++, bits /= 64)
        words += bpe_bit_words(bits);
    return text_bytes * (sizeof(bpe_part) + sizeof(bpe_link) + sizeof(int32_t)) + ranks * sizeof(bpe_list) +
           words * sizeof(uint64_t);
}

/* A queue in memory of bpe_queue_bytes(text_bytes, ranks).  It is cleared when it is first used:
 * most texts have no long word. */
static inline bpe_queue bpe_queue_in(void *memory, uint64_t text_bytes, uint64_t ranks) {
    bpe_queue queue = {.cleared = 0};
    uint64_t *words = memory;
    for (uint64_t level = 0, bits = ranks; level < 3; level++, bits /= 64) {
        queue.bits[level] = words;
        queue.top_words = bpe_bit_words(bits);
        words += queue.top_words;
    }
    queue.lists = (bpe_list *)words;
    queue.links = (bpe_link *)(queue.lists + ranks);
    queue.parts = (bpe_part *)(queue.links + text_bytes);
    queue.tokens = (int32_t *)(queue.parts + text_bytes);
    return queue;
}

/* Behind the queue's memory. */
static inline void *bpe_queue_end(const bpe_queue *queue, uint64_t text_bytes) {
    return queue->tokens + text_bytes;
}

static inline void bpe_clear(bpe_queue *queue) {
    for (uint64_t *word = queue->bits[0]; word < queue->bits[2] + queue->top_words; word++)
        *word = 0;
    queue->cleared = 1;
}

static inline void bpe_set_bit(bpe_queue *queue, uint32_t rank) {
    for (int level = 0; level < 3; level++, rank >>= 6)
        queue->bits[level][rank >> 6] |= (uint64_t)1 << (rank & 63);
}

static inline void bpe_clear_bit(bpe_queue *queue, uint32_t rank) {
    for (int level = 0; level < 3; level++, rank >>= 6)
        if (queue->bits[level][rank >> 6] &= ~((uint64_t)1 << (rank & 63)))
            break;
}

static inline int bpe_has_list(const bpe_queue *queue, uint32_t rank) {
    return queue->bits[0][rank >> 6] >> (rank & 63) & 1;
}

static inline uint32_t bpe_lowest_list(const bpe_queue *queue) {
    uint64_t at = 0;
    while (at < queue->top_words && !queue->bits[2][at])
        at++;
    if (at == queue->top_words)
        return BPE_NO_RANK;
    for (int level = 2; level >= 0; level--)
        at = at << 6 | (uint64_t)__builtin_ctzll(queue->bits[level][at]);
    return (uint32_t)at;
}

static inline void bpe_enter(bpe_queue *queue, uint32_t position, uint32_t rank) {
    bpe_list *list = &queue->lists[rank];
    bpe_link *links = queue->links;
    queue->parts[position].pair = rank;
    if (!bpe_has_list(queue, rank)) {
        bpe_set_bit(queue, rank);
        *list = (bpe_list){BPE_END, BPE_END};
    }
    uint32_t before = list->last, after = BPE_END;
    for (; before != BPE_END && before > position; before = links[before].before)
        after = before;
    links[position] = (bpe_link){before, after};
    if (before == BPE_END)
        list->first = position;
    else
        links[before].after = position;
    if (after == BPE_END)
        list->last = position;
    else
        links[after].before = position;
}

/* Take the pair at a position, if it has a rank, out of its list. */
static inline void bpe_leave(bpe_queue *queue, uint32_t position) {
    uint32_t rank = queue->parts[position].pair;
    bpe_link link = queue->links[position];
    if (rank == BPE_NO_RANK)
        return;
    queue->parts[position].pair = BPE_NO_RANK;
    bpe_list *list = &queue->lists[rank];
    if (link.before == BPE_END)
        list->first = link.after;
    else
        queue->links[link.before].after = link.after;
    if (link.after == BPE_END)
        list->last = link.before;
    else
        queue->links[link.after].before = link.before;
    if (list->first == BPE_END)
        bpe_clear_bit(queue, rank);
}

/* The position of the pair to merge next, BPE_END when there is none. */
static inline uint32_t bpe_next_pair(const bpe_queue *queue) {
    uint32_t rank = bpe_lowest_list(queue);
    return rank == BPE_NO_RANK ? BPE_END : queue->lists[rank].first;
}

static inline void bpe_fill(bpe_queue *queue, const bpe_table *table, const uint8_t *word,
                            uint32_t count) {
    if (!queue->cleared)
        bpe_clear(queue);
    for (uint32_t i = 0; i < count; i++)
        queue->parts[i] = (bpe_part){.rank = table->byte_ranks[word[i]],
                                     .previous = i ? i - 1 : BPE_END,
                                     .next = i + 1,
                                     .pair = BPE_NO_RANK};
    for (uint32_t i = 0; i + 1 < count; i++) {
        uint32_t rank = table->byte_pairs[(uint32_t)word[i] << 8 | word[i + 1]];
        if (rank != BPE_NO_RANK)
            bpe_enter(queue, i, rank);
    }
}

static inline void bpe_renew(bpe_queue *queue, const bpe_table *table, uint32_t position,
                             uint32_t count) {
    const bpe_part *part = &queue->parts[position];
    bpe_leave(queue, position);
    if (part->next < count) {
        uint32_t rank = bpe_find_pair(table, part->rank, queue->parts[part->next].rank);
        if (rank != BPE_NO_RANK)
            bpe_enter(queue, position, rank);
    }
}

/* Writes the tokens of `count` bytes, at most as many as the queue has room for, unless `tokens`
 * is NULL, and returns their number. */
static inline int64_t bpe_merge_long(bpe_queue *queue, const bpe_table *table, const uint8_t *word,
                                     uint32_t count, int32_t *tokens) {
    bpe_part *parts = queue->parts;
    bpe_fill(queue, table, word, count);
    for (uint32_t left; (left = bpe_next_pair(queue)) != BPE_END;) {
        uint32_t right = parts[left].next, next = parts[right].next;
        uint32_t after = queue->links[left].after; /* most likely the next pair */
        if (after < count) {
            __builtin_prefetch(&parts[after]);
            __builtin_prefetch(&queue->links[after]);
        }
        parts[left].rank = parts[left].pair;
        bpe_leave(queue, left);
        bpe_leave(queue, right);
        parts[left].next = next;
        if (next < count)
            parts[next].previous = left;
        if (parts[left].previous != BPE_END)
            bpe_renew(queue, table, parts[left].previous, count);
        bpe_renew(queue, table, left, count);
    }
    int64_t written = 0;
    for (uint32_t i = 0; i < count; i = parts[i].next, written++)
        if (tokens)
            tokens[written] = (int32_t)parts[i].rank;
    return written;
}

/* ---- chunks ------------------------------------------------------------------------------- */

#define BPE_CHUNK_GROWTH 16

static inline uint32_t bpe_token_size(const bpe_table *table, int32_t token) {
    return table->starts[token + 1] - table->starts[token];
}

/* How many of the first `limit` bytes are whole tokens, and *tokens how many tokens they are. */
static inline uint32_t bpe_whole_tokens(const bpe_table *table, const int32_t *out,
                                        uint32_t limit, int64_t *tokens) {
    uint32_t bytes = 0, size;
    for (*tokens = 0; bytes + (size = bpe_token_size(table, out[*tokens])) <= limit; ++*tokens)
        bytes += size;
    return bytes;
}

/* Where a chunk begins. */
typedef struct bpe_chunk {
    uint32_t at, size;
    int64_t written;  /* tokens before it */
    int32_t expected; /* its first token, by the chunk before it; -1: none */
} bpe_chunk;

/* The number of tokens of a word in chunks, written unless `tokens` is NULL, or -1 when two
 * chunks in a row were cut at a wrong place. */
static inline int64_t bpe_merge_chunks(bpe_queue *queue, const bpe_table *table,
                                       const uint8_t *word, uint32_t count, int32_t *tokens) {
    bpe_chunk now = {0, BPE_SHORT, 0, -1}, last = {0, 0, 0, -1};
    for (;;) {
        uint32_t left = count - now.at, size = left < now.size ? left : now.size;
        int32_t *out = tokens ? tokens + now.written : queue->tokens;
        int64_t certain, made = size <= BPE_SHORT
                                    ? bpe_merge_short(table, word + now.at, size, out)
                                    : bpe_merge_long(queue, table, word + now.at, size, out);
        if (now.expected >= 0 && out[0] != now.expected) {
            if (!last.size)
                return -1;
            now = last;
            now.size *= BPE_CHUNK_GROWTH;
            last.size = 0;
            continue;
        }
        if (size == left)
            return now.written + made;
        uint32_t bytes = bpe_whole_tokens(table, out, size - size / 4 - size / 8, &certain);
        if (!certain) {
            now.size *= BPE_CHUNK_GROWTH;
            continue;
        }
        last = now;
        now = (bpe_chunk){now.at + bytes, BPE_SHORT, now.written + certain, out[certain]};
    }
}

/* The same for a word of more than BPE_SHORT bytes, of which the queue has room for. */
static inline int64_t bpe_merge_word(bpe_queue *queue, const bpe_table *table,
                                     const uint8_t *word, uint32_t count, int32_t *tokens) {
    int64_t made = bpe_merge_chunks(queue, table, word, count, tokens);
    return made >= 0 ? made : bpe_merge_long(queue, table, word, count, tokens);
}

#endif
