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

/* The memory of words, the queue, the repaired text. */
static inline uint64_t bpe_encode_scratch(const bpe_job *job) {
    return bpe_memory_bytes(job->slots) + bpe_queue_bytes(bpe_split_bytes(job), job->ranks) +
           (job->repair ? bpe_split_bytes(job) : 0);
}

/* Text without special tokens; `keep`, whether tokens are written, is a constant at each call. */
static inline int64_t bpe_encode_ordinary(bpe_encoder *encoder, const uint8_t *text,
                                          const uint8_t *end, int keep, int32_t *tokens) {
    int64_t count = 0;
    const bpe_text source = {&encoder->table, end};
    bpe_batch batch;
    while (text < end) {
        text = encoder->table.pattern == BPE_CL100K ? bpe_fill_cl100k(&batch, source, text)
                                                    : bpe_fill_o200k(&batch, source, text);
        bpe_seek(&batch, &encoder->table, end);
        count += keep ? bpe_encode_batch(&batch, encoder, end, tokens + count)
                      : bpe_count_batch(&batch, encoder, end);
    }
    return count;
}

/* Text between the special tokens that are allowed. */
static inline int64_t bpe_encode_allowed(bpe_encoder *encoder, int64_t allowed, const uint8_t *text,
                                         const uint8_t *end, int keep, int32_t *tokens) {
    int64_t count = 0;
    for (;;) {
        bpe_special next = allowed ? bpe_next_special(&encoder->table, allowed, text, end)
                                   : (bpe_special){end, 0, 0};
        count += bpe_encode_ordinary(encoder, text, next.start, keep,
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
    bpe_encoder encoder;
    if (!bpe_open(buffer, job->ranks, &encoder.table))
        return BPE_BAD_TABLE;
    if (bytes < 0 || (uint64_t)bytes > job->longest)
        return BPE_BAD_DOCUMENT;
    const uint8_t *end = text + bytes, *wrong = bpe_find_invalid(text, end);
    if (wrong < end && !job->repair)
        return BPE_BAD_TEXT - (wrong - text);
    encoder.memory = bpe_memory_in(scratch, job->slots, encoder.table.digest);
    encoder.queue = bpe_queue_in((char *)scratch + bpe_memory_bytes(job->slots),
                                 bpe_split_bytes(job), job->ranks);
    if (wrong < end) {
        uint8_t *repaired = bpe_queue_end(&encoder.queue, bpe_split_bytes(job));
        end = bpe_repair(text, end, repaired);
        text = repaired;
    }
    return bpe_encode_allowed(&encoder, job->allowed, text, end, keep, tokens);
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
