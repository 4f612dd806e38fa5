/* Decode over a cache of int8 on vpdpbusd (vnni.h): 16 keys x 4 queries of two parts in 8 of 32
 * registers, beside 16 that are transposed; or 2 vectors of v x 4 queries of two parts in 16.
 *
 * Lives on vpdpbusd zmm, two a cycle from Ice Lake on (one and a half on Zen 4): 128 beside 64 shuffles
 * for 1 KB of k and 4 queries, 128 beside 32 for 1 KB of v: 11 bytes a cycle.
 */
#include "avx512.h"

#define NEAR 128

#include "vnni.h"

AB_VARIANT(decode_int8, .accepts = decode_accepts, .shared_bytes = decode_shared_bytes,
           .scratch_bytes = narrow_scratch_bytes, .phases = decode_phases,
           .grains = decode_grains, .run = narrow_decode);
