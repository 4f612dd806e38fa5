/* Where the words of a text end: the split patterns of cl100k and o200k as scanners.
 *
 * Each scanner is its regular expression (vocabulary/patterns.py) with the backtracking worked
 * out by hand: alternatives are tried in the order in which they are written, and the comment
 * at each gives its text.  A character is looked at three times at most.
 *
 * The text is well-formed UTF-8 (utf8.h).
 */
#ifndef ARMBENCH_TOKENIZATION_SPLIT_H
#define ARMBENCH_TOKENIZATION_SPLIT_H

#include "table.h"

typedef struct bpe_char {
    uint32_t class_; /* 0 at the end of the text */
    uint32_t bytes;
} bpe_char;

typedef struct bpe_text {
    const bpe_table *table;
    const uint8_t *end;
} bpe_text;

static inline uint32_t bpe_point_class(const bpe_table *table, uint32_t point) {
    return table->point_classes[(uint32_t)table->point_pages[point >> 7] << 7 | (point & 127)];
}

/* The character of two to four bytes at p. */
static inline bpe_char bpe_long_char(bpe_text t, const uint8_t *p) {
    if (p[0] < 0xe0)
        return (bpe_char){bpe_point_class(t.table, (p[0] & 31u) << 6 | (p[1] & 63u)), 2};
    uint32_t point = (p[0] & 15u) << 12 | (p[1] & 63u) << 6 | (p[2] & 63u);
    if (p[0] < 0xf0)
        return (bpe_char){bpe_point_class(t.table, point), 3};
    point = (point & 0x7fff) << 6 | (p[3] & 63u);
    return (bpe_char){bpe_point_class(t.table, point), 4};
}

static inline bpe_char bpe_char_at(bpe_text t, const uint8_t *p) {
    if (p >= t.end)
        return (bpe_char){0, 0};
    uint32_t class_ = t.table->byte_classes[*p];
    return class_ ? (bpe_char){class_, 1} : bpe_long_char(t, p);
}

/* The end of the run of characters of these classes. */
static inline const uint8_t *bpe_run(bpe_text t, const uint8_t *p, uint32_t classes) {
    for (;;) {
        while (p < t.end && t.table->byte_classes[*p] & classes)
            p++;
        bpe_char c = bpe_char_at(t, p);
        if (!(c.class_ & classes))
            return p;
        p += c.bytes;
    }
}

static inline uint8_t bpe_lowered(uint8_t byte) {
    return byte >= 'A' && byte <= 'Z' ? byte | 32 : byte;
}

/* '(?i:[sdmt]|ll|ve|re) at p, or p.  Without regard to case, s is also U+017F. */
static inline const uint8_t *bpe_contraction(bpe_text t, const uint8_t *p) {
    if (t.end - p < 2 || *p != '\'')
        return p;
    uint8_t first = bpe_lowered(p[1]), second = t.end - p > 2 ? bpe_lowered(p[2]) : 0;
    if (first == 's' || first == 'd' || first == 'm' || first == 't')
        return p + 2;
    if ((first == 'l' && second == 'l') || ((first == 'v' || first == 'r') && second == 'e') ||
        (p[1] == 0xc5 && second == 0xbf))
        return p + 3;
    return p;
}

/* \p{N}{1,3} */
static inline const uint8_t *bpe_number(bpe_text t, const uint8_t *p) {
    for (int digits = 0; digits < 3; digits++) {
        bpe_char c = bpe_char_at(t, p);
        if (!(c.class_ & BPE_NUMBER))
            break;
        p += c.bytes;
    }
    return p;
}

/* " ?[^\s\p{L}\p{N}]+[\r\n]*", with `slash` "[\r\n/]*"; p if there is none */
static inline const uint8_t *bpe_punctuation(bpe_text t, const uint8_t *p, int slash) {
    const uint8_t *first = p + (*p == ' ');
    const uint8_t *end = bpe_run(t, first, BPE_OTHER | BPE_MARK);
    if (end == first)
        return p;
    while (end < t.end && (*end == '\r' || *end == '\n' || (slash && *end == '/')))
        end++;
    return end;
}

typedef struct bpe_spaces {
    const uint8_t *end;      /* of the whole run */
    const uint8_t *last;     /* start of its last character */
    const uint8_t *newlines; /* end of its last \r or \n, NULL when it has none */
} bpe_spaces;

