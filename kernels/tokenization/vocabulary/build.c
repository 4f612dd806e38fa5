/* What of a vocabulary's table takes too long in Python: reading a rank file, hashing tokens and
 * merges, finding the merge that makes each token, and the digest of the whole.
 *
 * Used through native.py; table.py lays the table out (table.h), and ranks.py tells people what is
 * wrong with their file; here a file is only of the plain form or not.
 */
#include <string.h>

#include "../table.h"
#include "../utf8.h"
#include "armbench.h"

#define NOT_PLAIN (-1)

enum { FILLED = 0, NO_ROOM = 1, TWICE = 2, NO_TABLE = 3 };

/* ---- rank files --------------------------------------------------------------------------- */

/* Six bits of a base64 character, or 255. */
static uint32_t sextet(uint8_t c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26u;
    if (c >= '0' && c <= '9')
        return c - '0' + 52u;
    return c == '+' ? 62 : c == '/' ? 63 : 255;
}

static void fill_sextets(uint8_t *values) {
    for (uint32_t c = 0; c < 256; c++)
        values[c] = (uint8_t)sextet((uint8_t)c);
}

/* Decodes base64 up to a space; returns where that is, or NULL.  Writes at most three bytes for
 * every four characters, *text behind the last. */
static const uint8_t *decode(const uint8_t *at, const uint8_t *end, const uint8_t *values,
                             uint8_t **text) {
    uint8_t *out = *text;
    for (;;) {
        if (end - at < 4)
            return NULL;
        uint32_t a = values[at[0]], b = values[at[1]], c = values[at[2]], d = values[at[3]];
        if (a > 63 || b > 63)
            return NULL;
        uint32_t padding = at[2] == '=' && at[3] == '=' ? 2 : c <= 63 && at[3] == '=';
        if (!padding && (c > 63 || d > 63))
            return NULL;
        out[0] = (uint8_t)(a << 2 | b >> 4);
        if (padding < 2)
            out[1] = (uint8_t)(b << 4 | c >> 2);
        if (padding < 1)
            out[2] = (uint8_t)(c << 6 | d);
        out += 3 - padding;
        at += 4;
        if (at < end && *at == ' ')
            break;
        if (padding)
            return NULL;
    }
    *text = out;
    return at;
}

/* Reads a rank file of the plain form: nothing but lines `base64 rank\n` in the order of ranks
 * below `limit`.  Writes the tokens one behind another to text, u8[bytes], and where each starts
 * to starts, u32[limit + 1].  Returns the number of ranks, or NOT_PLAIN. */
AB_EXPORT int64_t ab_bpe_read_ranks(const uint8_t *contents, uint64_t bytes, uint32_t limit,
                                    uint8_t *text, uint32_t *starts) {
    const uint8_t *at = contents, *end = contents + bytes;
    uint8_t values[256], *out = text;
    uint32_t next = 0;
    fill_sextets(values);
    while (at < end) {
        uint32_t start = (uint32_t)(out - text), rank = 0, digits = 0;
        if (!(at = decode(at, end, values, &out)))
            return NOT_PLAIN;
        for (at++; at < end && *at >= '0' && *at <= '9' && digits < 8; at++, digits++)
            rank = rank * 10 + (*at - '0');
        if (!digits || at == end || *at++ != '\n' || rank < next || rank >= limit)
            return NOT_PLAIN;
        for (; next <= rank; next++)
            starts[next] = start;
    }
    starts[next] = (uint32_t)(out - text);
    return next;
}

/* ---- hash tables -------------------------------------------------------------------------- */

typedef struct filling {
    bpe_table table;
    bpe_word *words;
    uint64_t *pairs, *word_filter, *pair_filter;
    uint32_t *byte_ranks, *byte_pairs;
    uint64_t word_slots, pair_slots; /* of which the last one stays empty */
    const uint8_t *ordinary; /* of a rank: whether it is that of a token and no special one */
    const uint8_t *text_end;
} filling;

