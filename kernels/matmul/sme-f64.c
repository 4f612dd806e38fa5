/* Outer products of f64 into four of ZA's eight 64-bit tiles (outer.h); an extension of SME that
 * not every CPU has.
 *
 * Lives on fmopa: four per step of k against four loads; with vectors of 512 bits each is 128
 * operations.
 */
#include "armbench.h"

#include "sme_tile.h"

#define PAIR SM_PAIR(double)

#define LEFT double
#define RIGHT double
#define SUM double
#define DEPTH 1
#define MR SM_MR
#define NR PAIR
#define ROWS_OF PAIR
#define MC MR
#define KC 256
#define NC (64 * NR)
#define LEFT_STRIDE KC
#define HEADS 0

ZA_TRANSPOSE(transpose_words, OUTER_F64)
SM_PACK_TILE(pack_a, double, DEPTH, transpose_words)
NP_PACK_ROWS(pack_b, double, double, NR, NP_AS_IT_IS)

OUTER(products, "fmopa", "d", OUTER_F64)

#define TILE f64
#define PRODUCTS products
#include "sme_tile.h"

#define OPERATION f64
#define SOURCE double
#define OUT double
#define PACK_TILE pack_a
#define PACK_B pack_b
#include "panels.h"

PANELS(f64, f64);
