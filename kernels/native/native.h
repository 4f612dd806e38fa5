/* What the library exports to bench/native.py.  Units are in the names; ticks are those of
 * ab_ticks, ab_tick_hz to the second.  Functions that can fail return an ab_status. */
#ifndef ARMBENCH_NATIVE_H
#define ARMBENCH_NATIVE_H

#include "armbench.h"

typedef enum ab_status {
    AB_OK = 0,
    AB_BAD_ARGUMENT = 1,
    AB_UNSUPPORTED = 2, /* this CPU lacks a feature that the variant requires */
    AB_NO_MEMORY = 3,
    AB_NO_CPU = 4, /* a thread could not be created or pinned */
    AB_REFUSED = 5, /* the variant does not accept these parameters */
} ab_status;

/* --- host.c ------------------------------------------------------------------------------ */

/* The feature words of features.json, with the bits cleared whose registers the operating
 * system does not save. */
AB_EXPORT void ab_host_features(uint64_t words[AB_FEATURE_WORDS]);
/* Vector length in bits now in force for this thread; 0 without SVE (SME). */
AB_EXPORT uint32_t ab_sve_bits(void);
AB_EXPORT uint32_t ab_sme_bits(void);
/* MIDR_EL1 of the CPU that the calling thread is on, which the kernel reads for us where
 * HWCAP_CPUID says so; 0 elsewhere. */
AB_EXPORT uint64_t ab_midr(void);
AB_EXPORT ab_status ab_check(const ab_variant *variant);

/* --- registry.c -------------------------------------------------------------------------- */

AB_EXPORT uint32_t ab_abi(void);
/* sizeof of ab_variant, ab_source, ab_plan and ab_thread_report, for the loader to compare. */
AB_EXPORT void ab_struct_bytes(uint32_t bytes[4]);
AB_EXPORT uint32_t ab_variant_count(void);
AB_EXPORT const ab_variant *ab_variant_at(uint32_t index);
AB_EXPORT const char *ab_build_hash(void);
AB_EXPORT const char *ab_compiler(void);
/* "kernel/variant: reason" lines for the files that the compiler could not build. */
AB_EXPORT const char *ab_not_built(void);

/* --- clock.c ----------------------------------------------------------------------------- */

/* CNTVCT_EL0 on Arm, CLOCK_MONOTONIC_RAW elsewhere. */
AB_EXPORT int64_t ab_ticks(void);
AB_EXPORT int64_t ab_tick_hz(void);
/* Core clock from a chain of dependent register adds, one cycle each: the fastest of
 * `chains` chains of about 0.2 ms.  Interruptions only ever make a chain slower. */
AB_EXPORT double ab_clock_hz(uint32_t chains);
/* The instructions of one chain of `adds` dependent adds (rounded up to 64). */
AB_EXPORT void ab_add_chain(uint64_t adds);

/* The rate that the CPU's counter is said to have (CNTFRQ_EL0; CPUID of the TSC); 0 unknown. */
AB_EXPORT int64_t ab_counter_hz(void);
/* The same, measured against CLOCK_MONOTONIC_RAW over so many milliseconds. */
AB_EXPORT double ab_counter_rate(uint32_t milliseconds);
/* Of ab_ticks, in ticks: the smallest step but 0, and the time of one reading. */
AB_EXPORT void ab_timer(double *step, double *reading);

/* --- perf.c ------------------------------------------------------------------------------ */

/* 0 when the kernel would count this event of perf_event_open(2) in user mode, else errno. */
AB_EXPORT int ab_perf_open(uint32_t type, uint64_t config);
/* How many such events the kernel accepts in one group: those counted at the same time. */
AB_EXPORT uint32_t ab_perf_group(uint32_t type, uint64_t config);

/* --- memory.c ---------------------------------------------------------------------------- */

/* Zeroed pages, aligned to a huge page and offered to the kernel as huge pages when large
 * enough to fill one; NULL when there is no memory. */
AB_EXPORT void *ab_pages_map(uint64_t bytes);
AB_EXPORT void ab_pages_unmap(void *pages, uint64_t bytes);

/* How the calling thread, and whatever it starts, gets pages from now on; by system call, without
 * libnuma.  `nodes`: bit n of word n / 64 is node n, so many words of it; of no account for
 * AB_PAGES_LOCAL, which is the kernel's own default.  0, or an errno. */
typedef enum ab_page_policy {
    AB_PAGES_LOCAL = 0,      /* where the thread runs that touches them first */
    AB_PAGES_ON = 1,         /* only on these nodes */
    AB_PAGES_INTERLEAVE = 2, /* on these nodes in turn */
} ab_page_policy;
AB_EXPORT int ab_pages_from(ab_page_policy policy, const uint64_t *nodes, uint32_t words);
/* The CPU that the calling thread is on, and its node. */
AB_EXPORT void ab_where(int32_t *cpu, uint32_t *node);
/* The nodes on which `count` pages lie, spread evenly over [start, start + bytes); -1 for one that
 * was never touched.  How many, or minus an errno. */
AB_EXPORT int ab_page_nodes(const void *start, uint64_t bytes, uint32_t count, int32_t *nodes);