static void note(uint64_t *filter, uint32_t shift, uint64_t hash) {
    filter[hash >> shift] |= (uint64_t)1 << (hash >> BPE_FILTER_SHIFT & 63) |
                             (uint64_t)1 << (hash >> (BPE_FILTER_SHIFT + 6) & 63);
}

static uint32_t length_of(const bpe_table *table, uint32_t rank) {
    return table->starts[rank + 1] - table->starts[rank];
}

/* The bytes of a token that the text's 16 further ones make readable: 8 from `at` on, of which
 * those behind its `count` are zero. */
static inline uint64_t bytes_at(const uint8_t *token, uint32_t count, uint32_t at) {
    return count > at ? bpe_first(bpe_load(token + at, 8), count - at) : 0;
}

/* A token as it will lie in the table of words. */
typedef struct entry {
    bpe_word word;
    uint64_t hash;
} entry;

/* Sends for the lines where it will be entered, too: they lie all over 8 MB. */
static entry word_entry(const filling *f, uint32_t rank) {
    const bpe_table *table = &f->table;
    uint32_t count = length_of(table, rank), size = count > BPE_INLINE_BYTES ? BPE_LONG : count;
    const uint8_t *word = table->text + table->starts[rank];
    entry e = {.word = {0, count, size << BPE_RANK_BITS | rank}};
    if (size == BPE_LONG) {
        e.word.a = bpe_long_hash(word, count);
    } else {
        e.word.a = bytes_at(word, count, 0);
        e.word.b = (uint32_t)bytes_at(word, count, 8);
    }
    e.hash = bpe_word_hash(e.word.a, e.word.b, size);
    __builtin_prefetch(f->words + (e.hash >> table->words_shift), 1);
    __builtin_prefetch(f->word_filter + (e.hash >> table->word_filter_shift), 1);
    return e;
}

static int same_token(const bpe_table *table, const bpe_word *a, const bpe_word *b) {
    if (a->a != b->a || a->b != b->b || (a->meta ^ b->meta) >> BPE_RANK_BITS)
        return 0;
    return a->meta >> BPE_RANK_BITS != BPE_LONG ||
           bpe_same(table->text + table->starts[a->meta & BPE_RANK_MASK],
                    table->text + table->starts[b->meta & BPE_RANK_MASK], a->b);
}

static int add_word(filling *f, const entry *e) {
    uint64_t at = e->hash >> f->table.words_shift;
    for (; f->words[at].meta != UINT32_MAX; at++)
        if (same_token(&f->table, &f->words[at], &e->word))
            return TWICE;
    if (at + 1 >= f->word_slots)
        return NO_ROOM;
    f->words[at] = e->word;
    note(f->word_filter, f->table.word_filter_shift, e->hash);
    return FILLED;
}

static inline uint64_t pair_hash(uint32_t left, uint32_t right) {
    return ((uint64_t)left << BPE_RANK_BITS | right) * BPE_FACTOR_A;
}

static int add_pair(filling *f, uint32_t left, uint32_t right, uint32_t merged) {
    uint64_t key = (uint64_t)left << BPE_RANK_BITS | right, hash = pair_hash(left, right);
    uint64_t at = hash >> f->table.pairs_shift;
    while (f->pairs[at] != UINT64_MAX)
        at++;
    if (at + 1 >= f->pair_slots)
        return NO_ROOM;
    f->pairs[at] = key << BPE_RANK_BITS | merged;
    note(f->pair_filter, f->table.pair_filter_shift, hash);
    return FILLED;
}

/* ---- merges ------------------------------------------------------------------------------- */

#define MOST_BYTES 4096 /* of a token; table.py refuses longer ones */

typedef struct part {
    uint32_t start, rank;
    uint32_t pair; /* rank of this part and the next together, or BPE_NO_RANK */
} part;

/* The rank of two parts together: by their bytes whatever it is, or by their ranks when it has its
 * place among the merges already. */
static inline uint32_t pair_rank(const filling *f, const uint8_t *word, const part *p,
                                 int by_bytes) {
    uint32_t bytes = p[2].start - p[0].start;
    if (bytes == 2)
        return f->table.byte_pairs[(uint32_t)word[p->start] << 8 | word[p->start + 1]];
    return by_bytes ? bpe_find_word(&f->table, word + p->start, bytes, f->text_end)
                    : bpe_find_pair(&f->table, p[0].rank, p[1].rank);
}

