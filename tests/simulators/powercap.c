/* Preloaded into a process: /sys/class/powercap becomes a folder of powercap.py, and reads of energy_uj become live.
   So do perf's events for the same counters (perf_event.h, perf_event.py), and /proc/cpuinfo names the vendor.

   Names and files: "Power Capping Framework" (Linux kernel documentation). A value is made when the file is read from
   its beginning, as sysfs does. Arithmetic: drivers/powercap/intel_rapl_common.c: a 32-bit count of energy units. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include "trace.h"

enum { MAX_ZONES = 64, MAX_FILES = 4096 };

typedef struct {
    dev_t device; /* of its energy_uj file, with inode: whoever opens that file, by whatever path, reads this zone */
    ino_t inode;
    int cpu, code; /* of a perf event; it has no file */
    Trace trace;
    long long loaded, reset_at, denied_from;
    double refresh, start_joules;
    long long unit; /* nanojoules */
} Zone;

static Zone zones[MAX_ZONES];
static int zone_count;
static unsigned pmu_type; /* 0: there is no PMU */
static struct stat configuration;
static struct { int zone; char text[32]; } files[MAX_FILES]; /* by file descriptor; zone: 1 more than its index */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ── configuration ─────────────────────────────────────────────────────────────────────────────────────────────── */

static const char *root(void) { return getenv("WATTSTAR_POWERCAP_SIMULATOR"); }

static void configure(const char *line) {
    Zone *zone = &zones[zone_count ? zone_count - 1 : 0];
    Zone event = {0};
    char path[PATH_MAX];
    struct stat state;
    if (sscanf(line, "zone %4095[^\n]", path) == 1) {
        if (zone_count == MAX_ZONES || stat(path, &state)) simulator_fails("no such zone, or too many", path);
        zones[zone_count++] = (Zone){.device = state.st_dev, .inode = state.st_ino};
    } else if (sscanf(line, "event %d %d", &event.cpu, &event.code) == 2) {
        if (zone_count == MAX_ZONES) simulator_fails("too many events", line);
        zones[zone_count++] = event;
    } else if (sscanf(line, "pmu %u", &pmu_type) != 1 && sscanf(line, "trace %4095[^\n]", zone->trace.path) != 1 && sscanf(line, "unit %lld", &zone->unit) != 1 &&
               sscanf(line, "refresh %lf", &zone->refresh) != 1 && sscanf(line, "loaded %lld", &zone->loaded) != 1 &&
               sscanf(line, "start_joules %lf", &zone->start_joules) != 1 &&
               sscanf(line, "reset_at %lld", &zone->reset_at) != 1 &&
               sscanf(line, "denied_from %lld", &zone->denied_from) != 1)
        simulator_fails("not a line of a configuration", line);
}

/* Read the file again if it is another one than last time. */
static void load(void) {
    char path[PATH_MAX], line[PATH_MAX + 64];
    struct stat state;
    snprintf(path, sizeof path, "%s/powercap.conf", root());
    if (stat(path, &state)) simulator_fails("no configuration", path);
    if (state.st_ino == configuration.st_ino && state.st_mtim.tv_nsec == configuration.st_mtim.tv_nsec &&
        state.st_mtim.tv_sec == configuration.st_mtim.tv_sec)
        return;
    while (zone_count) trace_free(&zones[--zone_count].trace);
    FILE *file = fopen(path, "r");
    if (!file) simulator_fails("unreadable configuration", path);
    while (fgets(line, sizeof line, file)) configure(line);
    fclose(file);
    configuration = state;
}

/* ── the counter ───────────────────────────────────────────────────────────────────────────────────────────────── */

static double joules_at(const Zone *zone, double seconds) {
    return trace_joules(&zone->trace, (zone->loaded - zone->trace.origin) / 1e9 + seconds);
}

/* Energy units that were counted by now, wraps included. The hardware refreshes its count about once a millisecond. */
static uint64_t counted(Zone *zone, long long now) {
    trace_follow(&zone->trace);
    double seconds = (now - zone->loaded) / 1e9, begin = 0, joules = zone->start_joules;
    if (zone->refresh > 0) seconds = floor(seconds / zone->refresh) * zone->refresh;
    if (now >= zone->reset_at) begin = (zone->reset_at - zone->loaded) / 1e9, joules = 0;
    joules += joules_at(zone, fmax(seconds, begin)) - joules_at(zone, begin);
    return (uint64_t)floor(joules * 1e9 / zone->unit);
}

