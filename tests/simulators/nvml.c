/* libnvidia-ml.so.1 without a driver: NVML's own ABI over power traces with a known integral. Configured by nvml.py.

   Symbols, structs and codes: nvidia-ml-py 13 (pynvml.py), the vendor's binding. What each call means: "NVML API
   Reference Manual". How sensors behave: Yang, Adamek, Armour, "Part-time Power Measurements" (SC24). */
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "trace.h"

enum {
    SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7,
    DRIVER_NOT_LOADED = 9, ARGUMENT_VERSION_MISMATCH = 25
};
enum { MAX_GPUS = 16, MAX_FAULTS = 32, MAX_PROCESSES = 64, MIG_DEVICES = 7 };

typedef int Result;
typedef unsigned long long Counter;
typedef struct { char function[96]; int code; long long begin; } Fault;
typedef struct { unsigned pid; Counter usedGpuMemory; unsigned gpuInstanceId, computeInstanceId; } Process;
typedef struct { int index, mig; } *Device; /* mig: 0 the whole GPU, else the number of the slice from 1 */

typedef struct {
    char name[96], uuid[96], serial[30];
    Trace trace, module, memory; /* the GPU; GPU and CPU of a module; the GPU's memory */
    int counter_is_module, counter_sees_sensor, averages, grace_hopper;
    long long loaded, reset_at, stuck_from, jump_at;
    double jump_joules;
    double step_period, step_phase, step_jitter, lag, quantum_millijoules;
    double sensor_period, sensor_phase, sensor_duty, average_seconds;
    double limit_watts, enforced_watts, default_watts, least_watts, most_watts;
    int architecture, capability_major, capability_minor, pci_bus;
    int sm_clock, memory_clock, most_sm_clock, most_memory_clock, temperature, memory_temperature;
    int utilization, memory_utilization, performance_state, mig_mode, mig_devices, ecc_mode, persistence_mode;
    long long memory_bytes, memory_used, clocks_event_reasons, ecc_corrected, ecc_uncorrected;
    double summed_from, summed_updates, summed_joules; /* what `delivered` has already added up */
    int fault_count, process_count;
    Fault faults[MAX_FAULTS];
    Process processes[MAX_PROCESSES];
} Gpu;

typedef struct {
    char driver_version[80], nvml_version[80];
    int cuda_version, gpu_count, fault_count;
    double latency;
    Fault faults[MAX_FAULTS];
    Gpu gpus[MAX_GPUS];
} Driver;

static Driver driver;
static struct stat driver_state;
static int initialised;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct { int index, mig; } devices[MAX_GPUS][1 + MIG_DEVICES];

/* ── configuration ─────────────────────────────────────────────────────────────────────────────────────────────── */

typedef enum { TEXT, WHOLE, LONG, REAL, POWER } Type;
typedef struct { const char *key; Type type; size_t offset, size; } Key;
#define OF(owner, type, field) {#field, type, offsetof(owner, field), sizeof(((owner *)0)->field)}
#define GPU(type, field) OF(Gpu, type, field)
static const Key driver_keys[] = {
    OF(Driver, TEXT, driver_version), OF(Driver, TEXT, nvml_version), OF(Driver, WHOLE, cuda_version),
    OF(Driver, REAL, latency), {0}};
