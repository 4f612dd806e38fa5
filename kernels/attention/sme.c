/* Prefill by outer products into the four tiles of ZA (prefill_outer.h), 64 queries against 256
 * keys; bf16 is widened first.  The softmax between the two products is base NEON, outside
 * streaming mode.
 *
 * Lives on fmopa: with vectors of 512 bits 512 operations each, against one load of a vector.
 */
#include "neon.h"

#define OUTER_PRODUCTS
#define ROWS 4
#define COLUMNS 16
#define KEYS 256
#define TILES 8

#include "prefill.h"

PREFILL(prefill_f32);
PREFILL(prefill_bf16);
