/* Calls native variants on behalf of lab.py: requests on stdin, answers on stdout, both in the
 * byte order of the machine.  Built for aarch64 and run under emulation.
 *
 * Every operand and workspace lies between inaccessible pages, and inputs are read-only, so
 * that an access past either end ends the process.
 */
#include "call.h"
#include "native.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#define POISON 0xff /* a NaN in every float format */
#define MOST_OPERANDS 64
#define MOST_PARAMS 64

enum { FEATURES = 1, VARIANTS = 2, CALL = 3, PROBES = 4 };

typedef struct library {
    uint32_t (*count)(void);
    const ab_variant *(*at)(uint32_t);
    const char *(*not_built)(void);
    void (*features)(uint64_t *);
    uint32_t (*sve_bits)(void);
    uint32_t (*sme_bits)(void);
    ab_status (*check)(const ab_variant *);
    uint64_t (*midr)(void);
    int64_t (*counter_hz)(void);
    double (*counter_rate)(uint32_t);
    void (*timer)(double *, double *);
    uint32_t (*counter_add)(uint32_t *, uint32_t);
    int (*perf_open)(uint32_t, uint64_t);
} library;

static void fail(const char *what) {
    fprintf(stderr, "call: %s\n", what);
    exit(1);
}

static void take(void *to, size_t bytes) {
    if (bytes && fread(to, bytes, 1, stdin) != 1)
        fail("the request ends early");
}

static void give(const void *from, size_t bytes) {
    if (bytes && fwrite(from, bytes, 1, stdout) != 1)
        fail("the answer cannot be written");
}

static uint32_t take_word(void) {
    uint32_t word;
    take(&word, sizeof word);
    return word;
}

static void give_word(uint32_t word) { give(&word, sizeof word); }

static void give_text(const char *text) {
    give_word((uint32_t)strlen(text));
    give(text, strlen(text));
}

static void *symbol(void *handle, const char *name) {
    void *found = dlsym(handle, name);
    if (!found)
        fail(name);
    return found;
}

static library load(const char *path) {
    void *handle = dlopen(path, RTLD_NOW);
    if (!handle)
        fail(dlerror());
    library l;
    *(void **)&l.count = symbol(handle, "ab_variant_count");
    *(void **)&l.at = symbol(handle, "ab_variant_at");
    *(void **)&l.not_built = symbol(handle, "ab_not_built");
    *(void **)&l.midr = symbol(handle, "ab_midr");
    *(void **)&l.counter_hz = symbol(handle, "ab_counter_hz");
    *(void **)&l.counter_rate = symbol(handle, "ab_counter_rate");
    *(void **)&l.timer = symbol(handle, "ab_timer");
    *(void **)&l.perf_open = symbol(handle, "ab_perf_open");
    *(void **)&l.counter_add = symbol(handle, "ab_counter_add");
    *(void **)&l.features = symbol(handle, "ab_host_features");
    *(void **)&l.sve_bits = symbol(handle, "ab_sve_bits");
    *(void **)&l.sme_bits = symbol(handle, "ab_sme_bits");
    *(void **)&l.check = symbol(handle, "ab_check");
    return l;
}

/* ---- features ------------------------------------------------------------------------------- */

/* In the place of the C library's for whatever is loaded: AT_HWCAP, AT_HWCAP2 and AT_HWCAP3 without
 * the bits that ARMBENCH_LAB_KEEP (three hexadecimal words) has not, so that an emulated CPU that
 * cannot lack a feature claims to. */
__attribute__((visibility("default"))) unsigned long getauxval(unsigned long type) {
    static unsigned long (*real)(unsigned long);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "getauxval");
    unsigned long value = real(type), keep[3] = {~0ul, ~0ul, ~0ul};
    const char *kept = getenv("ARMBENCH_LAB_KEEP");
    if (kept && sscanf(kept, "%lx %lx %lx", &keep[0], &keep[1], &keep[2]) != 3)
        fail("ARMBENCH_LAB_KEEP: not three words");
    switch (type) {
    case AT_HWCAP: return value & keep[0];
    case AT_HWCAP2: return value & keep[1];
    case 29: return value & keep[2]; /* AT_HWCAP3, which older headers lack */
    default: return value;
    }
}

/* ---- guarded memory ------------------------------------------------------------------------ */

typedef struct guarded {
    char *pages; /* mapped, guards included */
    size_t mapped;
    char *data;
    size_t bytes;
} guarded;

/* Right after the first guard, right before the last one, or an element after the first, where
 * nothing is aligned to more than an element. */
enum { AT_START = 0, AT_END = 1, MISALIGNED = 2 };

static guarded guard(size_t bytes, uint32_t place, size_t element) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), inside = ((bytes + element) / page + 1) * page;
    guarded g = {.mapped = inside + 2 * page, .bytes = bytes};
    g.pages = mmap(NULL, g.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.pages == MAP_FAILED)
        fail("out of memory");
    memset(g.pages + page, POISON, inside);
    if (mprotect(g.pages, page, PROT_NONE) || mprotect(g.pages + page + inside, page, PROT_NONE))
        fail("mprotect");
    g.data = g.pages + page + (place == AT_END ? inside - bytes : place == MISALIGNED ? element : 0);
    return g;
}