static inline bpe_spaces bpe_space_run(bpe_text t, const uint8_t *p) {
    bpe_spaces run = {p, p, NULL};
    for (;;) {
        bpe_char c = bpe_char_at(t, run.end);
        if (!(c.class_ & BPE_SPACE))
            return run;
        run.last = run.end;
        run.end += c.bytes;
        if (c.class_ & BPE_NEWLINE)
            run.newlines = run.end;
    }
}

/* "\s+(?!\S)|\s": all but the last character before something else */
static inline const uint8_t *bpe_blanks(bpe_text t, const uint8_t *p, bpe_spaces run) {
    return run.end == t.end || run.last == p ? run.end : run.last;
}

/* ---- cl100k ------------------------------------------------------------------------------- */

static inline const uint8_t *bpe_cl100k_end(bpe_text t, const uint8_t *p) {
    const uint32_t letters = BPE_UPPER | BPE_LOWER | BPE_LETTER;
    bpe_char c = bpe_char_at(t, p);
    const uint8_t *end = bpe_contraction(t, p); /* '(?i:[sdmt]|ll|ve|re) */
    if (end > p)
        return end;
    /* [^\r\n\p{L}\p{N}]?+\p{L}++ */
    if (c.class_ & letters)
        return bpe_run(t, p + c.bytes, letters);
    if (!(c.class_ & (BPE_NEWLINE | BPE_NUMBER)) &&
        (end = bpe_run(t, p + c.bytes, letters)) > p + c.bytes)
        return end;
    if (c.class_ & BPE_NUMBER)
        return bpe_number(t, p);
    if ((end = bpe_punctuation(t, p, 0)) > p)
        return end;
    bpe_spaces run = bpe_space_run(t, p);
    if (run.end == t.end) /* \s++$ */
        return run.end;
    if (run.newlines) /* \s*[\r\n] */
        return run.newlines;
    return bpe_blanks(t, p, run);
}

/* ---- o200k -------------------------------------------------------------------------------- */

/* [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+ at p, or NULL; then *uppers is the
 * end of [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*. */
static inline const uint8_t *bpe_cased(bpe_text t, const uint8_t *p, const uint8_t **uppers) {
    const uint32_t either = BPE_LETTER | BPE_MARK;
    const uint8_t *last = NULL; /* end of the last character that both sets hold */
    bpe_char c = bpe_char_at(t, p);
    while (c.class_ & (BPE_UPPER | either)) {
        p += c.bytes;
        if (c.class_ & either)
            last = p;
        c = bpe_char_at(t, p);
    }
    *uppers = p;
    return c.class_ & BPE_LOWER ? bpe_run(t, p + c.bytes, BPE_LOWER | either) : last;
}

/* A word of letters whose first one stands at `letters`, after a prefix or not; NULL if none. */
static inline const uint8_t *bpe_o200k_prefixed(bpe_text t, const uint8_t *letters) {
    const uint8_t *uppers;
    const uint8_t *end = bpe_cased(t, letters, &uppers);
    if (!end && uppers > letters)
        end = uppers;
    return end ? bpe_contraction(t, end) : NULL;
}

static inline const uint8_t *bpe_o200k_end(bpe_text t, const uint8_t *p) {
    const uint32_t letters = BPE_UPPER | BPE_LOWER | BPE_LETTER;
    bpe_char c = bpe_char_at(t, p);
    const uint8_t *end, *uppers;
    if (c.class_ & letters)
        return bpe_o200k_prefixed(t, p);
    if (c.class_ & BPE_NUMBER)
        return bpe_number(t, p);
    if (c.class_ & BPE_MARK) { /* a prefix or a letter; as a letter it ends in lower case */
        end = bpe_cased(t, p + c.bytes, &uppers);
        return bpe_contraction(t, end ? end : bpe_cased(t, p, &uppers));
    }
    if (!(c.class_ & BPE_NEWLINE) && (end = bpe_o200k_prefixed(t, p + c.bytes)))
        return end;
    if ((end = bpe_punctuation(t, p, 1)) > p)
        return end;
    bpe_spaces run = bpe_space_run(t, p);
    return run.newlines ? run.newlines : bpe_blanks(t, p, run); /* \s*[\r\n]+ */
}

static inline const uint8_t *bpe_word_end(bpe_text t, const uint8_t *p, int64_t pattern) {
    return pattern == BPE_CL100K ? bpe_cl100k_end(t, p) : bpe_o200k_end(t, p);
}

#endif
