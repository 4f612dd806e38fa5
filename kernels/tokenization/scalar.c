/* Byte-level BPE a byte and a word at a time: what a core does without vectors.
 *
 * Classes of characters come from a table of 256 bytes (ASCII) or two small tables (the rest),
 * whole words and merges from hash tables of which a lookup touches one line of the cache.
 * Compiled without auto-vectorisation.
 * Bound: about 5 operations for every byte of a run (load, test, two steps, branch), and some 60
 * for every word: 4-wide N1 cannot take less than 3 cycles a byte of prose (words of 5 bytes),
 * 8-wide V1, V2 and V3 1.5; mispredicted ends of words and second-level cache come on top.
 */
#include "bpe.h"

AB_VARIANT(encode, .accepts = accepts, .scratch_bytes = encode_scratch_bytes,
           .run = encode_run);
AB_VARIANT(decode, .accepts = accepts, .run = decode_run);
