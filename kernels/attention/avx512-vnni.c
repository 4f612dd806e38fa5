/* Decode over a cache of int8 (vnni.h): 8 keys x 4 queries in 16 of 32 registers, or 2 vectors of v x
 * 4 queries of two parts in 16.
 *
 * Lives on vpdpwssd and vpdpbusd zmm, two a cycle from Ice Lake on (one and a half on Zen 4): for 4
 * queries, 1 KB of k takes 128 beside 64 that pair and widen and 42 that add over the lanes, 1 KB of v 128
 * beside 32 that zip: 10 bytes a cycle.
 */
#include "avx512.h"

#define NEAR 128

#include "vnni.h"

AB_VARIANT(decode_int8, .accepts = decode_accepts, .shared_bytes = decode_shared_bytes,
           .scratch_bytes = narrow_scratch_bytes, .phases = decode_phases,
           .grains = decode_grains, .run = narrow_decode);