/* What the harness itself hands out is always aligned. */
static guarded guard_aligned(size_t bytes, uint32_t place) {
    size_t whole = (bytes + AB_ALIGNMENT - 1) / AB_ALIGNMENT * AB_ALIGNMENT;
    return guard(whole, place == AT_START ? AT_START : AT_END, 0);
}

static void make_read_only(guarded g) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (mprotect(g.pages + page, g.mapped - 2 * page, PROT_READ))
        fail("mprotect");
}

static void release(guarded g) { munmap(g.pages, g.mapped); }

/* ---- requests ------------------------------------------------------------------------------ */

static void answer_features(const library *l) {
    uint64_t words[AB_FEATURE_WORDS];
    l->features(words);
    give(words, sizeof words);
    give_word(l->sve_bits());
    give_word(l->sme_bits());
}

/* What a host is asked beside its features: errno of a perf event, and a counter that is added to. */
static void answer_probes(const library *l) {
    uint64_t midr = l->midr();
    int64_t told = l->counter_hz();
    double measured[3] = {l->counter_rate(5), 0.0, 0.0};
    l->timer(&measured[1], &measured[2]);
    give(&midr, sizeof midr);
    give(&told, sizeof told);
    give(measured, sizeof measured);
    give_word((uint32_t)l->perf_open(0, 0));
    uint32_t counter = 5; /* with LSE or without */
    give_word(l->counter_add(&counter, 7));
    give_word(counter);
}

static void answer_variants(const library *l) {
    give_word(l->count());
    for (uint32_t i = 0; i < l->count(); i++) {
        give_text(l->at(i)->kernel);
        give_text(l->at(i)->name);
        give_text(l->at(i)->operation);
    }
    give_text(l->not_built());
}

#define SHARED 7 /* threads: no divisor of anything */

/* Grains take turns at two scratch workspaces, as on two threads; forwards they are those of one
 * thread, backwards those that SHARED threads would share. */
static void run_call(const ab_variant *v, const int64_t *params, void *const *operands,
                     uint32_t place, uint32_t backward) {
    guarded shared = guard_aligned(ab_shared_bytes(v, params), place);
    guarded scratch[2] = {guard_aligned(ab_scratch_bytes(v, params), place),
                          guard_aligned(ab_scratch_bytes(v, params), place)};
    for (uint64_t phase = 0; phase < ab_phases(v, params); phase++) {
        uint64_t threads = backward ? SHARED : 1, grains = ab_grains(v, params, phase, threads);
        for (uint64_t i = 0; i < grains; i++) {
            uint64_t grain = backward ? grains - 1 - i : i;
            ab_call call = {params, operands, shared.data, scratch[grain % 2].data, threads};
            v->run(&call, phase, grain);
        }
    }
    release(shared);
    release(scratch[0]);
    release(scratch[1]);
}

/* Variant, place, backward, params, operands as (bytes, of an element, is output, data unless output);
 * the answer is the status and, if it is AB_OK, the outputs. */
static void answer_call(const library *l) {
    int64_t params[MOST_PARAMS] = {0};
    guarded memory[MOST_OPERANDS];
    void *operands[MOST_OPERANDS];
    uint32_t is_output[MOST_OPERANDS];
    const ab_variant *v = l->at(take_word());
    uint32_t place = take_word(), backward = take_word(), n_params = take_word();
    if (n_params > MOST_PARAMS)
        fail("too many parameters");
    take(params, n_params * sizeof *params);
    uint32_t n = take_word();
    if (!v || n > MOST_OPERANDS)
        fail("no such variant, or too many operands");
    for (uint32_t i = 0; i < n; i++) {
        uint32_t bytes = take_word(), element = take_word();
        is_output[i] = take_word();
        memory[i] = guard(bytes, place, element);
        operands[i] = memory[i].data;
        if (is_output[i])
            continue;
        take(memory[i].data, bytes);
        make_read_only(memory[i]);
    }
    ab_status status = l->check(v);
    if (status == AB_OK && v->accepts && !v->accepts(params))
        status = AB_REFUSED;
    guarded packed = {0};
    if (status == AB_OK && v->pack) {
        packed = guard_aligned(v->packed_bytes(params), place);
        v->pack(params, operands[1], packed.data);
        make_read_only(packed);
        operands[1] = packed.data;
    }
    if (status == AB_OK)
        run_call(v, params, operands, place, backward);
    if (packed.pages)
        release(packed);
    give_word(status);
    for (uint32_t i = 0; i < n; i++) {
        if (status == AB_OK && is_output[i])
            give(memory[i].data, memory[i].bytes);
        release(memory[i]);
    }
}

int main(int argc, char **argv) {
    if (argc != 2)
        fail("usage: call LIBRARY");
    library l = load(argv[1]);
    uint32_t request;
    while (fread(&request, sizeof request, 1, stdin) == 1) {
        switch (request) {
        case FEATURES: answer_features(&l); break;
        case VARIANTS: answer_variants(&l); break;
        case CALL: answer_call(&l); break;
        case PROBES: answer_probes(&l); break;
        default: fail("no such request");
        }
        fflush(stdout);
    }
    return 0;
}
