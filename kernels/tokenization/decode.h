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

/* The bytes of tokens one behind another.  Up to 16 bytes are copied at once, which may write
 * past the token but not past the room. */
static int64_t bpe_decode(const bpe_table *table, const int32_t *tokens, int64_t count,
                          uint8_t *text, uint64_t room) {
    uint64_t at = 0;
    for (int64_t i = 0; i < count; i++) {
        bpe_bytes token = bpe_token_bytes(table, tokens[i]);
        if (!token.size)
            return BPE_BAD_TOKEN;
        if (token.size > room - at)
            return BPE_BAD_DOCUMENT;
        if (token.size <= 16 && room - at >= 16)
            __builtin_memcpy(text + at, token.at, 16);
        else
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

/* As bpe_decode, in steps: steps[i] bytes are whole with token i. */
static int64_t bpe_stream(const bpe_table *table, const int32_t *tokens, int64_t count,
                          uint8_t *text, uint64_t room, int32_t *steps) {
    bpe_stream_state state = {.out = text, .end = text + room};
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *before = state.out;
        bpe_bytes token = bpe_token_bytes(table, tokens[i]);
        if (!token.size)
            return BPE_BAD_TOKEN;
        for (uint32_t j = 0; j < token.size; j++)
            if (!bpe_stream_byte(&state, token.at[j]))
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
