/* perf_event_open(2) for the events of the simulated PMU "power"; included by powercap.c. All else goes to the kernel.

   Checks and arithmetic: arch/x86/events/rapl.c (rapl_pmu_event_init, rapl_scale: counts from when the event was opened,
   in 2^-32 J) and kernel/events/core.c (perf_copy_attr, perf_read). */
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { CODES = 0xff };

static struct {
    int zone;              /* 1 more than its index; 0: no event */
    dev_t device;          /* of the file that stands for it: a descriptor may be closed and used again */
    ino_t inode;
    uint64_t begin;        /* energy units counted when it was opened */
} events[MAX_FILES];

static int event_fails(int number) {
    errno = number;
    return -1;
}

static int open_event(const struct perf_event_attr *attributes, pid_t pid, int cpu, unsigned long flags) {
    int index = 0;
    if (attributes->size < PERF_ATTR_SIZE_VER0) return event_fails(E2BIG);
    if (attributes->sample_period || attributes->config & ~(uint64_t)CODES || pid != -1 || cpu < 0 ||
        attributes->exclude_user || attributes->exclude_kernel || attributes->exclude_hv || attributes->exclude_idle ||
        attributes->read_format)
        return event_fails(EINVAL);
    while (index < zone_count && (zones[index].inode || zones[index].cpu != cpu ||
                                  (uint64_t)zones[index].code != attributes->config))
        index++;
    if (index == zone_count) return event_fails(EINVAL);
    if (monotonic_now() >= zones[index].denied_from) return event_fails(EACCES);
    struct stat state;
    int file = memfd_create("perf_event", flags & PERF_FLAG_FD_CLOEXEC ? MFD_CLOEXEC : 0);
    if (file < 0 || file >= MAX_FILES || fstat(file, &state)) simulator_fails("no file for an event", "memfd_create");
    events[file].zone = index + 1;
    events[file].device = state.st_dev, events[file].inode = state.st_ino;
    events[file].begin = counted(&zones[index], monotonic_now());
    return file;
}

static int is_event(int file) {
    struct stat state;
    if (file < 0 || file >= MAX_FILES || !events[file].zone) return 0;
    if (!fstat(file, &state) && state.st_dev == events[file].device && state.st_ino == events[file].inode) return 1;
    return events[file].zone = 0;
}

static ssize_t read_event(int file, void *target, size_t size) {
    if (size < sizeof(uint64_t)) return event_fails(ENOSPC);
    pthread_mutex_lock(&lock);
    load();
    Zone *zone = &zones[events[file].zone - 1];
    double joules = (double)(counted(zone, monotonic_now()) - events[file].begin) * (double)zone->unit / 1e9;
    uint64_t count = (uint64_t)ldexp(joules, 32);
    pthread_mutex_unlock(&lock);
    memcpy(target, &count, sizeof count);
    return sizeof count;
}

long syscall(long number, ...) {
    static long (*real)(long, ...);
    long words[6];
    va_list more;
    va_start(more, number);
    for (int i = 0; i < 6; i++) words[i] = va_arg(more, long);
    va_end(more);
    if (!real) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    if (number == SYS_perf_event_open && root()) {
        const struct perf_event_attr *attributes = (const void *)words[0];
        pthread_mutex_lock(&lock);
        load();
        int ours = pmu_type && attributes->type == pmu_type;
        int file = ours ? open_event(attributes, (pid_t)words[1], (int)words[2], (unsigned long)words[4]) : 0;
        pthread_mutex_unlock(&lock);
        if (ours) return file;
    }
    return real(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}
