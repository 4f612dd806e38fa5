/* Outer products into the four 32-bit tiles of ZA (outer.h): f32 one product a sum, f16 and bf16
 * two, summed in f32.
 *
 * Lives on fmopa and bfmopa: four per group of k against four loads, so that one load of a vector
 * per outer product keeps up.  With vectors of 512 bits an outer product is 512 operations of f32,
 * 1024 of f16 and bf16.  No smopa of int8, which could not be tested (roofs/sme.c).
 */
#include "armbench.h"

#include "narrow.h"
#include "sme_tile.h"

#define PAIR SM_PAIR(float)

ZA_TRANSPOSE(transpose_words, OUTER_F32)

/* ---- f32 ------------------------------------------------------------------------------------- */

#define LEFT float
#define RIGHT float
#define SUM float
#define DEPTH 1
#define MR SM_MR
#define NR PAIR
#define ROWS_OF PAIR
#define MC MR
#define KC 512
#define NC (64 * NR)
#define LEFT_STRIDE KC
#define HEADS 0

SM_PACK_TILE(f32_pack_a, float, DEPTH, transpose_words)
NP_PACK_ROWS(f32_pack_b, float, float, NR, NP_AS_IT_IS)

OUTER(f32_products, "fmopa", "s", OUTER_F32)

#define TILE f32
#define PRODUCTS f32_products
#include "sme_tile.h"

#define OPERATION f32
#define SOURCE float
#define OUT float
#define PACK_TILE f32_pack_a
#define PACK_B f32_pack_b
#include "panels.h"

PANELS(f32, f32);
PANELS_PACKED(f32_packed, f32);

#include "tile_end.h"

/* ---- bf16 ------------------------------------------------------------------------------------ */

#define LEFT uint16_t
#define RIGHT uint16_t
#define SUM float
#define DEPTH 2
#define MR SM_MR
#define NR PAIR
#define ROWS_OF PAIR
#define MC MR
#define KC 1024
#define NC (64 * NR)
#define LEFT_STRIDE KC
#define HEADS 0

/* Of f16 as well, as bits. */
SM_PACK_TILE(half_pack_a, uint16_t, DEPTH, transpose_words)
NP_PACK_WOVEN(half_pack_b, uint16_t, uint16x8_t, vld1q_u16, vst1q_u16, weave_halves, NR, DEPTH)

OUTER(bf16_products, "bfmopa", "h", OUTER_F32)

#define TILE bf16
#define PRODUCTS bf16_products
#include "sme_tile.h"

#define OPERATION bf16
#define SOURCE uint16_t
#define OUT uint16_t
#define PACK_TILE half_pack_a
#define PACK_B half_pack_b
#define ROUND bf16_bits
#include "panels.h"

PANELS(bf16, bf16);
PANELS_PACKED(bf16_packed, bf16);

/* ---- f16 ------------------------------------------------------------------------------------- */

OUTER(f16_products, "fmopa", "h", OUTER_F32)

#undef TILE
#define TILE f16
#define PRODUCTS f16_products
#include "sme_tile.h"

#define OPERATION f16
#define SOURCE uint16_t
#define OUT uint16_t
#define PACK_TILE half_pack_a
#define PACK_B half_pack_b
#define ROUND f16_bits
#include "panels.h"

PANELS(f16, f16);