/* Fetches what pair_rank() will look at on both sides of a new part. */
static inline void expect_pairs(const filling *f, const part *parts, uint32_t i, int behind) {
    const bpe_table *table = &f->table;
    uint64_t before = i ? pair_hash(parts[i - 1].rank, parts[i].rank) : 0;
    uint64_t after = behind ? pair_hash(parts[i].rank, parts[i + 1].rank) : 0;
    __builtin_prefetch(table->pair_filter + (before >> table->pair_filter_shift));
    __builtin_prefetch(table->pair_filter + (after >> table->pair_filter_shift));
    __builtin_prefetch(table->pairs + (before >> table->pairs_shift));
    __builtin_prefetch(table->pairs + (after >> table->pairs_shift));
}

static uint32_t first_lowest(const part *parts, uint32_t pairs) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < pairs; i++)
        if (parts[i].pair < parts[best].pair)
            best = i;
    return best;
}

/* Merges the bytes of a token until there are two parts, which are left in `parts`, room for
 * MOST_BYTES + 1.  0 when merging does not get so far.
 *
 * Whatever stands around a token when it is made, no merge has crossed its ends; so the merges
 * inside were those of its bytes alone, and these reach two parts in one way only.
 *
 * Tokens are asked for in the order of their ranks.  Then, unless by_bytes, the merges of lower
 * ranks, which are known by then, are mostly all that it takes: while one of them is possible, it
 * comes before all others.  Where none is, the parts are looked up by their bytes, which takes
 * twice as long. */
static inline int last_parts(const filling *f, uint32_t rank, int by_bytes, part *parts) {
    const uint8_t *word = f->table.text + f->table.starts[rank];
    uint32_t count = length_of(&f->table, rank);
    for (uint32_t i = 0; i <= count; i++)
        parts[i] = (part){i, i < count ? f->table.byte_ranks[word[i]] : 0, BPE_NO_RANK};
    for (uint32_t i = 0; i + 1 < count; i++)
        parts[i].pair = pair_rank(f, word, &parts[i], by_bytes);
    for (; count > 2; count--) {
        uint32_t i = first_lowest(parts, count - 1);
        if (parts[i].pair >= (by_bytes ? BPE_NO_RANK : rank))
            return 0;
        parts[i].rank = parts[i].pair;
        memmove(&parts[i + 1], &parts[i + 2], (count - 1 - i) * sizeof *parts);
        if (!by_bytes)
            expect_pairs(f, parts, i, i + 2 < count);
        if (i + 2 < count)
            parts[i].pair = pair_rank(f, word, &parts[i], by_bytes);
        else
            parts[i].pair = BPE_NO_RANK;
        if (i)
            parts[i - 1].pair = pair_rank(f, word, &parts[i - 1], by_bytes);
    }
    return !by_bytes || parts[0].pair == rank;
}

/* ---- the whole ---------------------------------------------------------------------------- */

#define AHEAD 16 /* tokens whose lines are on their way while one is entered */

static int fill_words(filling *f) {
    const uint32_t ranks = (uint32_t)f->table.ranks;
    entry entries[AHEAD];
    for (uint32_t rank = 0; rank < ranks + AHEAD; rank++) {
        entry *e = &entries[rank % AHEAD];
        int status = rank >= AHEAD && f->ordinary[rank - AHEAD] ? add_word(f, e) : FILLED;
        if (status)
            return status;
        if (rank < ranks && f->ordinary[rank])
            *e = word_entry(f, rank);
    }
    return FILLED;
}

static void fill_bytes(filling *f) {
    const bpe_table *table = &f->table;
    for (uint32_t i = 0; i < 256 * 256; i++)
        f->byte_pairs[i] = BPE_NO_RANK;
    for (uint32_t rank = 0; rank < table->ranks; rank++) {
        const uint8_t *word = table->text + table->starts[rank];
        if (f->ordinary[rank] && length_of(table, rank) == 1)
            f->byte_ranks[word[0]] = rank;
        if (f->ordinary[rank] && length_of(table, rank) == 2)
            f->byte_pairs[(uint32_t)word[0] << 8 | word[1]] = rank;
    }
}

