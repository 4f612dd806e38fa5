/* What this CPU and operating system can run.  Nothing here is compiled above the baseline. */
#include "native.h"

#include <string.h>
#include <sys/prctl.h>

#if defined(__aarch64__)

#include <sys/auxv.h>

#ifndef AT_HWCAP3
#define AT_HWCAP3 29
#endif
#ifndef PR_SVE_GET_VL
#define PR_SVE_GET_VL 51
#endif
#ifndef PR_SME_GET_VL
#define PR_SME_GET_VL 64
#endif
#define AB_VL_BYTES_MASK 0xffff

void ab_host_features(uint64_t words[AB_FEATURE_WORDS]) {
    memset(words, 0, AB_FEATURE_WORDS * sizeof *words);
    words[0] = getauxval(AT_HWCAP);
    words[1] = getauxval(AT_HWCAP2);
    words[2] = getauxval(AT_HWCAP3);
}

static uint32_t vector_bits(int request) {
    int answer = prctl(request, 0, 0, 0, 0);
    return answer < 0 ? 0 : 8u * (uint32_t)(answer & AB_VL_BYTES_MASK);
}

uint32_t ab_sve_bits(void) { return vector_bits(PR_SVE_GET_VL); }
uint32_t ab_sme_bits(void) { return vector_bits(PR_SME_GET_VL); }

#define HWCAP_CPUID_BIT 11

uint64_t ab_midr(void) {
    uint64_t midr = 0;
    if (getauxval(AT_HWCAP) >> HWCAP_CPUID_BIT & 1)
        __asm__ volatile("mrs %0, midr_el1" : "=r"(midr));
    return midr;
}

#elif defined(__x86_64__)

#include <cpuid.h>

#define OSXSAVE_BIT 27
#define XCR0_YMM 0x06u  /* SSE and AVX state */
#define XCR0_ZMM 0xe6u  /* and opmask, ZMM_Hi256, Hi16_ZMM */
#define XCR0_TILE 0x60000u

static uint32_t saved_state(uint32_t leaf1_ecx) {
    if (!(leaf1_ecx >> OSXSAVE_BIT & 1))
        return 0;
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

/* The bits of features.json whose registers need operating-system support. */
#define WORD0_AVX (1ull << 5 | 1ull << 41 | 1ull << 42)
#define WORD0_AVX512                                                                       \
    (1ull << 16 | 1ull << 17 | 1ull << 21 | 1ull << 26 | 1ull << 27 | 1ull << 28 | 1ull << 30 | \
     1ull << 31 | 1ull << 33 | 1ull << 38 | 1ull << 43 | 1ull << 44 | 1ull << 46)
#define WORD1_AVX (1ull << 36 | 1ull << 55)
#define WORD1_AVX512 (1ull << 2 | 1ull << 3 | 1ull << 8 | 1ull << 23 | 1ull << 37)
#define WORD1_AMX (1ull << 22 | 1ull << 24 | 1ull << 25 | 1ull << 53)
#define WORD2_AVX (1ull << 12 | 1ull << 28 | 1ull << 29)
#define WORD3_AVX (1ull << 36 | 1ull << 37 | 1ull << 42)
#define WORD3_AVX512 (1ull << 51)
#define WORD3_AMX (1ull << 40)

void ab_host_features(uint64_t words[AB_FEATURE_WORDS]) {
    uint32_t eax, ebx, ecx, edx, saved = 0;
    memset(words, 0, AB_FEATURE_WORDS * sizeof *words);
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) {
        words[2] = ecx | (uint64_t)edx << 32;
        saved = saved_state(ecx);
    }
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
        uint32_t last_subleaf = eax;
        words[0] = ebx | (uint64_t)ecx << 32;
        words[1] = edx;
        if (last_subleaf >= 1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx)) {
            words[1] |= (uint64_t)eax << 32;
            words[3] = (uint64_t)edx << 32;
        }
    }
    if (__get_cpuid(0x80000001u, &eax, &ebx, &ecx, &edx))
        words[3] |= ecx;
    if ((saved & XCR0_YMM) != XCR0_YMM) {
        words[0] &= ~WORD0_AVX;
        words[1] &= ~WORD1_AVX;
        words[2] &= ~WORD2_AVX;
        words[3] &= ~WORD3_AVX;
    }
    if ((saved & XCR0_ZMM) != XCR0_ZMM) {
        words[0] &= ~WORD0_AVX512;
        words[1] &= ~WORD1_AVX512;
        words[3] &= ~WORD3_AVX512;
    }
    if ((saved & XCR0_TILE) != XCR0_TILE) {
        words[1] &= ~WORD1_AMX;
        words[3] &= ~WORD3_AMX;
    }
}

uint32_t ab_sve_bits(void) { return 0; }
uint32_t ab_sme_bits(void) { return 0; }
uint64_t ab_midr(void) { return 0; }

#else
#error "armbench knows aarch64 and x86_64"
#endif

ab_status ab_check(const ab_variant *variant) {
    uint64_t words[AB_FEATURE_WORDS];
    ab_host_features(words);
    for (int i = 0; i < AB_FEATURE_WORDS; i++)
        if (variant->requires_[i] & ~words[i])
            return AB_UNSUPPORTED;
    return AB_OK;
}
