/* Tokens to text: at once, or token by token with only whole characters given away. */
#ifndef ARMBENCH_TOKENIZATION_DECODE_H
#define ARMBENCH_TOKENIZATION_DECODE_H

#include "encode.h"
#include "table.h"
#include "utf8.h"

typedef struct bpe_bytes {
    const uint8_t *at;
    uint32_t size; /* 0: no such token */
} bpe_bytes;

static inline bpe_bytes bpe_token_bytes(const bpe_table *table, int32_t token) {
    if ((uint32_t)token >= table->ranks)
        return (bpe_bytes){NULL, 0};
    uint32_t start = table->starts[token];
    return (bpe_bytes){table->text + start, table->starts[token + 1] - start};
}

/* Copies a token and, behind it, up to 16 bytes of whatever there is; without a branch up to 32. */
static inline void bpe_copy_token(uint8_t *to, bpe_bytes token) {
    uint32_t at = token.size < 16 ? token.size : 16;
    __builtin_memcpy(to, token.at, 16);
    __builtin_memcpy(to + at, token.at + at, 16);
    for (at = 32; at < token.size; at += 16)
        __builtin_memcpy(to + at, token.at + at, 16);
}

#define BPE_DECODE_BATCH 16 /* tokens */

/* The bytes of so many tokens, or 0 when one of them is none or they and 16 bytes have no room. */
static inline uint64_t bpe_decode_batch(const bpe_table *table, const int32_t *tokens,
                                        uint8_t *text, uint64_t room) {
    bpe_bytes batch[BPE_DECODE_BATCH];
    uint64_t bytes = 0, at = 0;
    int wrong = 0;
    for (int i = 0; i < BPE_DECODE_BATCH; i++) {
        uint32_t token = (uint32_t)tokens[i], known = token < table->ranks ? token : 0;
        uint32_t start = table->starts[known], size = table->starts[known + 1] - start;
        wrong |= token != known || !size;
        batch[i] = (bpe_bytes){table->text + start, size};
        bytes += size;
    }
    if (wrong || bytes + 16 > room)
        return 0;
    for (int i = 0; i < BPE_DECODE_BATCH; i++) {
        bpe_copy_token(text + at, batch[i]);
        at += batch[i].size;
    }
    return bytes;
}

/* The bytes of tokens one behind another: some at once, so that their lines of the table are
 * waited for together; the last ones, and those before an error, one by one. */
static int64_t bpe_decode(const bpe_table *table, const int32_t *tokens, int64_t count,
                          uint8_t *text, uint64_t room) {
    uint64_t at = 0;
    for (int64_t i = 0; i < count;) {
        uint64_t bytes;
        if (count - i >= BPE_DECODE_BATCH &&
            (bytes = bpe_decode_batch(table, tokens + i, text + at, room - at))) {
            i += BPE_DECODE_BATCH;
            at += bytes;
            continue;
        }
        bpe_bytes token = bpe_token_bytes(table, tokens[i++]);
        if (!token.size)
            return BPE_BAD_TOKEN;
        if (token.size > room - at)
            return BPE_BAD_DOCUMENT;
        for (uint32_t j = 0; j < token.size; j++)
            text[at + j] = token.at[j];
        at += token.size;
    }
    return (int64_t)at;
}

/* What a stream has given away and what it holds back. */
typedef struct bpe_stream_state {
    uint8_t held[4]; /* the beginning of a character */
    uint32_t holding;
    uint8_t *out, *end; /* where the next byte goes, and the room's end */
} bpe_stream_state;

/* One byte more: 0 when there is no room for what comes of it. */
static inline int bpe_stream_byte(bpe_stream_state *state, uint8_t byte) {
    state->held[state->holding++] = byte;
    while (state->holding) {
        bpe_piece piece = bpe_piece_at(state->held, state->holding);
        if (piece.whole < 0)
            return 1;
        if (state->end - state->out < (piece.whole ? (ptrdiff_t)piece.bytes : 3))
            return 0;
        if (piece.whole)
            for (uint32_t i = 0; i < piece.bytes; i++)
                *state->out++ = state->held[i];
        else
            state->out = bpe_put_replacement(state->out);
        state->holding -= piece.bytes;
        for (uint32_t i = 0; i < state->holding; i++)
            state->held[i] = state->held[piece.bytes + i];
    }
    return 1;
}

/* Whether a token of up to 16 bytes is ASCII. */
static inline int bpe_is_ascii(bpe_bytes token) {
    uint64_t a = bpe_first(bpe_load(token.at, 8), token.size), b = 0;
    if (token.size > 8)
        b = bpe_first(bpe_load(token.at + 8, 8), token.size - 8);
    return !((a | b) & 0x8080808080808080ull);
}

/* A token more: 0 when there is no room for what comes of it. */
static inline int bpe_stream_token(bpe_stream_state *state, bpe_bytes token) {
    uint32_t at = 0;
    if (!state->holding && token.size <= 16 && state->end - state->out >= 32 &&
        bpe_is_ascii(token)) {
        bpe_copy_token(state->out, token);
        state->out += token.size;
        return 1;
    }
    while (at < token.size) {
        bpe_piece piece = {0, 0};
        if (!state->holding)
            piece = bpe_piece_at(token.at + at, token.size - at);
        if (piece.whole == 1 && state->end - state->out >= (ptrdiff_t)piece.bytes) {
            for (uint32_t i = 0; i < piece.bytes; i++)
                *state->out++ = token.at[at++];
        } else if (!bpe_stream_byte(state, token.at[at++])) {
            return 0;
        }
    }
    return 1;
}

/* As bpe_decode, in steps: steps[i] bytes are whole with token i. */
static int64_t bpe_stream(const bpe_table *table, const int32_t *tokens, int64_t count,
                          uint8_t *text, uint64_t room, int32_t *steps) {
    bpe_stream_state state = {.out = text, .end = text + room};
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *before = state.out;
        bpe_bytes token = bpe_token_bytes(table, tokens[i]);
        if (!token.size)
            return BPE_BAD_TOKEN;
        if (!bpe_stream_token(&state, token))
            return BPE_BAD_DOCUMENT;
        steps[i] = (int32_t)(state.out - before);
    }
    if (state.holding) {
        if (state.end - state.out < 3)
            return BPE_BAD_DOCUMENT;
        state.out = bpe_put_replacement(state.out);
    }
    return state.out - text;
}

#endif
