/* The timing loop: raw ticks of every sample.
 *
 * Threads spin inside a measurement, so that they start together.
 */
#include "call.h"
#include "clock.h"
#include "team.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* What the threads of a group share; on cache lines of its own. */
typedef struct group_state {
    _Alignas(AB_ALIGNMENT) ab_gate gate;
    _Alignas(AB_ALIGNMENT) uint32_t next_grain[3];
    uint32_t over; /* 1: every group has its samples */
} group_state;

typedef struct measurement {
    const ab_variant *variant;
    const int64_t *params;
    ab_data *data;
    const ab_plan *plan;
    int64_t *ticks;
    ab_thread_report *reports;
    void **operands;         /* [groups][2 copies][operands] */
    void **scratch;          /* [threads] */
    void **shared;           /* [threads], all the same in a group */
    int64_t *starts, *stops; /* [samples][threads] */
    group_state *groups;
    uint32_t finished; /* groups that have their samples */
    uint32_t failed;   /* threads without workspace */
} measurement;

/* A word of every 64 KB: enough to catch an output nobody wrote, too little to fill a cache. */
#define POISON_STRIDE ((uint64_t)64 << 10)
#define POISON 0x7ff7a5a57ff7a5a5ull /* a NaN, as double and as two floats */

static void poison_outputs(ab_data *data, uint32_t group) {
    for (uint32_t copy = 0; copy < data->copies; copy++)
        for (uint32_t i = 0; i < data->operands; i++) {
            uint64_t bytes = data->sources[i].bytes, word = POISON;
            if (!data->sources[i].output)
                continue;
            char *output = ab_data_operand(data, group, copy, i);
            for (uint64_t at = 0; at < bytes; at += POISON_STRIDE)
                memcpy(output + at, &word, bytes - at < sizeof word ? bytes - at : sizeof word);
        }
}

static uint32_t total_samples(const ab_plan *plan) { return plan->warmup + plan->samples; }

/* `set`: of operands, those from `copies` on being for calls that nobody records. */
static ab_call call_of(const measurement *m, uint32_t thread, uint64_t set, uint64_t threads) {
    const ab_data *data = m->data;
    uint64_t group = thread / data->each;
    return (ab_call){
        .params = m->params,
        .operands = m->operands + (group * 2 * data->copies + set) * data->operands,
        .shared = m->shared[thread],
        .scratch = m->scratch[thread],
        .threads = threads,
    };
}

static inline void run_own(const measurement *m, uint32_t thread, uint64_t set) {
    ab_call call = call_of(m, thread, set, 1);
    if (m->variant)
        ab_run_call(m->variant, &call);
    else
        __asm__ volatile("" ::"r"(&call) : "memory");
}

static void measure_alone(ab_team *team, measurement *m, uint32_t thread) {
    const ab_plan *plan = m->plan;
    uint32_t samples = total_samples(plan), copies = m->data->copies;
    uint64_t index = plan->first;
    ab_gate_wait(&team->gate, team->count, team->crowded);
    for (uint32_t sample = 0; sample < samples; sample++) {
        if (sample == samples - 1)
            poison_outputs(m->data, thread);
        uint64_t slot = (uint64_t)sample * team->count + thread;
        int64_t start = ab_read_ticks();
        for (uint64_t call = 0; call < plan->calls; call++)
            run_own(m, thread, index++ % copies);
        m->stops[slot] = ab_read_ticks();
        m->starts[slot] = start;
    }
    m->reports[thread].last_copy = (uint32_t)((index - 1) % copies);
    /* Stay a load on the machine until the slowest has finished. */
    ab_counter_add(&m->finished, 1);
    while (ab_counter_read(&m->finished) < team->count)
        run_own(m, thread, copies + index++ % copies);
}

/* All threads of a group take grains of one phase until there are none, then meet at the gate.
 * Three counters in turn: whoever leaves turn t first clears the one of turn t + 2, which everyone
 * stopped reading before the gate of turn t and no one reads before the gate of turn t + 1. */
