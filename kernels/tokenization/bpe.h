/* Byte-level BPE of one text: split it into words, look each word up whole, merge those that are
 * not tokens.  No word is remembered: every call and every word starts from nothing.
 *
 *   encode  params   text bytes, ranks (an upper bound)
 *           operands text u8[bytes], table u8[], tokens i32[bytes] out, count i64[1] out
 *   decode  params   text bytes, ranks
 *           operands tokens i32[], length i64[1] (how many), table u8[], text u8[bytes] out,
 *                    count i64[1] out
 *
 * `count` is the number of tokens or of bytes written; BPE_BAD_TABLE or BPE_BAD_TOKEN when
 * nothing can be.  The text is UTF-8; of one that is not, the stray bytes are encoded as they
 * stand (split.h), so that decoding gives it back.
 */
#ifndef ARMBENCH_TOKENIZATION_BPE_H
#define ARMBENCH_TOKENIZATION_BPE_H

#include "armbench.h"
#include "merge.h"
#include "split.h"
#include "table.h"

#define BPE_BAD_TABLE (-1) /* of another version, an unknown pattern or more ranks than stated */
#define BPE_BAD_TOKEN (-2) /* not in the vocabulary, or the text is longer than stated */

static int accepts(const int64_t *params) {
    return params[0] >= 0 && params[0] < BPE_END && params[1] > 0 &&
           params[1] <= (int64_t)BPE_RANK_MASK + 1;
}

static uint64_t encode_scratch_bytes(const int64_t *params) {
    return bpe_queue_bytes((uint64_t)params[0], (uint64_t)params[1]);
}

/* The pattern is a constant at each call, so that the scanner is inlined without a choice. */
static inline int64_t encode_text(const bpe_table *table, const uint8_t *text, const uint8_t *end,
                                  int64_t pattern, bpe_queue *queue, int32_t *tokens) {
    int32_t *out = tokens;
    const bpe_text source = {table, end};
    while (text < end) {
        const uint8_t *next = bpe_word_end(source, text, pattern);
        uint64_t bytes = (uint64_t)(next - text);
        uint32_t rank = bpe_find_word(table, text, bytes, end);
        if (rank != BPE_NO_RANK)
            *out++ = (int32_t)rank;
        else if (bytes <= BPE_SHORT)
            out += bpe_merge_short(table, text, (uint32_t)bytes, out);
        else
            out += bpe_merge_long(queue, table, text, (uint32_t)bytes, out);
        text = next;
    }
    return out - tokens;
}

static void encode_run(const ab_call *call, uint64_t phase, uint64_t grain) {
    uint64_t bytes = (uint64_t)call->params[0], ranks = (uint64_t)call->params[1];
    const uint8_t *text = call->operands[0];
    int64_t *count = call->operands[3];
    bpe_table table;
    (void)phase;
    (void)grain;
    if (!bpe_open(call->operands[1], ranks, &table)) {
        *count = BPE_BAD_TABLE;
        return;
    }
    bpe_queue queue = bpe_queue_in(call->scratch, bytes, ranks);
    if (table.pattern == BPE_CL100K)
        *count = encode_text(&table, text, text + bytes, BPE_CL100K, &queue, call->operands[2]);
    else if (table.pattern == BPE_O200K)
        *count = encode_text(&table, text, text + bytes, BPE_O200K, &queue, call->operands[2]);
    else
        *count = BPE_BAD_TABLE;
}

/* The bytes of tokens one behind another.  Up to 16 bytes are copied at once, which may write
 * past the token but not past the text. */
static inline int64_t decode_tokens(const bpe_table *table, const int32_t *tokens, int64_t length,
                                    uint8_t *text, uint64_t bytes) {
    uint64_t at = 0;
    for (int64_t i = 0; i < length; i++) {
        uint32_t token = (uint32_t)tokens[i];
        if (token >= table->ranks)
            return BPE_BAD_TOKEN;
        uint32_t start = table->starts[token], size = table->starts[token + 1] - start;
        if (!size || size > bytes - at)
            return BPE_BAD_TOKEN;
        if (size <= 16 && bytes - at >= 16)
            __builtin_memcpy(text + at, table->text + start, 16);
        else
            for (uint32_t j = 0; j < size; j++)
                text[at + j] = table->text[start + j];
        at += size;
    }
    return (int64_t)at;
}

static void decode_run(const ab_call *call, uint64_t phase, uint64_t grain) {
    const int64_t *length = call->operands[1];
    int64_t *count = call->operands[4];
    bpe_table table;
    (void)phase;
    (void)grain;
    *count = BPE_BAD_TABLE;
    if (bpe_open(call->operands[2], (uint64_t)call->params[1], &table))
        *count = decode_tokens(&table, call->operands[0], *length, call->operands[3],
                               (uint64_t)call->params[0]);
}

#endif
