/* A document to its tokens: checked, repaired if asked for, cut at special tokens, encoded. */
#ifndef ARMBENCH_TOKENIZATION_ENCODE_H
#define ARMBENCH_TOKENIZATION_ENCODE_H

#include "merge.h"
#include "special.h"
#include "split.h"
#include "table.h"
#include "utf8.h"
#include "words.h"

/* What counts[d] says when a document cannot be encoded or decoded. */
#define BPE_BAD_TABLE (-1)    /* of another version, an unknown pattern or more ranks than stated */
#define BPE_BAD_TOKEN (-2)    /* not in the vocabulary */
#define BPE_BAD_DOCUMENT (-3) /* of negative length, or longer than stated or than its room */
#define BPE_BAD_TEXT (-16)    /* no UTF-8; the byte at offset BPE_BAD_TEXT - count is the first wrong one */

#define BPE_REPAIR 1   /* of the flags */
#define BPE_REPAIRED 3 /* bytes that a wrong byte may become */
#define BPE_LONGEST_TEXT (UINT32_MAX / BPE_REPAIRED)
#define BPE_MOST_SLOTS ((int64_t)1 << 20)

typedef struct bpe_job {
    uint64_t longest, ranks, slots; /* as bpe.h has them */
    int64_t allowed;
    int repair;
} bpe_job;

/* The longest text that is split, when `longest` is the longest document. */
static inline uint64_t bpe_split_bytes(const bpe_job *job) {
    return job->longest * (job->repair ? BPE_REPAIRED : 1);
}

/* The queue, then the repaired text. */
static inline uint64_t bpe_encode_scratch(const bpe_job *job) {
    return bpe_queue_bytes(bpe_split_bytes(job), job->ranks) +
           (job->repair ? bpe_split_bytes(job) : 0);
}

/* The pattern is a constant at each call, so that the scanner is inlined without a choice;
 * `keep`, whether tokens are written, is one too. */
static inline int64_t bpe_encode_words(const bpe_table *table, const uint8_t *text,
                                       const uint8_t *end, int64_t pattern, int keep,
                                       bpe_queue *queue, int32_t *tokens) {
    int64_t count = 0;
    const bpe_text source = {table, end};
    bpe_batch batch;
    while (text < end) {
        text = bpe_fill_batch(&batch, source, text, pattern);
        bpe_seek(&batch, table, end);
        count += bpe_encode_batch(&batch, table, end, keep, queue, keep ? tokens + count : NULL);
    }
    return count;
}

/* Text without special tokens. */
static inline int64_t bpe_encode_ordinary(const bpe_table *table, const uint8_t *text,
                                          const uint8_t *end, int keep, bpe_queue *queue,
                                          int32_t *tokens) {
    if (table->pattern == BPE_CL100K)
        return bpe_encode_words(table, text, end, BPE_CL100K, keep, queue, tokens);
    return bpe_encode_words(table, text, end, BPE_O200K, keep, queue, tokens);
}

static inline int64_t bpe_encode_allowed(const bpe_table *table, int64_t allowed,
                                         const uint8_t *text, const uint8_t *end, int keep,
                                         bpe_queue *queue, int32_t *tokens) {
    int64_t count = 0;
    for (;;) {
        bpe_special next = bpe_next_special(table, allowed, text, end);
        count += bpe_encode_ordinary(table, text, next.start, keep, queue,
                                     keep ? tokens + count : NULL);
        if (next.start == end)
            return count;
        if (keep)
            tokens[count] = (int32_t)next.rank;
        count++;
        text = next.start + next.bytes;
    }
}

static inline int64_t bpe_tokens(const bpe_job *job, const void *buffer, void *scratch,
                                 const uint8_t *text, int64_t bytes, int keep, int32_t *tokens) {
    bpe_table table;
    if (!bpe_open(buffer, job->ranks, &table))
        return BPE_BAD_TABLE;
    if (bytes < 0 || (uint64_t)bytes > job->longest)
        return BPE_BAD_DOCUMENT;
    const uint8_t *end = text + bytes, *wrong = bpe_find_invalid(text, end);
    bpe_queue queue = bpe_queue_in(scratch, bpe_split_bytes(job), job->ranks);
    if (wrong < end && !job->repair)
        return BPE_BAD_TEXT - (wrong - text);
    if (wrong < end) {
        uint8_t *repaired = bpe_queue_end(&queue, bpe_split_bytes(job));
        end = bpe_repair(text, end, repaired);
        text = repaired;
    }
    if (job->allowed)
        return bpe_encode_allowed(&table, job->allowed, text, end, keep, &queue, tokens);
    return bpe_encode_ordinary(&table, text, end, keep, &queue, tokens);
}

static int64_t bpe_encode(const bpe_job *job, const void *buffer, void *scratch,
                          const uint8_t *text, int64_t bytes, int32_t *tokens) {
    return bpe_tokens(job, buffer, scratch, text, bytes, 1, tokens);
}

static int64_t bpe_count(const bpe_job *job, const void *buffer, void *scratch,
                         const uint8_t *text, int64_t bytes) {
    return bpe_tokens(job, buffer, scratch, text, bytes, 0, NULL);
}

#endif
