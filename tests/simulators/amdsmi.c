/* libamd_smi.so without ROCm: AMD SMI's own ABI over power traces with a known integral. Configured by amdsmi.py.

   Symbols, structs and codes: amdsmi 7.0.2 (amdsmi_wrapper.py), the vendor's binding. What each call means: "AMD SMI
   Python API" (ROCm documentation). The functions that are not here are added as stubs by amdsmi.py where the vendor's
   binding wants them; they answer that they are not supported. */
#include <stddef.h>
#include <stdint.h>

#include "trace.h"

enum { SUCCESS = 0, INVALID = 1, NOT_SUPPORTED = 2, NOT_INITIALISED = 32, DRIVER_NOT_LOADED = 34 };
enum { MAX_GPUS = 16, MAX_FAULTS = 8, UNKNOWN = 0xFFFF };

typedef struct { char function[64]; int code; long long begin; } Fault;
typedef struct {
    char name[96], uuid[96], partition[16];
    Trace trace;
    int hip_id, tells_current, tells_average;
    long long loaded, reset_at, stuck_from;
    double step_period, resolution, counter_factor, average_seconds, limit_watts;
    int fault_count;
    Fault faults[MAX_FAULTS];
} Gpu;
typedef Gpu *Handle;

typedef struct {
    uint64_t socket_power;
    uint32_t current_socket_power, average_socket_power;
    uint64_t gfx_voltage, soc_voltage, mem_voltage;
    uint32_t power_limit;
    uint8_t padding[4];
    uint64_t reserved[18];
} Power;
typedef struct { uint64_t power_cap, default_power_cap, dpm_cap, min_power_cap, max_power_cap, reserved[3]; } Cap;
typedef struct { uint32_t drm_render, drm_card, hsa_id, hip_id; char hip_uuid[256]; } Enumeration;
typedef struct __attribute__((packed)) {
    char market_name[256];
    uint32_t vendor_id;
    char vendor_name[256];
    uint32_t subvendor_id;
    uint64_t device_id;
    uint32_t rev_id;
    char asic_serial[256];
    uint32_t oam_id, num_of_compute_units;
    uint8_t padding[4];
    uint64_t target_graphics_version;
    uint32_t subsystem_id, reserved[21];
} Asic;

static Gpu gpus[MAX_GPUS];
static int gpu_count, initialised;

/* ── configuration ─────────────────────────────────────────────────────────────────────────────────────────────── */

typedef enum { TEXT, WHOLE, LONG, REAL, POWER } Type;
#define KEY(type, field) {#field, type, offsetof(Gpu, field), sizeof(((Gpu *)0)->field)}
static const struct { const char *key; Type type; size_t offset, size; } keys[] = {
    KEY(TEXT, name), KEY(TEXT, uuid), KEY(TEXT, partition), KEY(POWER, trace), KEY(WHOLE, hip_id),
    KEY(WHOLE, tells_current), KEY(WHOLE, tells_average), KEY(LONG, loaded), KEY(LONG, reset_at), KEY(LONG, stuck_from),
    KEY(REAL, step_period), KEY(REAL, resolution), KEY(REAL, counter_factor), KEY(REAL, average_seconds),
    KEY(REAL, limit_watts)};

static void set(Gpu *gpu, const char *key, const char *value) {
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strcmp(keys[i].key, key)) continue;
        char *place = (char *)gpu + keys[i].offset;
        if (keys[i].type == TEXT) snprintf(place, keys[i].size, "%s", value);
        else if (keys[i].type == WHOLE) *(int *)place = atoi(value);
        else if (keys[i].type == LONG) *(long long *)place = atoll(value);
        else if (keys[i].type == REAL) *(double *)place = atof(value);
        else snprintf(((Trace *)place)->path, PATH_MAX, "%s", value);
        return;
    }
    simulator_fails("unknown key", key);
}

static void configure(char *line) {
    char *value = strchr(line, ' ');
    line[strcspn(line, "\n")] = 0;
    if (!value) return; /* an empty text */
    *value++ = 0;
    if (!strcmp(line, "gpu")) {
        if (++gpu_count > MAX_GPUS) simulator_fails("too many GPUs", value);
        return;
    }
    Gpu *gpu = &gpus[gpu_count - 1];
    if (strcmp(line, "fault")) { set(gpu, line, value); return; }
    Fault *fault = &gpu->faults[gpu->fault_count++];
    if (gpu->fault_count > MAX_FAULTS || sscanf(value, "%63s %d %lld", fault->function, &fault->code, &fault->begin) != 3)
        simulator_fails("not a fault, or too many", value);
}

/* ── sensors ───────────────────────────────────────────────────────────────────────────────────────────────────── */

static double place(const Gpu *gpu, long long moment) { return (moment - gpu->trace.origin) / 1e9; }