/* Microjoules that the file shows now. */
static long long microjoules(Zone *zone, long long now) {
    return (long long)(uint32_t)counted(zone, now) * zone->unit / 1000;
}

/* The zone of an open file, 1 more than its index; 0: none. */
static int zone_of(int file) {
    struct stat state;
    if (fstat(file, &state)) return 0;
    for (int i = 0; i < zone_count; i++)
        if (zones[i].inode && zones[i].device == state.st_dev && zones[i].inode == state.st_ino) return i + 1;
    return 0;
}

static int is_counter(const char *path) {
    const char *name = path ? strrchr(path, '/') : NULL;
    return path && root() && !strcmp(name ? name + 1 : path, "energy_uj");
}

/* A just opened file: remember it if it is a counter; close it if it is denied. */
static int opened(int file, const char *path) {
    if (file < 0 || !is_counter(path)) return file;
    pthread_mutex_lock(&lock);
    load();
    int zone = zone_of(file), denied = zone && monotonic_now() >= zones[zone - 1].denied_from;
    if (zone && file >= MAX_FILES) simulator_fails("too many open files", path);
    if (file < MAX_FILES) files[file].zone = denied ? 0 : zone;
    pthread_mutex_unlock(&lock);
    if (!denied) return file;
    close(file);
    errno = EACCES;
    return -1;
}

/* Bytes of a counter's text from `offset`; -1 where the file is not a counter (any more). */
static ssize_t live(int file, void *target, size_t size, off_t offset) {
    if (file < 0 || file >= MAX_FILES || !files[file].zone) return -1;
    pthread_mutex_lock(&lock);
    load();
    int zone = files[file].zone = zone_of(file);
    char *text = files[file].text;
    if (zone && !offset)
        snprintf(text, sizeof files[file].text, "%lld\n", microjoules(&zones[zone - 1], monotonic_now()));
    size_t length = strlen(text), left = offset < (off_t)length ? length - (size_t)offset : 0;
    ssize_t count = (ssize_t)(left < size ? left : size);
    if (zone) memcpy(target, text + offset, (size_t)count);
    pthread_mutex_unlock(&lock);
    return zone ? count : -1;
}

/* ── calls with a path ─────────────────────────────────────────────────────────────────────────────────────────── */

static int below(const char *path, const char *folder) {
    size_t length = strlen(folder);
    return !strncmp(path, folder, length) && (!path[length] || path[length] == '/');
}

static int is_simulated(const char *path) {
    const char *name = strrchr(path, '/');
    return below(path, "/sys/class/powercap") || below(path, "/sys/devices/virtual/powercap") ||
           below(path, "/sys/bus/event_source/devices") || !strcmp(path, "/proc/cpuinfo") ||
           (below(path, "/sys/devices/system/cpu") && !strcmp(name, "/physical_package_id"));
}

static const char *mapped(const char *path, char *buffer) {
    if (!path || !root() || !is_simulated(path)) return path;
    snprintf(buffer, PATH_MAX, "%s%s", root(), path + (below(path, "/sys") ? strlen("/sys") : 0));
    return buffer;
}

