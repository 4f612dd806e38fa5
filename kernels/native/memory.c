/* Pages for operands and workspaces, and the NUMA nodes that they come from. */
#include "native.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
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

/* ---- NUMA, as linux/mempolicy.h has it (libnuma's header may be missing) ------------------ */

enum { MPOL_DEFAULT = 0, MPOL_BIND = 2, MPOL_INTERLEAVE = 3 };
#define MPOL_F_NODE 1ul /* get_mempolicy: tell the node */
#define MPOL_F_ADDR 2ul /* of the page at an address */

int ab_pages_from(ab_page_policy policy, const uint64_t *nodes, uint32_t words) {
    static const int modes[] = {MPOL_DEFAULT, MPOL_BIND, MPOL_INTERLEAVE};
    int local = policy == AB_PAGES_LOCAL;
    /* The kernel reads one bit less than it is told. */
    unsigned long bits = local ? 0 : 64ul * words + 1;
    return syscall(SYS_set_mempolicy, modes[policy], local ? NULL : nodes, bits) ? errno : 0;
}

void ab_where(int32_t *cpu, uint32_t *node) {
    *cpu = -1;
    syscall(SYS_getcpu, cpu, node, NULL);
}

int ab_page_nodes(const void *start, uint64_t bytes, uint32_t count, int32_t *nodes) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (uint32_t i = 0; i < count; i++) {
        /* 128 bits are not needed: bytes / count first, its rounding is less than a page each. */
        void *at = (void *)(((uintptr_t)start + bytes / count * i) & ~(page - 1));
        int status = -1;
        if (syscall(SYS_move_pages, 0, 1ul, &at, NULL, &status, 0) &&
            syscall(SYS_get_mempolicy, &status, NULL, 0ul, at, MPOL_F_NODE | MPOL_F_ADDR))
            return -errno;
        nodes[i] = status < 0 ? -1 : status;
    }
    return (int)count;
}