static int fill_pairs(filling *f) {
    part parts[MOST_BYTES + 1];
    for (uint32_t rank = 0; rank < f->table.ranks; rank++) {
        if (!f->ordinary[rank] || length_of(&f->table, rank) < 2)
            continue;
        if (!last_parts(f, rank, 0, parts) && !last_parts(f, rank, 1, parts))
            continue;
        int status = add_pair(f, parts[0].rank, parts[1].rank, rank);
        if (status)
            return status;
    }
    return FILLED;
}

/* The tokens that are copied at once. */
static void fill_copies(const bpe_table *table, uint8_t *copies) {
    for (uint32_t rank = 0; rank < table->ranks; rank++, copies += BPE_COPY_BYTES) {
        uint32_t count = length_of(table, rank);
        const uint8_t *token = table->text + table->starts[rank], *end = token + count;
        copies[BPE_COPY_BYTES - 1] = BPE_NO_COPY;
        if (!count || count >= BPE_COPY_BYTES)
            continue;
        uint64_t bytes[2] = {bytes_at(token, count, 0), bytes_at(token, count, 8)};
        int ascii = !((bytes[0] | bytes[1]) & 0x8080808080808080ull);
        int whole = ascii || bpe_find_invalid(token, end) == end;
        memcpy(copies, bytes, sizeof bytes);
        copies[BPE_COPY_BYTES - 1] = (uint8_t)(count | (whole ? BPE_COPY_WHOLE : 0));
    }
}

/* Fills the hash tables, filters, byte tables and copies of a table of which the rest, zeros
 * there, has been laid out with so many slots.  ordinary: u8[ranks], 1 for a token that is not
 * special. */
AB_EXPORT int32_t ab_bpe_fill(uint8_t *buffer, uint64_t word_slots, uint64_t pair_slots,
                              const uint8_t *ordinary) {
    filling f = {.word_slots = word_slots, .pair_slots = pair_slots, .ordinary = ordinary};
    if (!bpe_open(buffer, BPE_RANK_MASK + 1, &f.table))
        return NO_TABLE;
    f.words = (bpe_word *)f.table.words;
    f.pairs = (uint64_t *)f.table.pairs;
    f.word_filter = (uint64_t *)f.table.word_filter;
    f.pair_filter = (uint64_t *)f.table.pair_filter;
    f.byte_ranks = (uint32_t *)f.table.byte_ranks;
    f.byte_pairs = (uint32_t *)f.table.byte_pairs;
    f.text_end = f.table.text + f.table.starts[f.table.ranks] + 16;
    for (uint64_t i = 0; i < word_slots; i++)
        f.words[i].meta = UINT32_MAX;
    memset(f.pairs, 0xff, pair_slots * sizeof *f.pairs);
    fill_copies(&f.table, (uint8_t *)f.table.copies);
    fill_bytes(&f);
    int status = fill_words(&f);
    return status ? status : fill_pairs(&f);
}

/* A digest of a table, whose size is a multiple of 64: of all its words but the one that holds
 * the digest. */
AB_EXPORT uint64_t ab_bpe_digest(const uint64_t *words, uint64_t bytes) {
    uint64_t lanes[8] = {1, 2, 3, 4, 5, 6, 7, 8}, digest = bytes;
    for (uint64_t at = 0; at < bytes / 8; at += 8)
        for (uint64_t lane = 0; lane < 8; lane++) {
            uint64_t word = at + lane == BPE_DIGEST_WORD ? 0 : words[at + lane];
            lanes[lane] = (lanes[lane] ^ word) * BPE_FACTOR_A;
            lanes[lane] ^= lanes[lane] >> 32;
        }
    for (uint64_t lane = 0; lane < 8; lane++) {
        digest = (digest ^ lanes[lane]) * BPE_FACTOR_B;
        digest ^= digest >> 32;
    }
    return digest;
}