static const Key gpu_keys[] = {
    GPU(TEXT, name), GPU(TEXT, uuid), GPU(TEXT, serial), GPU(POWER, trace), GPU(POWER, module), GPU(POWER, memory),
    GPU(WHOLE, counter_is_module), GPU(WHOLE, counter_sees_sensor), GPU(WHOLE, averages), GPU(WHOLE, grace_hopper),
    GPU(LONG, loaded), GPU(LONG, reset_at), GPU(LONG, stuck_from), GPU(LONG, jump_at), GPU(REAL, jump_joules),
    GPU(REAL, step_period), GPU(REAL, step_phase), GPU(REAL, step_jitter), GPU(REAL, lag),
    GPU(REAL, quantum_millijoules), GPU(REAL, sensor_period), GPU(REAL, sensor_phase), GPU(REAL, sensor_duty),
    GPU(REAL, average_seconds), GPU(REAL, limit_watts), GPU(REAL, enforced_watts), GPU(REAL, default_watts),
    GPU(REAL, least_watts), GPU(REAL, most_watts), GPU(WHOLE, architecture), GPU(WHOLE, capability_major),
    GPU(WHOLE, capability_minor), GPU(WHOLE, pci_bus), GPU(WHOLE, sm_clock), GPU(WHOLE, memory_clock),
    GPU(WHOLE, most_sm_clock), GPU(WHOLE, most_memory_clock), GPU(WHOLE, temperature), GPU(WHOLE, memory_temperature),
    GPU(WHOLE, utilization), GPU(WHOLE, memory_utilization), GPU(WHOLE, performance_state), GPU(WHOLE, mig_mode),
    GPU(WHOLE, mig_devices), GPU(WHOLE, ecc_mode), GPU(WHOLE, persistence_mode), GPU(LONG, memory_bytes),
    GPU(LONG, memory_used), GPU(LONG, clocks_event_reasons), GPU(LONG, ecc_corrected), GPU(LONG, ecc_uncorrected), {0}};

static void set(const Key *keys, void *owner, const char *key, const char *value) {
    while (keys->key && strcmp(keys->key, key)) keys++;
    if (!keys->key) simulator_fails("unknown key", key);
    char *place = (char *)owner + keys->offset;
    if (keys->type == TEXT) snprintf(place, keys->size, "%s", value);
    else if (keys->type == WHOLE) *(int *)place = atoi(value);
    else if (keys->type == LONG) *(long long *)place = atoll(value);
    else if (keys->type == REAL) *(double *)place = atof(value);
    else snprintf(((Trace *)place)->path, PATH_MAX, "%s", value);
}

static void add_fault(Fault *faults, int *count, const char *value) {
    Fault *fault = &faults[*count];
    if (*count == MAX_FAULTS || sscanf(value, "%95s %d %lld", fault->function, &fault->code, &fault->begin) != 3)
        simulator_fails("not a fault, or too many", value);
    ++*count;
}

static void add_process(Gpu *gpu, const char *value) {
    Process *process = &gpu->processes[gpu->process_count];
    if (gpu->process_count == MAX_PROCESSES || sscanf(value, "%u %llu", &process->pid, &process->usedGpuMemory) != 2)
        simulator_fails("not a process, or too many", value);
    process->gpuInstanceId = process->computeInstanceId = 0xFFFFFFFF; /* no MIG slice */
    gpu->process_count++;
}

static void configure(char *line) {
    char *value = strchr(line, ' ');
    line[strcspn(line, "\n")] = 0;
    if (!value) simulator_fails("a key without a value", line);
    *value++ = 0;
    Gpu *gpu = driver.gpu_count ? &driver.gpus[driver.gpu_count - 1] : NULL;
    if (!strcmp(line, "gpu")) {
        if (++driver.gpu_count > MAX_GPUS) simulator_fails("too many GPUs", value);
    } else if (!strcmp(line, "fault") && gpu) add_fault(gpu->faults, &gpu->fault_count, value);
    else if (!strcmp(line, "fault")) add_fault(driver.faults, &driver.fault_count, value);
    else if (!strcmp(line, "process") && gpu) add_process(gpu, value);
    else if (gpu) set(gpu_keys, gpu, line, value);
    else set(driver_keys, &driver, line, value);
}