/* --- gate.c ------------------------------------------------------------------------------ */

/* A barrier in ordinary or shared memory, zeroed before its first use. */
typedef struct ab_gate {
    uint32_t arrived;
    uint32_t generation;
} ab_gate;
/* Spins, then yields; sleeps when `crowded`, which all parties say alike: where they share a CPU,
 * one that spins keeps another from arriving.  The last of `parties` to arrive returns 1. */
AB_EXPORT int ab_gate_wait(ab_gate *gate, uint32_t parties, uint32_t crowded);
AB_EXPORT uint32_t ab_counter_add(uint32_t *counter, uint32_t amount);
AB_EXPORT uint32_t ab_counter_read(const uint32_t *counter);

/* --- call.c ------------------------------------------------------------------------------ */

/* One call with its workspace, for verification and for harnesses that bring their own loop. */
typedef struct ab_bound ab_bound;
AB_EXPORT ab_status ab_bind(const ab_variant *variant, const int64_t *params, uint32_t n_params,
                            void *const *operands, uint32_t n_operands, ab_bound **bound);
AB_EXPORT void ab_invoke(const ab_bound *bound);
AB_EXPORT void ab_unbind(ab_bound *bound);
/* Operand 1 as the variant wants it: how many bytes, 0 for as it is; and those bytes. */
AB_EXPORT uint64_t ab_packed_bytes(const ab_variant *variant, const int64_t *params);
AB_EXPORT ab_status ab_pack(const ab_variant *variant, const int64_t *params, const void *operand,
                            void *packed);
/* The grains of the phase that has most when so many threads share a call.  0 when the variant cannot
 * run here, or not with these parameters. */
AB_EXPORT uint64_t ab_most_grains(const ab_variant *variant, const int64_t *params,
                                  uint64_t threads);

/* --- team.c ------------------------------------------------------------------------------ */

/* Threads pinned to a CPU each, idle between the commands below.  A CPU may be given twice. */
typedef struct ab_team ab_team;
AB_EXPORT ab_status ab_team_open(const int32_t *cpus, uint32_t count, ab_team **team);
AB_EXPORT void ab_team_close(ab_team *team);
/* Map room for operands of so many bytes a thread beforehand.  Loading does so by itself; but
 * whoever knows the largest load spares the smaller ones' pages from being faulted in twice. */
AB_EXPORT ab_status ab_team_reserve(ab_team *team, uint64_t bytes);

/* --- data.c ------------------------------------------------------------------------------ */

/* An operand to be laid out for the threads: copied from `data`, or zeroed when NULL. */
typedef struct ab_source {
    const void *data;
    uint64_t bytes;
    uint32_t output; /* 1 for what the kernel writes */
    uint32_t reserved;
} ab_source;

/* Operands in the team's memory.  The threads form so many groups of consecutive ones, equally
 * large; the first of a group owns `copies` sets for it, and touched them first.  Valid until
 * the team's next load. */
typedef struct ab_data ab_data;
AB_EXPORT ab_status ab_data_load(ab_team *team, const ab_source *sources, uint32_t operands,
                                 uint32_t copies, uint32_t groups, uint64_t seed, ab_data **data);
/* ab_page_nodes of all the operands of a group. */
AB_EXPORT int ab_data_page_nodes(const ab_data *data, uint32_t group, uint32_t count, int32_t *nodes);
/* Set `copies` + i has the inputs of set i and spare outputs, for calls that nobody records. */
AB_EXPORT void *ab_data_operand(const ab_data *data, uint32_t group, uint32_t set,
                                uint32_t operand);
AB_EXPORT void ab_data_free(ab_data *data);

/* --- measure.c --------------------------------------------------------------------------- */

typedef struct ab_plan {
    uint64_t calls;  /* per sample */
    uint64_t first;  /* the operand set of the first call; the others follow in turn */
    uint32_t warmup; /* samples recorded first and not counted */
    uint32_t samples;
} ab_plan;

typedef struct ab_thread_report {
    int32_t cpu_first; /* where the thread found itself at the start and at the end */
    int32_t cpu_last;
    uint32_t last_copy; /* the operand set of its last timed call */
    uint32_t involuntary_switches;
    int64_t wall_ns; /* of the samples, warm-up included */
    int64_t cpu_ns;
    uint32_t node; /* NUMA node of cpu_first */
    uint32_t reserved;
} ab_thread_report;

/* Every group of threads that `data` was laid out for makes its own calls; its threads share each
 * call's grains.  All begin together, and keep calling, unrecorded, until all have their samples.
 * ticks: [warmup + samples][groups], a sample lasting from the first start of a group's threads to
 * their last end; starts: [warmup + samples][threads], when each began.  Call i uses operand
 * set i % copies.  Before the last sample, words of every output are overwritten, so that an
 * output which is right afterwards was written by a timed call.
 * variant = NULL times the loop itself, around a call that does nothing. */
AB_EXPORT ab_status ab_team_measure(ab_team *team, const ab_variant *variant,
                                    const int64_t *params, ab_data *data, const ab_plan *plan,
                                    int64_t *ticks, int64_t *starts,
                                    ab_thread_report *reports);

#endif
