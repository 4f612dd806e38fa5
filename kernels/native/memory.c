/* Pages for operands and workspaces. */
#include "native.h"

#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE ((uintptr_t)2 << 20)

static uint64_t rounded(uint64_t bytes) {
    uint64_t page = bytes >= HUGE_PAGE ? HUGE_PAGE : (uint64_t)sysconf(_SC_PAGESIZE);
    return (bytes + page - 1) & ~(page - 1);
}

/* Map more than asked for and give back what lies outside the aligned part. */
static void *map_aligned(uint64_t bytes) {
    char *pages = mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    uint64_t before = -(uintptr_t)pages & (HUGE_PAGE - 1);
    if (before)
        munmap(pages, before);
    munmap(pages + before + bytes, HUGE_PAGE - before);
    return pages + before;
}

void *ab_pages_map(uint64_t bytes) {
    bytes = rounded(bytes ? bytes : 1);
    if (bytes < HUGE_PAGE) {
        void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return pages == MAP_FAILED ? NULL : pages;
    }
    void *pages = map_aligned(bytes);
    if (pages)
        madvise(pages, bytes, MADV_HUGEPAGE); /* a wish: what was granted is read from the maps */
    return pages;
}

void ab_pages_unmap(void *pages, uint64_t bytes) {
    if (pages)
        munmap(pages, rounded(bytes ? bytes : 1));
}