/* Read the file again if it is another one than last time; 0 where there is none. */
static int load(void) {
    const char *path = getenv("WATTSTAR_NVML_SIMULATOR");
    struct stat state;
    if (!path || stat(path, &state)) return 0;
    if (state.st_ino == driver_state.st_ino && state.st_mtim.tv_nsec == driver_state.st_mtim.tv_nsec &&
        state.st_mtim.tv_sec == driver_state.st_mtim.tv_sec)
        return 1;
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    for (int i = 0; i < driver.gpu_count; i++) {
        trace_free(&driver.gpus[i].trace);
        trace_free(&driver.gpus[i].module);
        trace_free(&driver.gpus[i].memory);
    }
    memset(&driver, 0, sizeof driver);
    char line[PATH_MAX + 128];
    while (fgets(line, sizeof line, file)) configure(line);
    fclose(file);
    driver_state = state;
    for (int i = 0; i < MAX_GPUS; i++)
        for (int mig = 0; mig <= MIG_DEVICES; mig++) devices[i][mig].index = i, devices[i][mig].mig = mig;
    return 1;
}

/* ── sensors ───────────────────────────────────────────────────────────────────────────────────────────────────── */

/* Seconds after the driver was loaded → seconds after the trace's origin. */
static double place(const Gpu *gpu, const Trace *trace, double time) {
    return (gpu->loaded - trace->origin) / 1e9 + time;
}

static double since_load(const Gpu *gpu, long long moment) { return (moment - gpu->loaded) / 1e9; }

/* What the sensor says when it updates at `end`: the mean over the part of its period in which it looks. */
static double sample(const Gpu *gpu, const Trace *trace, double end) {
    double width = gpu->sensor_duty * gpu->sensor_period, x = place(gpu, trace, end);
    if (!(width > 0)) return trace_watts(trace, x);
    return (trace_joules(trace, x) - trace_joules(trace, x - width)) / width;
}

/* The sensor's last update at or before a time. */
static double update(const Gpu *gpu, double time) {
    if (!(gpu->sensor_period > 0)) return time;
    return gpu->sensor_phase + floor((time - gpu->sensor_phase) / gpu->sensor_period) * gpu->sensor_period;
}

static double average(const Gpu *gpu, const Trace *trace, double time) {
    double end = update(gpu, time), x = place(gpu, trace, end), total = 0;
    if (!(gpu->sensor_period > 0))
        return (trace_joules(trace, x) - trace_joules(trace, x - gpu->average_seconds)) / gpu->average_seconds;
    int n = (int)fmax(1, round(gpu->average_seconds / gpu->sensor_period));
    for (int i = 0; i < n; i++) total += sample(gpu, trace, end - i * gpu->sensor_period);
    return total / n;
}

/* Joules between two times: the trace's integral, or what the part-time sensor makes of it, update by update. */
static double delivered(Gpu *gpu, double begin, double end) {
    const Trace *trace = gpu->counter_is_module ? &gpu->module : &gpu->trace;
    if (!gpu->counter_sees_sensor)
        return trace_joules(trace, place(gpu, trace, end)) - trace_joules(trace, place(gpu, trace, begin));
    double first = update(gpu, begin), updates = round((update(gpu, end) - first) / gpu->sensor_period);
    if (gpu->summed_from != first || gpu->summed_updates > updates)
        gpu->summed_from = first, gpu->summed_updates = gpu->summed_joules = 0;
    while (gpu->summed_updates < updates)
        gpu->summed_joules += gpu->sensor_period * sample(gpu, trace, first + ++gpu->summed_updates * gpu->sensor_period);
    return gpu->summed_joules;
}

/* A number in -1..1 that belongs to k (splitmix64). */
static double scatter(uint64_t k) {
    k += 0x9E3779B97F4A7C15u;
    k = (k ^ (k >> 30)) * 0xBF58476D1CE4E5B9u;
    k = (k ^ (k >> 27)) * 0x94D049BB133111EBu;
    return (double)(int64_t)(k ^ (k >> 31)) / 9223372036854775808.0;
}

/* The counter's last step at or before a time. */
static double step(const Gpu *gpu, double time) {
    if (!(gpu->step_period > 0)) return time;
    double k = floor((time - gpu->step_phase) / gpu->step_period) + 1;
    double at;
    do {
        at = gpu->step_phase + k * gpu->step_period + gpu->step_jitter * scatter((uint64_t)(int64_t)k);
        k--;
    } while (at > time);
    return at;
}

