/* Pinned threads and their memory.
 *
 * Threads sleep between commands, so that a library measured in the same process has the CPU
 * to itself.
 */
#include "team.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ----------------------------------------------------------------------------- */

void *ab_grown(ab_block *kept, uint64_t bytes) {
    if (bytes > kept->bytes) {
        ab_pages_unmap(kept->pages, kept->bytes);
        *kept = (ab_block){ab_pages_map(bytes), bytes};
        if (!kept->pages)
            kept->bytes = 0;
    }
    return bytes ? kept->pages : NULL;
}

static void free_memory(ab_thread_memory *memory) {
    ab_pages_unmap(memory->arena.pages, memory->arena.bytes);
    ab_pages_unmap(memory->scratch.pages, memory->scratch.bytes);
    ab_pages_unmap(memory->shared.pages, memory->shared.bytes);
}

/* ---- threads ---------------------------------------------------------------------------- */

typedef struct thread_argument {
    ab_team *team;
    uint32_t index;
} thread_argument;

static int pin_to(int32_t cpu) {
    size_t bytes = CPU_ALLOC_SIZE(cpu + 1);
    cpu_set_t *set = CPU_ALLOC(cpu + 1);
    if (!set)
        return 0;
    CPU_ZERO_S(bytes, set);
    CPU_SET_S(cpu, bytes, set);
    int pinned = sched_setaffinity(0, bytes, set) == 0;
    CPU_FREE(set);
    return pinned;
}

static void *serve(void *given) {
    thread_argument argument = *(thread_argument *)given;
    ab_team *team = argument.team;
    free(given);
    int pinned = pin_to(team->cpus[argument.index]);

    uint64_t served = 0;
    pthread_mutex_lock(&team->lock);
    team->unpinned += !pinned;
    for (;;) {
        if (--team->busy == 0)
            pthread_cond_signal(&team->idle);
        while (team->serial == served)
            pthread_cond_wait(&team->wake, &team->lock);
        served = team->serial;
        ab_command command = team->command;
        if (!command)
            break;
        pthread_mutex_unlock(&team->lock);
        command(team, argument.index, team->job);
        pthread_mutex_lock(&team->lock);
    }
    pthread_mutex_unlock(&team->lock);
    return NULL;
}

static void wait_until_idle(ab_team *team) {
    while (team->busy)
        pthread_cond_wait(&team->idle, &team->lock);
}

void ab_team_give(ab_team *team, ab_command command, void *job) {
    pthread_mutex_lock(&team->lock);
    team->command = command;
    team->job = job;
    team->busy = command ? team->started : 0;
    team->serial++;
    pthread_cond_broadcast(&team->wake);
    wait_until_idle(team);
    pthread_mutex_unlock(&team->lock);
}

static int start_thread(ab_team *team, uint32_t index) {
    thread_argument *argument = malloc(sizeof *argument);
    if (!argument)
        return 0;
    *argument = (thread_argument){team, index};
    pthread_mutex_lock(&team->lock);
    int started = pthread_create(&team->threads[index], NULL, serve, argument) == 0;
    team->started += started;
    team->busy += started;
    pthread_mutex_unlock(&team->lock);
    if (!started)
        free(argument);
    return started;
}

static uint32_t share_a_cpu(const int32_t *cpus, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (cpus[i] == cpus[j])
                return 1;
    return 0;
}

ab_status ab_team_open(const int32_t *cpus, uint32_t count, ab_team **result) {
    *result = NULL;
    if (!count)
        return AB_BAD_ARGUMENT;
    ab_team *team = calloc(1, sizeof *team);
    if (!team)
        return AB_NO_MEMORY;
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->wake, NULL);
    pthread_cond_init(&team->idle, NULL);
    team->count = count;
    team->crowded = share_a_cpu(cpus, count);
    team->cpus = malloc(count * sizeof *cpus);
    team->threads = calloc(count, sizeof *team->threads);
    team->memory = calloc(count, sizeof *team->memory);
    ab_status status = team->cpus && team->threads && team->memory ? AB_OK : AB_NO_MEMORY;
    if (status == AB_OK)
        memcpy(team->cpus, cpus, count * sizeof *cpus);
    for (uint32_t i = 0; i < count && status == AB_OK; i++)
        status = start_thread(team, i) ? AB_OK : AB_NO_CPU;
    pthread_mutex_lock(&team->lock);
    wait_until_idle(team);
    pthread_mutex_unlock(&team->lock);
    if (status == AB_OK && team->unpinned)
        status = AB_NO_CPU;
    if (status != AB_OK) {
        ab_team_close(team);
        return status;
    }
    *result = team;
    return AB_OK;
}

void ab_team_close(ab_team *team) {
    if (!team)
        return;
    ab_team_give(team, NULL, NULL);
    for (uint32_t i = 0; i < team->started; i++)
        pthread_join(team->threads[i], NULL);
    for (uint32_t i = 0; team->memory && i < team->count; i++)
        free_memory(&team->memory[i]);
    pthread_cond_destroy(&team->idle);
    pthread_cond_destroy(&team->wake);
    pthread_mutex_destroy(&team->lock);
    free(team->memory);
    free(team->threads);
    free(team->cpus);
    free(team);
}

ab_status ab_team_reserve(ab_team *team, uint64_t bytes) {
    for (uint32_t i = 0; i < team->count; i++)
        if (bytes && !ab_grown(&team->memory[i].arena, bytes))
            return AB_NO_MEMORY;
    return AB_OK;
}
