/* The widest x86 vectors of the instruction set being compiled, under one name. */
#ifndef ARMBENCH_MATMUL_WIDE_H
#define ARMBENCH_MATMUL_WIDE_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#ifdef __AVX512F__
#define WIDE_LANES 16 /* of 32 bits */
#define WIDE(operation) _mm512_##operation
typedef __m512 wide_floats;
typedef __m512d wide_doubles;
typedef __m512i wide_bits;
typedef __m256i half_bits;
#else
#define WIDE_LANES 8
#define WIDE(operation) _mm256_##operation
typedef __m256 wide_floats;
typedef __m256d wide_doubles;
typedef __m256i wide_bits;
typedef __m128i half_bits;
#endif

typedef int32_t wide_int32 __attribute__((vector_size(4 * WIDE_LANES)));

static inline wide_bits wide_load(const void *from) {
    wide_bits v;
    memcpy(&v, from, sizeof v);
    return v;
}

static inline half_bits half_load(const void *from) {
    half_bits v;
    memcpy(&v, from, sizeof v);
    return v;
}

/* 32 bits from memory in every lane. */
static inline wide_bits wide_broadcast(const void *from) {
    int32_t word;
    memcpy(&word, from, sizeof word);
    return WIDE(set1_epi32)(word);
}

#endif