static Counter millijoules(Gpu *gpu, long long now) {
    long long seen = now < gpu->stuck_from ? now : gpu->stuck_from;
    double at = step(gpu, since_load(gpu, seen));
    double begin = seen < gpu->reset_at ? 0 : since_load(gpu, gpu->reset_at);
    double joules = delivered(gpu, begin, fmax(at - gpu->lag, begin));
    if (at >= since_load(gpu, gpu->jump_at)) joules += gpu->jump_joules;
    if (joules < 0) joules = 0;
    return (Counter)(floor(joules * 1e3 / gpu->quantum_millijoules) * gpu->quantum_millijoules);
}

static unsigned milliwatts(double watts) { return (unsigned)llround(watts * 1e3); }

/* ── what every call does first and last ───────────────────────────────────────────────────────────────────────── */

static void wait_half_the_latency(void) {
    double seconds = driver.latency / 2;
    struct timespec pause = {(time_t)seconds, (long)(fmod(seconds, 1) * 1e9)};
    if (seconds > 0) nanosleep(&pause, NULL);
}

static Result fault(const Fault *faults, int count, const char *function) {
    for (int i = 0; i < count; i++)
        if ((!strcmp(faults[i].function, "*") || !strcmp(faults[i].function, function)) &&
            monotonic_now() >= faults[i].begin)
            return faults[i].code;
    return SUCCESS;
}

static Result enter(const char *function) {
    wait_half_the_latency();
    pthread_mutex_lock(&lock);
    if (!load()) return DRIVER_NOT_LOADED;
    return fault(driver.faults, driver.fault_count, function);
}

static Result enter_device(const char *function, Device device, Gpu **gpu) {
    Result result = enter(function);
    if (!initialised) return UNINITIALIZED;
    if (result) return result;
    if ((void *)device < (void *)devices || (void *)device >= (void *)(devices + MAX_GPUS)) return INVALID_ARGUMENT;
    if (device->index >= driver.gpu_count) return INVALID_ARGUMENT;
    *gpu = &driver.gpus[device->index];
    if ((*gpu)->trace.path[0]) trace_follow(&(*gpu)->trace);
    if ((*gpu)->module.path[0]) trace_follow(&(*gpu)->module);
    if ((*gpu)->memory.path[0]) trace_follow(&(*gpu)->memory);
    return fault((*gpu)->faults, (*gpu)->fault_count, function);
}

static Result leave(Result result) {
    pthread_mutex_unlock(&lock);
    wait_half_the_latency();
    return result;
}

static Result put(char *target, unsigned size, const char *text) {
    if (strlen(text) >= size) return INSUFFICIENT_SIZE;
    strcpy(target, text);
    return SUCCESS;
}

#define SYSTEM(function, parameters, ...)                                                                              \
    Result function parameters {                                                                                       \
        Result result = enter(#function);                                                                              \
        if (!initialised) result = UNINITIALIZED;                                                                      \
        if (!result) { __VA_ARGS__ }                                                                                   \
        return leave(result);                                                                                          \
    }
/* Answered for MIG slices too. */
#define DEVICE(function, parameters, ...)                                                                              \
    Result function parameters {                                                                                       \
        Gpu *gpu = NULL;                                                                                               \
        Result result = enter_device(#function, device, &gpu);                                                         \
        if (!result) { __VA_ARGS__ }                                                                                   \
        return leave(result);                                                                                          \
    }
/* Answered for whole GPUs only. */
#define WHOLE_GPU(function, parameters, ...)                                                                           \
    DEVICE(function, parameters, if (device->mig) result = NOT_SUPPORTED; else { __VA_ARGS__ })
#define VALUE(function, type, expression)                                                                              \
    WHOLE_GPU(function, (Device device, type *value), *value = (type)(expression);)

#include "nvml_calls.h"
