/* What every instruction set registers: the two operations, in f32. */
#ifndef ARMBENCH_ATTENTION_H
#define ARMBENCH_ATTENTION_H

#include "decode.h"
#include "prefill.h"

AB_VARIANT(prefill_f32, .accepts = accepts, .scratch_bytes = prefill_scratch_bytes,
           .grains = prefill_grains, .run = prefill);
AB_VARIANT(decode_f32, .accepts = decode_accepts, .shared_bytes = decode_shared_bytes,
           .scratch_bytes = decode_scratch_bytes, .phases = decode_phases,
           .grains = decode_grains, .run = decode);

#endif