#define MAPPED(type, function, parameters, ...)                                                                        \
    type function parameters {                                                                                         \
        static type(*real) parameters;                                                                                 \
        char buffer[PATH_MAX];                                                                                         \
        if (!real) real = (type(*) parameters)dlsym(RTLD_NEXT, #function);                                             \
        path = mapped(path, buffer);                                                                                   \
        return real(__VA_ARGS__);                                                                                      \
    }
MAPPED(DIR *, opendir, (const char *path), path)
MAPPED(int, stat, (const char *path, struct stat *state), path, state)
MAPPED(int, stat64, (const char *path, struct stat64 *state), path, state)
MAPPED(int, lstat, (const char *path, struct stat *state), path, state)
MAPPED(int, lstat64, (const char *path, struct stat64 *state), path, state)
MAPPED(int, fstatat, (int folder, const char *path, struct stat *state, int flags), folder, path, state, flags)
MAPPED(int, fstatat64, (int folder, const char *path, struct stat64 *state, int flags), folder, path, state, flags)
MAPPED(int, statx, (int folder, const char *path, int flags, unsigned mask, struct statx *state), folder, path, flags,
       mask, state)
/* How glibc before 2.33 called stat. */
MAPPED(int, __xstat, (int version, const char *path, void *state), version, path, state)
MAPPED(int, __xstat64, (int version, const char *path, void *state), version, path, state)
MAPPED(int, __lxstat, (int version, const char *path, void *state), version, path, state)
MAPPED(int, __lxstat64, (int version, const char *path, void *state), version, path, state)
MAPPED(ssize_t, readlink, (const char *path, char *target, size_t size), path, target, size)
MAPPED(ssize_t, readlinkat, (int folder, const char *path, char *target, size_t size), folder, path, target, size)


/* May this process read the counter? Only an attempt tells. */
static int refused(const char *path, int mode) {
    if (!(mode & R_OK) || !is_counter(path)) return 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 1;
    close(file);
    return 0;
}

#define ASKING(function, parameters, ...)                                                                              \
    int function parameters {                                                                                          \
        static int(*real) parameters;                                                                                  \
        char buffer[PATH_MAX];                                                                                         \
        if (!real) real = (int(*) parameters)dlsym(RTLD_NEXT, #function);                                              \
        path = mapped(path, buffer);                                                                                   \
        return refused(path, mode) ? -1 : real(__VA_ARGS__);                                                           \
    }
ASKING(access, (const char *path, int mode), path, mode)
ASKING(faccessat, (int folder, const char *path, int mode, int flags), folder, path, mode, flags)

/* ── opening and reading ───────────────────────────────────────────────────────────────────────────────────────── */

#define OPENING(function, parameters, ...)                                                                             \
    int function parameters {                                                                                          \
        static int(*real) parameters;                                                                                  \
        char buffer[PATH_MAX];                                                                                         \
        va_list more;                                                                                                  \
        va_start(more, flags);                                                                                         \
        mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;                                      \
        va_end(more);                                                                                                  \
        if (!real) real = (int(*) parameters)dlsym(RTLD_NEXT, #function);                                              \
        path = mapped(path, buffer);                                                                                   \
        return opened(real(__VA_ARGS__, mode), path);                                                                  \
    }
OPENING(open, (const char *path, int flags, ...), path, flags)
OPENING(open64, (const char *path, int flags, ...), path, flags)
OPENING(openat, (int folder, const char *path, int flags, ...), folder, path, flags)
OPENING(openat64, (int folder, const char *path, int flags, ...), folder, path, flags)

/* stdio reads inside the C library, out of reach: the stream gets the value of the moment of opening. */
static FILE *stream(FILE *real, const char *path) {
    char text[32];
    if (!real || !is_counter(path)) return real;
    fclose(real);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return NULL;
    ssize_t size = read(file, text, sizeof text);
    close(file);
    FILE *memory = size > 0 ? fmemopen(NULL, (size_t)size + 1, "w+") : NULL;
    if (memory) fwrite(text, 1, (size_t)size, memory), rewind(memory);
    return memory;
}

#define STREAMING(function)                                                                                            \
    FILE *function(const char *path, const char *mode) {                                                               \
        static FILE *(*real)(const char *, const char *);                                                              \
        char buffer[PATH_MAX];                                                                                         \
        if (!real) real = (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, #function);                        \
        path = mapped(path, buffer);                                                                                   \
        return stream(real(path, mode), path);                                                                         \
    }
STREAMING(fopen)
STREAMING(fopen64)

#include "perf_event.h"

ssize_t read(int file, void *target, size_t size) {
    static ssize_t (*real)(int, void *, size_t);
    if (!real) real = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    if (is_event(file)) return read_event(file, target, size);
    if (file < 0 || file >= MAX_FILES || !files[file].zone) return real(file, target, size);
    ssize_t count = live(file, target, size, lseek(file, 0, SEEK_CUR));
    if (count < 0) return real(file, target, size);
    lseek(file, count, SEEK_CUR);
    return count;
}

#define READING_AT(function, offset_type)                                                                              \
    ssize_t function(int file, void *target, size_t size, offset_type offset) {                                        \
        static ssize_t (*real)(int, void *, size_t, offset_type);                                                      \
        if (!real) real = (ssize_t(*)(int, void *, size_t, offset_type))dlsym(RTLD_NEXT, #function);                   \
        ssize_t count = live(file, target, size, offset);                                                              \
        return count < 0 ? real(file, target, size, offset) : count;                                                   \
    }
READING_AT(pread, off_t)
READING_AT(pread64, off64_t)
