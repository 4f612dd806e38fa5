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

/* The table's copies, in a value of their own: what is written to the text could change no other
 * part of a table, but a compiler does not know. */
typedef struct bpe_copies {
    const uint8_t *first;
    uint64_t ranks;
} bpe_copies;

static inline bpe_copies bpe_copies_of(const bpe_table *table) {
    return (bpe_copies){table->copies, table->ranks};
}

/* The token's copy, or NULL when it has none or is no token. */
static inline const uint8_t *bpe_copy_of(bpe_copies copies, int32_t token) {
    if ((uint32_t)token >= copies.ranks)
        return NULL;
    const uint8_t *copy = copies.first + (uint64_t)(uint32_t)token * BPE_COPY_BYTES;
    return copy[BPE_COPY_BYTES - 1] == BPE_NO_COPY ? NULL : copy;
}

/* A token that has no copy or too little room for one: its bytes are written to `to`, and it
 * returns how many they are, or what is wrong.  On its own, so that the loop around it keeps its
 * few values in registers. */
static BPE_APART int64_t bpe_decode_token(const bpe_table *table, int32_t number, uint8_t *to,
                                          uint64_t room) {
    bpe_bytes token = bpe_token_bytes(table, number);
    if (!token.size)
        return BPE_BAD_TOKEN;
    if (token.size > room)
        return BPE_BAD_DOCUMENT;
    if (room >= (uint64_t)token.size + 16)
        bpe_copy_token(to, token);
    else
        for (uint32_t i = 0; i < token.size; i++)
            to[i] = token.at[i];
    return token.size;
}

/* The bytes of tokens one behind another.  Of most a copy is written whole, without regard to how
 * many of its bytes count: one line of the table is read for a token, and no branch depends on
 * its length. */
static int64_t bpe_decode(const bpe_table *table, const int32_t *tokens, int64_t count,
                          uint8_t *text, uint64_t room) {
    const bpe_copies copies = bpe_copies_of(table);
    uint64_t at = 0;
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *copy = bpe_copy_of(copies, tokens[i]);
        if (copy && room - at >= BPE_COPY_BYTES) {
            __builtin_memcpy(text + at, copy, BPE_COPY_BYTES);
            at += copy[BPE_COPY_BYTES - 1] % BPE_COPY_BYTES;
            continue;
        }
        int64_t bytes = bpe_decode_token(table, tokens[i], text + at, room - at);
        if (bytes < 0)
            return bytes;
        at += (uint64_t)bytes;
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

/* A token more: 0 when there is no room for what comes of it. */
static inline int bpe_stream_token(bpe_stream_state *state, bpe_bytes token) {
    uint32_t at = 0;
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
    const bpe_copies copies = bpe_copies_of(table);
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *before = state.out, *copy = bpe_copy_of(copies, tokens[i]);
        if (copy && copy[BPE_COPY_BYTES - 1] & BPE_COPY_WHOLE && !state.holding &&
            state.end - state.out >= BPE_COPY_BYTES) {
            __builtin_memcpy(state.out, copy, BPE_COPY_BYTES);
            state.out += steps[i] = copy[BPE_COPY_BYTES - 1] % BPE_COPY_BYTES;
            continue;
        }
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