static uint64_t count(const Gpu *gpu, long long now) {
    long long seen = now < gpu->stuck_from ? now : gpu->stuck_from;
    double since = (seen - gpu->loaded) / 1e9;
    if (gpu->step_period > 0) since = floor(since / gpu->step_period) * gpu->step_period;
    long long begin = seen < gpu->reset_at ? gpu->loaded : gpu->reset_at;
    double end = fmax(place(gpu, gpu->loaded) + since, place(gpu, begin));
    double joules = trace_joules(&gpu->trace, end) - trace_joules(&gpu->trace, place(gpu, begin));
    return (uint64_t)(joules * gpu->counter_factor * 1e6 / gpu->resolution);
}

static uint32_t watts(const Gpu *gpu, int told, double seconds) {
    if (!told) return UNKNOWN;
    double x = place(gpu, monotonic_now());
    if (!(seconds > 0)) return (uint32_t)llround(trace_watts(&gpu->trace, x));
    return (uint32_t)llround((trace_joules(&gpu->trace, x) - trace_joules(&gpu->trace, x - seconds)) / seconds);
}

/* ── the calls ─────────────────────────────────────────────────────────────────────────────────────────────────── */

static int enter(const char *function, Handle gpu) {
    if (!initialised) return NOT_INITIALISED;
    if (gpu < gpus || gpu >= gpus + gpu_count) return INVALID;
    trace_follow(&gpu->trace);
    for (int i = 0; i < gpu->fault_count; i++)
        if (!strcmp(gpu->faults[i].function, function) && monotonic_now() >= gpu->faults[i].begin)
            return gpu->faults[i].code;
    return SUCCESS;
}
#define CALL(function, parameters, ...)                                                                                \
    int function parameters {                                                                                          \
        int code = enter(#function, gpu);                                                                              \
        if (!code) { __VA_ARGS__ }                                                                                     \
        return code;                                                                                                   \
    }

int amdsmi_init(uint64_t flags) {
    const char *path = getenv("WATTSTAR_AMDSMI_SIMULATOR");
    FILE *file = path ? fopen(path, "r") : NULL;
    (void)flags;
    if (!file) return DRIVER_NOT_LOADED;
    for (int i = 0; i < gpu_count; i++) trace_free(&gpus[i].trace);
    memset(gpus, 0, sizeof gpus);
    gpu_count = 0;
    char line[PATH_MAX + 128];
    while (fgets(line, sizeof line, file)) configure(line);
    fclose(file);
    initialised = 1;
    return SUCCESS;
}

int amdsmi_shut_down(void) {
    initialised = 0;
    return SUCCESS;
}

/* One socket a GPU, as for discrete ones. */
int amdsmi_get_socket_handles(uint32_t *count, void **handles) {
    if (!initialised) return NOT_INITIALISED;
    for (int i = 0; handles && i < gpu_count; i++) handles[i] = &gpus[i];
    *count = (uint32_t)gpu_count;
    return SUCCESS;
}

int amdsmi_get_processor_handles(void *socket, uint32_t *count, void **handles) {
    if (!initialised) return NOT_INITIALISED;
    if (handles) *handles = socket;
    *count = 1;
    return SUCCESS;
}

CALL(amdsmi_get_energy_count, (Handle gpu, uint64_t *accumulator, float *resolution, uint64_t *timestamp),
     *timestamp = (uint64_t)monotonic_now(); *accumulator = count(gpu, (long long)*timestamp);
     *resolution = (float)gpu->resolution;)
CALL(amdsmi_get_power_info, (Handle gpu, Power *power), memset(power, 0xFF, sizeof *power);
     power->current_socket_power = watts(gpu, gpu->tells_current, 0);
     power->average_socket_power = watts(gpu, gpu->tells_average, gpu->average_seconds);
     power->socket_power = gpu->tells_current ? power->current_socket_power : power->average_socket_power;)
CALL(amdsmi_get_power_cap_info, (Handle gpu, uint32_t sensor, Cap *cap), if (sensor) return INVALID;
     memset(cap, 0, sizeof *cap);
     cap->power_cap = cap->default_power_cap = cap->max_power_cap = (uint64_t)(gpu->limit_watts * 1e6);)
CALL(amdsmi_get_gpu_enumeration_info, (Handle gpu, Enumeration *info), memset(info, 0, sizeof *info);
     info->hip_id = (uint32_t)gpu->hip_id; strcpy(info->hip_uuid, gpu->uuid);)
CALL(amdsmi_get_gpu_asic_info, (Handle gpu, Asic *info), memset(info, 0, sizeof *info);
     strcpy(info->market_name, gpu->name); strcpy(info->asic_serial, "0x1");)
CALL(amdsmi_get_gpu_compute_partition, (Handle gpu, char *partition, uint32_t length),
     if (!gpu->partition[0]) return NOT_SUPPORTED;
     snprintf(partition, length, "%s", gpu->partition);)