static void run_together(const ab_team *team, measurement *m, uint32_t thread, uint64_t set,
                         uint64_t *turn) {
    ab_call call = call_of(m, thread, set, m->data->each);
    group_state *group = &m->groups[thread / m->data->each];
    uint64_t phases = m->variant ? ab_phases(m->variant, m->params) : 1;
    for (uint64_t phase = 0; phase < phases; phase++, ++*turn) {
        uint64_t grains = m->variant ? ab_grains(m->variant, m->params, phase, call.threads) : 0;
        for (;;) {
            uint64_t grain = ab_counter_add(&group->next_grain[*turn % 3], 1) - 1;
            if (grain >= grains)
                break;
            m->variant->run(&call, phase, grain);
        }
        if (ab_gate_wait(&group->gate, m->data->each, team->crowded))
            __atomic_store_n(&group->next_grain[(*turn + 2) % 3], 0, __ATOMIC_RELEASE);
    }
}

/* Stay a load on the machine until the slowest group has finished.  The first thread looks, so
 * that all of a group leave after the same call. */
static void keep_on_together(const ab_team *team, measurement *m, uint32_t thread, uint64_t index,
                             uint64_t turn) {
    uint32_t copies = m->data->copies, each = m->data->each, leads = thread % each == 0;
    group_state *group = &m->groups[thread / each];
    if (leads)
        ab_counter_add(&m->finished, 1);
    for (;;) {
        if (leads && ab_counter_read(&m->finished) == m->data->groups)
            __atomic_store_n(&group->over, 1, __ATOMIC_RELEASE);
        ab_gate_wait(&group->gate, each, team->crowded);
        if (__atomic_load_n(&group->over, __ATOMIC_ACQUIRE))
            return;
        run_together(team, m, thread, copies + index++ % copies, &turn);
    }
}

static void measure_together(ab_team *team, measurement *m, uint32_t thread) {
    const ab_plan *plan = m->plan;
    uint32_t samples = total_samples(plan), copies = m->data->copies, each = m->data->each;
    group_state *group = &m->groups[thread / each];
    uint64_t index = plan->first, turn = 0;
    ab_gate_wait(&team->gate, team->count, team->crowded);
    for (uint32_t sample = 0; sample < samples; sample++) {
        if (sample == samples - 1 && thread % each == 0)
            poison_outputs(m->data, thread / each);
        ab_gate_wait(&group->gate, each, team->crowded);
        uint64_t slot = (uint64_t)sample * team->count + thread;
        m->starts[slot] = ab_read_ticks();
        for (uint64_t call = 0; call < plan->calls; call++)
            run_together(team, m, thread, index++ % copies, &turn);
        m->stops[slot] = ab_read_ticks();
    }
    m->reports[thread].last_copy = (uint32_t)((index - 1) % copies);
    keep_on_together(team, m, thread, index, turn);
}

/* Pages of a workspace, touched by the calling thread, so that no sample pays for it. */
static void *grown_and_touched(ab_block *kept, uint64_t bytes) {
    uint64_t before = kept->bytes;
    void *pages = ab_grown(kept, bytes);
    if (pages && kept->bytes > before)
        memset(pages, 0, kept->bytes);
    return pages;
}

static void prepare_workspace(ab_team *team, measurement *m, uint32_t thread) {
    ab_thread_memory *memory = &team->memory[thread];
    uint32_t each = m->data->each;
    uint64_t scratch = m->variant ? ab_scratch_bytes(m->variant, m->params) : 0;
    uint64_t shared = m->variant ? ab_shared_bytes(m->variant, m->params) : 0;
    if (thread % each)
        shared = 0; /* the first thread's is its group's */
    m->scratch[thread] = grown_and_touched(&memory->scratch, scratch);
    m->shared[thread] = grown_and_touched(&memory->shared, shared);
    if (m->scratch[thread])
        memset(m->scratch[thread], 0, scratch < AB_FRESH_BYTES ? scratch : AB_FRESH_BYTES);
    if ((scratch && !m->scratch[thread]) || (shared && !m->shared[thread]))
        ab_counter_add(&m->failed, 1);
    ab_gate_wait(&team->gate, team->count, team->crowded);
    if (thread % each)
        m->shared[thread] = m->shared[thread / each * each];
}

