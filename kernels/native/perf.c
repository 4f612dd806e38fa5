/* Which events the kernel's perf would count for the calling thread: opened, never enabled. */
#include "native.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define GROUP_LIMIT 64

/* User mode only, which kernel.perf_event_paranoid allows up to 2.  A descriptor, or -errno. */
static int event_open(uint32_t type, uint64_t config, int group) {
    struct perf_event_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.size = sizeof attr;
    attr.type = type;
    attr.config = config;
    attr.disabled = group < 0;
    attr.exclude_kernel = 1;
    attr.exclude_hv = 1;
    long opened = syscall(SYS_perf_event_open, &attr, 0, -1, group, PERF_FLAG_FD_CLOEXEC);
    return opened < 0 ? -errno : (int)opened;
}

int ab_perf_open(uint32_t type, uint64_t config) {
    int event = event_open(type, config, -1);
    if (event < 0)
        return -event;
    close(event);
    return 0;
}

uint32_t ab_perf_group(uint32_t type, uint64_t config) {
    int events[GROUP_LIMIT];
    uint32_t count = 0;
    while (count < GROUP_LIMIT && (events[count] = event_open(type, config, count ? events[0] : -1)) >= 0)
        count++;
    for (uint32_t i = count; i-- > 0;)
        close(events[i]);
    return count;
}
