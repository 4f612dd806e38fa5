/* How decode is split, whatever the cache holds: a kv head's keys into chunks, which give partial
 * outputs, and heads, which put them together (Dao et al. 2023).
 */
#ifndef ARMBENCH_ATTENTION_CHUNKS_H
#define ARMBENCH_ATTENTION_CHUNKS_H

#include "flash.h"
#include "sums.h"

#ifndef CHUNK
#define CHUNK 1024       /* keys at most, */
#endif
#define LEAST_CHUNK 64   /* and at least where many threads wait, */
#define MOST_GRAINS 1024 /* for so many there is space */
#define CHUNK_KEYS 32    /* a chunk costs as much beside its own keys */
#define DEALT 16         /* keys; of a page at least */
#define SCORES_STRIDE (CHUNK + LINE) /* no multiple of a page: rows fall into different sets */

INLINE int64_t group_of(attention_shape s) { return s.heads / s.kv_heads; }

INLINE int64_t fewest_chunks(attention_shape s) { return blocks(s.seq, CHUNK); }

INLINE int64_t most_chunks(attention_shape s) {
    int64_t most = min_of(blocks(s.seq, LEAST_CHUNK), blocks(MOST_GRAINS, s.batch * s.kv_heads));
    return most < fewest_chunks(s) ? fewest_chunks(s) : most;
}

/* In keys, until all threads are done. */
INLINE int64_t chunks_cost(attention_shape s, int64_t chunks, int64_t threads) {
    return blocks(s.batch * s.kv_heads * chunks, threads) * (blocks(s.seq, chunks) + CHUNK_KEYS);
}

/* Long chunks waste least at their ends; but all threads shall have one, and be done together. */
static int64_t chunks_of(attention_shape s, int64_t threads) {
    int64_t fewest = fewest_chunks(s), best = fewest;
    for (int64_t rounds = 1; threads > 1 && rounds <= 4; rounds++) {
        int64_t chunks = min_of(rounds * threads / (s.batch * s.kv_heads), most_chunks(s));
        if (chunks > fewest && chunks_cost(s, chunks, threads) < chunks_cost(s, best, threads))
            best = chunks;
    }
    return best;
}

static attention_shape decode_shape_of(const int64_t *params, uint64_t threads) {
    attention_shape s = shape_of(params);
    s.chunks = chunks_of(s, (int64_t)threads);
    return s;
}

INLINE int64_t vectors_of(attention_shape s) { return padded(s.head_dim, LANES); }

/* What a chunk gives for a query: o, not yet divided by the sum; then maximum and sum. */
INLINE int64_t partial_floats(attention_shape s) { return padded(vectors_of(s) + 2, 2 * LINE); }

INLINE float *partial_of(attention_shape s, void *shared, int64_t kv_head, int64_t chunk) {
    return (float *)shared + (kv_head * s.chunks + chunk) * group_of(s) * partial_floats(s);
}

/* Keys are dealt evenly to the chunks, by whole lots of DEALT. */
INLINE int64_t chunk_start(attention_shape s, int64_t chunk) {
    int64_t lots = blocks(s.seq, DEALT), each = lots / s.chunks, longer = lots % s.chunks;
    return min_of(s.seq, (chunk * each + min_of(chunk, longer)) * DEALT);
}

/* Pages are whole lots, so that no chunk begins within one. */
static int decode_accepts(const int64_t *params) {
    return accepts(params) && params[5] >= 0 && params[5] % DEALT == 0;
}

static uint64_t decode_shared_bytes(const int64_t *params) {
    attention_shape s = shape_of(params);
    return (uint64_t)(s.batch * s.heads * most_chunks(s) * partial_floats(s)) * sizeof(float);
}

typedef struct place {
    int64_t kv_head, chunk;
} place;

/* Of pages, kv heads take turns: they lie side by side, and hardware prefetchers, which go through 4 KB,
 * fetch what the next one reads. */
INLINE place place_of(attention_shape s, int64_t grain, const int paged) {
    int64_t together = paged ? s.kv_heads : 1, sequence = together * s.chunks;
    return (place){grain / sequence * together + grain % together, grain % sequence / together};
}

/* Scores become probabilities, zero up to a whole vector.  Four sums, or each addition waits for the
 * one before. */
static void softmax_row(float *scores, int64_t keys, float *most, float *sum) {
    const int64_t all = padded(keys, LANES), fours = all / (4 * LANES) * (4 * LANES);
    float *at = scores, *end = scores + fours, *last = scores + all;
    for (int64_t r = keys; r < all; r++)
        scores[r] = -INFINITY;
#define START(i) vec now##i = splat(-INFINITY), total##i = splat(0);
#define MOST(i) now##i = max_of(now##i, load(at + (i) * LANES));
#define POWER(i)                                                     \
    do {                                                             \
        vec p = exp2_of(sub(load(at + (i) * LANES), splat(*most))); \
        store(at + (i) * LANES, p);                                  \
        total##i = add(total##i, p);                                 \
    } while (0);
    EACH_4(START)
    for (; at < end; at += 4 * LANES) { EACH_4(MOST) }
    for (; at < last; at += LANES) { MOST(0) }
    *most = most_of(max_of(max_of(now0, now1), max_of(now2, now3)));
    for (at = scores; at < end; at += 4 * LANES) { EACH_4(POWER) }
    for (; at < last; at += LANES) { POWER(0) }
    *sum = sum_of(add(add(total0, total1), add(total2, total3)));
#undef START
#undef MOST
#undef POWER
}

static void join_chunks(attention_shape s, float *partial, float *o) {
    int64_t chunks = s.chunks, width = vectors_of(s);
    int64_t row = group_of(s) * partial_floats(s);
    float most = -INFINITY;
    for (int64_t c = 0; c < chunks; c++)
        most = partial[c * row + width] > most ? partial[c * row + width] : most;
    vec total = splat(0);
    for (int64_t c = 0; c < chunks; c++) {
        float *of = partial + c * row + width;
        vec weight = exp2_of(splat(of[0] - most));
        total = fma_of(weight, splat(of[1]), total);
        of[0] = first_of(weight);
    }
    for (int64_t p = 0; p < s.head_dim; p += LANES) {
        vec sum = splat(0);
        for (int64_t c = 0; c < chunks; c++)
            sum = fma_of(splat(partial[c * row + width]), load(partial + c * row + p), sum);
        sum = div_of(sum, total);
        store_most(o + p, s.head_dim - p, sum);
    }
}

static uint64_t decode_phases(const int64_t *params) {
    (void)params;
    return 2;
}

static uint64_t decode_grains(const int64_t *params, uint64_t phase, uint64_t threads) {
    attention_shape s = decode_shape_of(params, threads);
    return (uint64_t)(s.batch * (phase ? s.heads : s.kv_heads * s.chunks));
}

#endif
