/* 4 x 6 tiles on vectors of any length (sve_sums.h): 24 sums, four elements of k or v in each of
 * up to four registers, and the vectors of queries that pass through.  Decode: 4 keys or 4 vectors
 * of v x 4 queries in 16.
 *
 * Lives on fmla by element: 24 per step against 6 or 7 loads, so multiply-adds are the bound: 16
 * operations a cycle on N2, 32 on V1 (two pipes of 256 bits), V2 and V3 (four of 128).
 */
#include "sve.h"

#define SIZELESS
#define ELEMENTS 4
#define ROWS 4
#define COLUMNS 6
#define WIDTHS(W) W(1) W(2) W(3) W(4) W(5) W(6)
#define KEYS 128
#define TILES 4
#define SHARED 4
#define SHARES(S) S(1) S(2) S(3) S(4)
#define SPAN 4

#include "attention.h"
