/* Byte-level BPE of documents: split each into words, look each word up whole, merge those that
 * are not tokens.  A grain is a document.
 *
 *   encode  params   bytes, documents, longest, ranks, slots, flags, allowed
 *           operands text u8[bytes], starts i64[documents + 1], table u8[],
 *                    tokens i32[bytes] out, counts i64[documents] out
 *   count   the same without tokens: how many there would be
 *   decode  params   bytes, documents, ranks
 *           operands tokens i32[], token_starts i64[documents + 1], starts i64[documents + 1],
 *                    table u8[], text u8[bytes] out, counts i64[documents] out
 *   stream  the same and, before counts, steps i32[tokens] out
 *
 * bytes      of the text of all documents together
 * longest    bytes of the longest document, at least
 * ranks      an upper bound of the table's
 * slots      0: cold, no word is remembered, not even within a document;
 *            else a power of two: warm, the words seen last are kept in so many slots (memory.h)
 * flags      BPE_REPAIR: what is no UTF-8 is encoded as U+FFFD, one for each maximal part of a
 *            character (as Rust's from_utf8_lossy and Python's errors="replace"); the operand
 *            tokens is then three times as long, and so are its starts.  Without it, an error
 * allowed    the special tokens that are recognised: bit i is the table's i-th, -1 all of them
 *
 * Document d is text[starts[d]] to text[starts[d + 1]]; its tokens begin at tokens[starts[d]].
 * Decoding, its tokens are tokens[token_starts[d]] to tokens[token_starts[d + 1]], and
 * text[starts[d]] to text[starts[d + 1]] is the room for its text.
 * counts[d] is the number of its tokens or bytes, or what is wrong (BPE_BAD_…, all negative).
 *
 * stream decodes as a server sends: token i gives the steps[i] bytes that it completes.  The
 * beginning of a character is held back until it is whole; what can no longer become one is
 * U+FFFD, at once, and so is a beginning that is left when the tokens end: the bytes by which
 * counts exceeds the sum of the steps.  That is Python's incremental decoder with
 * errors="replace", but for half a surrogate, with which that one waits for a byte more.
 */
#ifndef ARMBENCH_TOKENIZATION_BPE_H
#define ARMBENCH_TOKENIZATION_BPE_H

#include "armbench.h"
#include "decode.h"
#include "encode.h"

enum { PARAM_BYTES, PARAM_DOCUMENTS, PARAM_LONGEST, PARAM_RANKS, PARAM_SLOTS, PARAM_FLAGS,
       PARAM_ALLOWED };
enum { DECODE_RANKS = 2 }; /* bytes and documents as above */

static int accepts_shape(int64_t bytes, int64_t documents, int64_t ranks) {
    return bytes >= 0 && documents > 0 && ranks > 0 && ranks <= (int64_t)BPE_RANK_MASK + 1;
}

static int accepts_text(const int64_t *params) {
    int64_t longest = params[PARAM_LONGEST], slots = params[PARAM_SLOTS];
    return accepts_shape(params[PARAM_BYTES], params[PARAM_DOCUMENTS], params[PARAM_RANKS]) &&
           longest >= 0 && longest <= params[PARAM_BYTES] && longest < BPE_LONGEST_TEXT &&
           slots >= 0 && (slots & (slots - 1)) == 0 && slots <= BPE_MOST_SLOTS &&
           (params[PARAM_FLAGS] & ~(int64_t)BPE_REPAIR) == 0;
}

static int accepts_tokens(const int64_t *params) {
    return accepts_shape(params[PARAM_BYTES], params[PARAM_DOCUMENTS], params[DECODE_RANKS]);
}

static bpe_job text_job(const int64_t *params) {
    return (bpe_job){.longest = (uint64_t)params[PARAM_LONGEST],
                     .ranks = (uint64_t)params[PARAM_RANKS],
                     .slots = (uint64_t)params[PARAM_SLOTS],
                     .allowed = params[PARAM_ALLOWED],
                     .repair = (params[PARAM_FLAGS] & BPE_REPAIR) != 0};
}

static uint64_t text_scratch_bytes(const int64_t *params) {
    bpe_job job = text_job(params);
    return bpe_encode_scratch(&job);
}

static uint64_t documents_of(const int64_t *params, uint64_t phase, uint64_t threads) {
    (void)phase, (void)threads;
    return (uint64_t)params[PARAM_DOCUMENTS];
}

static void encode_run(const ab_call *call, uint64_t phase, uint64_t grain) {
    const uint8_t *text = call->operands[0];
    const int64_t *starts = call->operands[1];
    int32_t *tokens = call->operands[3];
    int64_t *counts = call->operands[4];
    bpe_job job = text_job(call->params);
    int64_t room = job.repair ? BPE_REPAIRED : 1;
    (void)phase;
    counts[grain] = bpe_encode(&job, call->operands[2], call->scratch, text + starts[grain],
                               starts[grain + 1] - starts[grain], tokens + room * starts[grain]);
}

static void count_run(const ab_call *call, uint64_t phase, uint64_t grain) {
    const uint8_t *text = call->operands[0];
    const int64_t *starts = call->operands[1];
    int64_t *counts = call->operands[3];
    bpe_job job = text_job(call->params);
    (void)phase;
    counts[grain] = bpe_count(&job, call->operands[2], call->scratch, text + starts[grain],
                              starts[grain + 1] - starts[grain]);
}

static void decode_run(const ab_call *call, uint64_t phase, uint64_t grain) {
    const int32_t *tokens = call->operands[0];
    const int64_t *first = (const int64_t *)call->operands[1] + grain;
    const int64_t *starts = (const int64_t *)call->operands[2] + grain;
    uint8_t *text = call->operands[4];
    int64_t *counts = call->operands[5];
    bpe_table table;
    (void)phase;
    counts[grain] = BPE_BAD_TABLE;
    if (bpe_open(call->operands[3], (uint64_t)call->params[DECODE_RANKS], &table))
        counts[grain] = bpe_decode(&table, tokens + first[0], first[1] - first[0],
                                   text + starts[0], (uint64_t)(starts[1] - starts[0]));
}

static void stream_run(const ab_call *call, uint64_t phase, uint64_t grain) {
    const int32_t *tokens = call->operands[0];
    const int64_t *first = (const int64_t *)call->operands[1] + grain;
    const int64_t *starts = (const int64_t *)call->operands[2] + grain;
    uint8_t *text = call->operands[4];
    int32_t *steps = call->operands[5];
    int64_t *counts = call->operands[6];
    bpe_table table;
    (void)phase;
    counts[grain] = BPE_BAD_TABLE;
    if (bpe_open(call->operands[3], (uint64_t)call->params[DECODE_RANKS], &table))
        counts[grain] = bpe_stream(&table, tokens + first[0], first[1] - first[0], text + starts[0],
                                   (uint64_t)(starts[1] - starts[0]), steps + first[0]);
}

#define BPE_VARIANT                                                                        \
    AB_VARIANT(encode, .accepts = accepts_text, .scratch_bytes = text_scratch_bytes,       \
               .grains = documents_of, .run = encode_run);                                 \
    AB_VARIANT(count, .accepts = accepts_text, .scratch_bytes = text_scratch_bytes,        \
               .grains = documents_of, .run = count_run);                                  \
    AB_VARIANT(decode, .accepts = accepts_tokens, .grains = documents_of,                  \
               .run = decode_run);                                                         \
    AB_VARIANT(stream, .accepts = accepts_tokens, .grains = documents_of, .run = stream_run)

#endif
