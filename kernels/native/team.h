/* What team.c, data.c and measure.c share. */
#ifndef ARMBENCH_TEAM_H
#define ARMBENCH_TEAM_H

#include "native.h"

#include <pthread.h>

typedef void (*ab_command)(ab_team *team, uint32_t thread, void *job);

/* Pages that grow and are kept: only the first use of a size pays for page faults. */
typedef struct ab_block {
    void *pages;
    uint64_t bytes;
} ab_block;

/* A thread's memory, touched by that thread first. */
typedef struct ab_thread_memory {
    ab_block arena;           /* operands */
    ab_block scratch, shared; /* workspaces */
} ab_thread_memory;

struct ab_team {
    uint32_t count;
    int32_t *cpus;
    pthread_t *threads;
    ab_thread_memory *memory;
    uint32_t started; /* how many of `threads` exist */
    pthread_mutex_t lock;
    pthread_cond_t wake, idle;
    uint64_t serial; /* of the current command; 0 before the first */
    uint32_t busy;
    ab_command command; /* NULL: leave */
    void *job;
    uint32_t unpinned; /* threads that could not be pinned */
    uint32_t crowded;  /* 1: some share a CPU */
    ab_gate gate;
};

struct ab_data {
    uint32_t groups, copies, operands;
    uint32_t each;        /* threads of a group, the first of which owns its operands */
    uint64_t arena_bytes; /* of a group */
    ab_source *sources;
    uint64_t *offsets; /* [2 copies][operands], the same in every arena */
    void **arenas;     /* [groups], the team's memory */
};

/* At least `bytes` of pages, untouched when they had to grow; NULL when there is no memory, or
 * none is wanted. */
void *ab_grown(ab_block *kept, uint64_t bytes);

/* Every thread runs the command; back when all have. */
void ab_team_give(ab_team *team, ab_command command, void *job);

#endif
