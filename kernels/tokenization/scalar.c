/* Byte-level BPE a byte and a word at a time: what a core does without vectors.
 *
 * Classes of characters come from a table of 256 bytes (ASCII) or two small tables (the rest),
 * whole words and merges from hash tables of which a lookup touches one line of the cache.
 * Compiled without auto-vectorisation.
 * Bound: a byte of a run costs the load of its class, a test and a taken branch, of which N1, V1,
 * V2, V3 and x86 do one a cycle: 1 byte a cycle at most.  Words keep far from it: the end of most
 * is mispredicted, and each has two lines of the second-level cache to wait for.
 */
#include "bpe.h"

BPE_VARIANT;
