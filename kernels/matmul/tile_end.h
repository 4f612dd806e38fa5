/* Undefines what describes a tile (vector_tile.h, neon_tile.h, panels.h), so that a file can have
 * several.
 */
#undef LEFT
#undef RIGHT
#undef SUM
#undef DEPTH
#undef MR
#undef NR
#undef LANES
#undef MC
#undef KC
#undef NC
#undef LEFT_STRIDE
#undef HEADS
#undef TILE
#undef ADD_GROUP
#undef GROUP_STEPS
#undef LEFT_AT
#undef RIGHT_AT
#undef MULTIPLY_ADD
#undef PAIR_ROWS
#undef ROWS_OF
#undef ACCUMULATOR
#undef ACCUMULATORS
#undef FINISH
#undef RESULT
