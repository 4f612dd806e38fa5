/* What every instruction set registers: all operations, on its tiles in f32; but decode over a type of
 * cache for which it has other tiles (BF16_HALVES, INT8_DOT). */
#ifndef ARMBENCH_ATTENTION_H
#define ARMBENCH_ATTENTION_H

#include "decode.h"
#include "prefill.h"

#define DECODE(operation) \
    AB_VARIANT(operation, .accepts = decode_accepts, .shared_bytes = decode_shared_bytes, \
               .scratch_bytes = decode_scratch_bytes, .phases = decode_phases, \
               .grains = decode_grains, .run = operation)

PREFILL(prefill_f32);
PREFILL(prefill_bf16);
DECODE(decode_f32);
#ifndef BF16_HALVES
DECODE(decode_bf16);
#endif
#ifndef INT8_DOT
DECODE(decode_int8);
#endif

#endif
