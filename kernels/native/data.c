/* Operands that the threads of a team touched first. */
#include "team.h"

#include <stdlib.h>
#include <string.h>

#define OFFSETS 32 /* an operand starts at one of so many multiples of AB_ALIGNMENT */

static uint64_t next_random(uint64_t *state) { /* splitmix64 */
    uint64_t z = *state += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

/* Where the next operand lies, moved by a random part of a page: how operands fall into cache
 * sets differs from process to process and is sampled, not fixed by luck. */
static uint64_t place(ab_data *data, uint64_t bytes, uint64_t *seed) {
    uint64_t at = data->arena_bytes + next_random(seed) % OFFSETS * AB_ALIGNMENT;
    data->arena_bytes = at + ((bytes + AB_ALIGNMENT - 1) & ~(uint64_t)(AB_ALIGNMENT - 1));
    return at;
}

/* Operand sets one behind another, and a spare of every output.  Set copies + i has the inputs
 * of set i and the spare outputs: for calls that nobody records and that must not touch what a
 * recorded one wrote. */
static void lay_out(ab_data *data, uint64_t seed) {
    uint32_t sets = data->copies, operands = data->operands;
    for (uint32_t i = 0; i < sets * operands; i++)
        data->offsets[i] = place(data, data->sources[i % operands].bytes, &seed);
    for (uint32_t i = 0; i < operands; i++) {
        const ab_source *source = &data->sources[i];
        uint64_t spare = source->output ? place(data, source->bytes, &seed) : 0;
        for (uint32_t set = 0; set < sets; set++)
            data->offsets[(sets + set) * operands + i] =
                source->output ? spare : data->offsets[set * operands + i];
    }
}

void *ab_data_operand(const ab_data *data, uint32_t group, uint32_t set, uint32_t operand) {
    char *arena = data->arenas[group];
    return arena + data->offsets[set * data->operands + operand];
}

int ab_data_page_nodes(const ab_data *data, uint32_t group, uint32_t count, int32_t *nodes) {
    return ab_page_nodes(data->arenas[group], data->arena_bytes, count, nodes);
}

static void fill_arena(ab_team *team, uint32_t thread, void *job) {
    ab_data *data = job;
    uint32_t group = thread / data->each;
    if (thread % data->each)
        return;
    if (!(data->arenas[group] = ab_grown(&team->memory[thread].arena, data->arena_bytes)))
        return;
    for (uint32_t set = 0; set <= data->copies; set++)
        for (uint32_t i = 0; i < data->operands; i++) {
            void *operand = ab_data_operand(data, group, set, i);
            if (!data->sources[i].data)
                memset(operand, 0, data->sources[i].bytes);
            else if (set < data->copies)
                memcpy(operand, data->sources[i].data, data->sources[i].bytes);
        }
}

ab_status ab_data_load(ab_team *team, const ab_source *sources, uint32_t operands,
                       uint32_t copies, uint32_t groups, uint64_t seed, ab_data **result) {
    *result = NULL;
    if (!operands || !copies || !groups || team->count % groups)
        return AB_BAD_ARGUMENT;
    ab_data *data = calloc(1, sizeof *data);
    if (!data)
        return AB_NO_MEMORY;
    data->groups = groups;
    data->each = team->count / groups;
    data->copies = copies;
    data->operands = operands;
    data->sources = malloc(operands * sizeof *sources);
    data->offsets = malloc((uint64_t)2 * copies * operands * sizeof *data->offsets);
    data->arenas = calloc(groups, sizeof *data->arenas);
    ab_status status = data->sources && data->offsets && data->arenas ? AB_OK : AB_NO_MEMORY;
    if (status == AB_OK) {
        memcpy(data->sources, sources, operands * sizeof *sources);
        lay_out(data, seed);
        ab_team_give(team, fill_arena, data);
        for (uint32_t i = 0; i < groups; i++)
            if (!data->arenas[i])
                status = AB_NO_MEMORY;
    }
    if (status != AB_OK) {
        ab_data_free(data);
        return status;
    }
    *result = data;
    return AB_OK;
}

void ab_data_free(ab_data *data) {
    if (!data)
        return;
    free(data->arenas);
    free(data->offsets);
    free(data->sources);
    free(data);
}
