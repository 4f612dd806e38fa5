/* The variants that the linker collected, and what the build was. */
#include "native.h"
#include "build.h" /* written by CMake */

extern const ab_variant *const __start_ab_variants[] __attribute__((visibility("hidden")));
extern const ab_variant *const __stop_ab_variants[] __attribute__((visibility("hidden")));

uint32_t ab_abi(void) { return AB_ABI; }

void ab_struct_bytes(uint32_t bytes[4]) {
    bytes[0] = sizeof(ab_variant);
    bytes[1] = sizeof(ab_source);
    bytes[2] = sizeof(ab_plan);
    bytes[3] = sizeof(ab_thread_report);
}

uint32_t ab_variant_count(void) { return (uint32_t)(__stop_ab_variants - __start_ab_variants); }

const ab_variant *ab_variant_at(uint32_t index) {
    return index < ab_variant_count() ? __start_ab_variants[index] : NULL;
}

const char *ab_build_hash(void) { return AB_BUILD_HASH; }
const char *ab_compiler(void) { return AB_COMPILER; }
const char *ab_not_built(void) { return AB_NOT_BUILT; }