static void measure_thread(ab_team *team, uint32_t thread, void *job) {
    measurement *m = job;
    ab_thread_report *report = &m->reports[thread];
    prepare_workspace(team, m, thread);
    if (!ab_counter_read(&m->failed)) {
        struct rusage before, after;
        ab_where(&report->cpu_first, &report->node);
        getrusage(RUSAGE_THREAD, &before);
        int64_t wall = ab_nanoseconds(CLOCK_MONOTONIC), cpu = ab_nanoseconds(CLOCK_THREAD_CPUTIME_ID);
        if (m->data->each > 1)
            measure_together(team, m, thread);
        else
            measure_alone(team, m, thread);
        report->cpu_ns = ab_nanoseconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
        report->wall_ns = ab_nanoseconds(CLOCK_MONOTONIC) - wall;
        getrusage(RUSAGE_THREAD, &after);
        report->involuntary_switches = (uint32_t)(after.ru_nivcsw - before.ru_nivcsw);
        report->cpu_last = sched_getcpu();
    }
}

static int64_t first_start_to_last_stop(const int64_t *starts, const int64_t *stops, uint32_t count) {
    int64_t first = starts[0], last = stops[0];
    for (uint32_t thread = 1; thread < count; thread++) {
        first = starts[thread] < first ? starts[thread] : first;
        last = stops[thread] > last ? stops[thread] : last;
    }
    return last - first;
}

static void join_groups(const ab_team *team, measurement *m) {
    uint32_t groups = m->data->groups, each = m->data->each;
    for (uint32_t sample = 0; sample < total_samples(m->plan); sample++)
        for (uint32_t group = 0; group < groups; group++) {
            uint64_t slot = (uint64_t)sample * team->count + group * each;
            m->ticks[(uint64_t)sample * groups + group] =
                first_start_to_last_stop(m->starts + slot, m->stops + slot, each);
        }
}

static void list_operands(measurement *m) {
    const ab_data *data = m->data;
    void **slot = m->operands;
    for (uint32_t group = 0; group < data->groups; group++)
        for (uint32_t set = 0; set < 2 * data->copies; set++)
            for (uint32_t i = 0; i < data->operands; i++)
                *slot++ = ab_data_operand(data, group, set, i);
}

static int allocate(const ab_team *team, measurement *m) {
    const ab_data *data = m->data;
    uint64_t slots = (uint64_t)total_samples(m->plan) * team->count;
    m->operands =
        malloc((uint64_t)data->groups * 2 * data->copies * data->operands * sizeof(void *));
    m->scratch = calloc(team->count, sizeof(void *));
    m->shared = calloc(team->count, sizeof(void *));
    m->stops = malloc(slots * sizeof *m->stops);
    m->groups = aligned_alloc(AB_ALIGNMENT, data->groups * sizeof *m->groups);
    if (m->groups)
        memset(m->groups, 0, data->groups * sizeof *m->groups);
    return m->operands && m->scratch && m->shared && m->stops && m->groups;
}

static ab_status check_request(const ab_variant *variant, const int64_t *params,
                               const ab_plan *plan) {
    if (!plan->calls || !plan->samples)
        return AB_BAD_ARGUMENT;
    if (!variant)
        return AB_OK;
    if (variant->abi != AB_ABI || variant->struct_bytes != sizeof *variant)
        return AB_BAD_ARGUMENT;
    if (ab_check(variant) != AB_OK)
        return AB_UNSUPPORTED;
    return !variant->accepts || variant->accepts(params) ? AB_OK : AB_REFUSED;
}

ab_status ab_team_measure(ab_team *team, const ab_variant *variant, const int64_t *params,
                          ab_data *data, const ab_plan *plan, int64_t *ticks, int64_t *starts,
                          ab_thread_report *reports) {
    ab_status status = check_request(variant, params, plan);
    if (status != AB_OK)
        return status;
    if (data->groups * data->each != team->count)
        return AB_BAD_ARGUMENT;
    measurement m = {.variant = variant, .params = params, .data = data, .plan = plan,
                     .ticks = ticks, .starts = starts, .reports = reports};
    if (allocate(team, &m)) {
        list_operands(&m);
        memset(&team->gate, 0, sizeof team->gate);
        ab_team_give(team, measure_thread, &m);
        if (!m.failed)
            join_groups(team, &m);
        status = m.failed ? AB_NO_MEMORY : AB_OK;
    } else {
        status = AB_NO_MEMORY;
    }
    free(m.operands);
    free(m.scratch);
    free(m.shared);
    free(m.stops);
    free(m.groups);
    return status;
}
