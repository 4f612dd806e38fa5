/* Pages of memory, where hardware prefetchers begin anew.  A stream that is fetched from a page's first
 * byte on meets one of them in each page and not two: 5 to 10 % of the bandwidth of DRAM. */
#ifndef ARMBENCH_PAGE_H
#define ARMBENCH_PAGE_H

#include <stdint.h>

#define PAGE_BYTES ((uintptr_t)4096)

/* The first byte of a page from `at` on. */
static inline const char *page_from(const void *at) {
    return (const char *)at + (-(uintptr_t)at & (PAGE_BYTES - 1));
}

#endif
