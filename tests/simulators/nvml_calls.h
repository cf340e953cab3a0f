/* The functions that libnvidia-ml.so.1 exports; included by nvml.c, which says what they are made of. */

/* ── the library and the system ────────────────────────────────────────────────────────────────────────────────── */

Result nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    Result result = enter("nvmlInitWithFlags");
    if (!result) initialised++;
    return leave(result);
}

Result nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
Result nvmlInit(void) { return nvmlInitWithFlags(0); }

SYSTEM(nvmlShutdown, (void), initialised--;)
SYSTEM(nvmlSystemGetDriverVersion, (char *text, unsigned size), result = put(text, size, driver.driver_version);)
SYSTEM(nvmlSystemGetNVMLVersion, (char *text, unsigned size), result = put(text, size, driver.nvml_version);)
SYSTEM(nvmlSystemGetCudaDriverVersion, (int *version), *version = driver.cuda_version;)
SYSTEM(nvmlSystemGetCudaDriverVersion_v2, (int *version), *version = driver.cuda_version;)
SYSTEM(nvmlDeviceGetCount_v2, (unsigned *count), *count = (unsigned)driver.gpu_count;)

const char *nvmlErrorString(Result result) {
    switch (result) {
    case SUCCESS: return "Success";
    case UNINITIALIZED: return "Uninitialized";
    case INVALID_ARGUMENT: return "Invalid Argument";
    case NOT_SUPPORTED: return "Not Supported";
    case 4: return "Insufficient Permissions";
    case NOT_FOUND: return "Not Found";
    case INSUFFICIENT_SIZE: return "Insufficient Size";
    case DRIVER_NOT_LOADED: return "Driver Not Loaded";
    case 10: return "Timeout";
    case 15: return "GPU is lost";
    case 16: return "GPU requires reset";
    default: return "Unknown Error";
    }
}

/* ── finding a device ──────────────────────────────────────────────────────────────────────────────────────────── */

static Result find(const char *function, int index, int mig, Device *found) {
    if (index < 0 || index >= driver.gpu_count) return NOT_FOUND;
    *found = (Device)&devices[index][mig];
    return fault(driver.gpus[index].faults, driver.gpus[index].fault_count, function);
}

/* A slice's UUID, as wide as a GPU's: that of its GPU with the number of the slice in front. */
static void mig_uuid(const Gpu *gpu, int mig, char *text) {
    sprintf(text, "MIG-%08x%.60s", mig, strlen(gpu->uuid) > 12 ? gpu->uuid + 12 : gpu->uuid);
}

static Result find_uuid(const char *uuid, Device *found) {
    char text[96];
    for (int index = 0; index < driver.gpu_count; index++) {
        if (!strcmp(driver.gpus[index].uuid, uuid)) return find("nvmlDeviceGetHandleByUUID", index, 0, found);
        for (int mig = 1; mig <= driver.gpus[index].mig_devices; mig++) {
            mig_uuid(&driver.gpus[index], mig, text);
            if (!strcmp(text, uuid)) return find("nvmlDeviceGetHandleByUUID", index, mig, found);
        }
    }
    return NOT_FOUND;
}

static Result find_bus(const char *id, Device *found) {
    unsigned domain, bus;
    if (sscanf(id, "%x:%x:", &domain, &bus) != 2) return INVALID_ARGUMENT;
    for (int index = 0; index < driver.gpu_count; index++)
        if (driver.gpus[index].pci_bus == (int)bus && !domain)
            return find("nvmlDeviceGetHandleByPciBusId_v2", index, 0, found);
    return NOT_FOUND;
}

SYSTEM(nvmlDeviceGetHandleByIndex_v2, (unsigned index, Device *found), {
    result = find("nvmlDeviceGetHandleByIndex_v2", (int)index, 0, found);
    if (result == NOT_FOUND) result = INVALID_ARGUMENT; /* "if index is invalid" */
})
SYSTEM(nvmlDeviceGetHandleByUUID, (const char *uuid, Device *found), result = find_uuid(uuid, found);)
SYSTEM(nvmlDeviceGetHandleByPciBusId_v2, (const char *id, Device *found), result = find_bus(id, found);)

/* ── what it is ────────────────────────────────────────────────────────────────────────────────────────────────── */

typedef struct {
    char busIdLegacy[16];
    unsigned domain, bus, device, pciDeviceId, pciSubSystemId;
    char busId[32];
} PciInfo;

DEVICE(nvmlDeviceGetUUID, (Device device, char *text, unsigned size), {
    char uuid[96];
    if (device->mig) mig_uuid(gpu, device->mig, uuid);
    result = put(text, size, device->mig ? uuid : gpu->uuid);
})
DEVICE(nvmlDeviceGetName, (Device device, char *text, unsigned size), {
    char name[128];
    snprintf(name, sizeof name, device->mig ? "%s MIG 1g.10gb" : "%s", gpu->name);
    result = put(text, size, name);
})
WHOLE_GPU(nvmlDeviceGetSerial, (Device device, char *text, unsigned size), result = put(text, size, gpu->serial);)
WHOLE_GPU(nvmlDeviceGetPciInfo_v3, (Device device, PciInfo *info), {
    *info = (PciInfo){.bus = (unsigned)gpu->pci_bus, .pciDeviceId = 0x233010DE, .pciSubSystemId = 0x16C110DE};
    snprintf(info->busIdLegacy, sizeof info->busIdLegacy, "0000:%02X:00.0", gpu->pci_bus);
    snprintf(info->busId, sizeof info->busId, "00000000:%02X:00.0", gpu->pci_bus);
})
WHOLE_GPU(nvmlDeviceGetCudaComputeCapability, (Device device, int *major, int *minor), {
    *major = gpu->capability_major;
    *minor = gpu->capability_minor;
})
VALUE(nvmlDeviceGetIndex, unsigned, device->index)
VALUE(nvmlDeviceGetMinorNumber, unsigned, device->index)
VALUE(nvmlDeviceGetArchitecture, unsigned, gpu->architecture)
VALUE(nvmlDeviceGetBrand, unsigned, 14 /* NVIDIA */)
VALUE(nvmlDeviceGetVirtualizationMode, unsigned, 0 /* bare metal */)
VALUE(nvmlDeviceGetComputeMode, unsigned, 0 /* default */)
VALUE(nvmlDeviceGetC2cModeInfoV, unsigned, gpu->grace_hopper) /* a struct of this one field */

/* ── energy and power ──────────────────────────────────────────────────────────────────────────────────────────── */

typedef union { double real; unsigned whole; Counter wide; } Number;
typedef struct {
    uint32_t field, scope;
    int64_t timestamp, latency; /* microseconds, since 1970 */
    unsigned type;
    Result result;
    Number value;
} Field;
enum { UNSIGNED_INT = 1, UNSIGNED_LONG_LONG = 3 };
enum {
    MEMORY_TEMPERATURE = 82, TOTAL_ENERGY = 83, POWER_AVERAGE = 185, POWER_INSTANT = 186, LEAST_LIMIT = 187,
    MOST_LIMIT = 188, DEFAULT_LIMIT = 189, CURRENT_LIMIT = 190, ENERGY = 191, REQUESTED_LIMIT = 192
};

WHOLE_GPU(nvmlDeviceGetTotalEnergyConsumption, (Device device, Counter *value),
          *value = millijoules(gpu, monotonic_now());)

static unsigned power(const Gpu *gpu, const Trace *trace, int averaged) {
    double time = since_load(gpu, monotonic_now());
    return milliwatts(averaged ? average(gpu, trace, time) : sample(gpu, trace, update(gpu, time)));
}

/* "On Ampere (except GA100) or newer GPUs, the API returns power averaged over 1 sec interval. On GA100 and older
   architectures, instantaneous power is returned." */
VALUE(nvmlDeviceGetPowerUsage, unsigned, power(gpu, &gpu->trace, gpu->averages))

/* Scope 0 the GPU, 1 the module ("x86 or non-NVIDIA ARM is not supported"), 2 the memory: where it is not supported
   the answer is 0 (zeus, get_average_memory_power_usage: so on an A40). */
static Result field_power(const Gpu *gpu, Field *field) {
    const Trace *scopes[] = {&gpu->trace, &gpu->module, &gpu->memory};
    int averaged = field->field == POWER_AVERAGE;
    const char *name = averaged ? "NVML_FI_DEV_POWER_AVERAGE" : "NVML_FI_DEV_POWER_INSTANT";
    Result result = fault(gpu->faults, gpu->fault_count, name);
    if (result) return result;
    if (field->scope > 2 || (averaged && !gpu->averages)) return NOT_SUPPORTED;
    if (scopes[field->scope]->path[0]) field->value.whole = power(gpu, scopes[field->scope], averaged);
    else if (field->scope == 1) return NOT_SUPPORTED;
    return SUCCESS;
}

static Result field_energy(Gpu *gpu, Field *field) {
    Result result = fault(gpu->faults, gpu->fault_count, "nvmlDeviceGetTotalEnergyConsumption");
    field->type = UNSIGNED_LONG_LONG;
    if (!result) field->value.wide = millijoules(gpu, monotonic_now());
    return result;
}

static Result answer(Gpu *gpu, Field *field) {
    field->type = UNSIGNED_INT;
    field->value.wide = 0;
    switch (field->field) {
    case POWER_AVERAGE: case POWER_INSTANT: return field_power(gpu, field);
    case TOTAL_ENERGY: case ENERGY: return field_energy(gpu, field);
    case MEMORY_TEMPERATURE: field->value.whole = (unsigned)gpu->memory_temperature; return SUCCESS;
    case LEAST_LIMIT: field->value.whole = milliwatts(gpu->least_watts); return SUCCESS;
    case MOST_LIMIT: field->value.whole = milliwatts(gpu->most_watts); return SUCCESS;
    case DEFAULT_LIMIT: field->value.whole = milliwatts(gpu->default_watts); return SUCCESS;
    case CURRENT_LIMIT: field->value.whole = milliwatts(gpu->enforced_watts); return SUCCESS;
    case REQUESTED_LIMIT: field->value.whole = milliwatts(gpu->limit_watts); return SUCCESS;
    default: return NOT_SUPPORTED;
    }
}

WHOLE_GPU(nvmlDeviceGetFieldValues, (Device device, int count, Field *fields), {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    for (int i = 0; i < count; i++) {
        fields[i].timestamp = now.tv_sec * 1000000LL + now.tv_nsec / 1000;
        fields[i].latency = 0;
        fields[i].result = answer(gpu, &fields[i]);
    }
})

VALUE(nvmlDeviceGetPowerManagementMode, unsigned, 1)
VALUE(nvmlDeviceGetPowerManagementLimit, unsigned, milliwatts(gpu->limit_watts))
VALUE(nvmlDeviceGetEnforcedPowerLimit, unsigned, milliwatts(gpu->enforced_watts))
VALUE(nvmlDeviceGetPowerManagementDefaultLimit, unsigned, milliwatts(gpu->default_watts))
WHOLE_GPU(nvmlDeviceGetPowerManagementLimitConstraints, (Device device, unsigned *least, unsigned *most), {
    *least = milliwatts(gpu->least_watts);
    *most = milliwatts(gpu->most_watts);
})

/* ── state beside energy ───────────────────────────────────────────────────────────────────────────────────────── */

typedef struct { unsigned version, sensor; int celsius; } Temperature;
typedef struct { unsigned gpu, memory; } Utilization;
typedef struct { Counter total, free, used; } Memory;
typedef struct { unsigned version; Counter total, reserved, free, used; } Memory2;

/* 0 graphics, 1 SM, 2 memory, 3 video */
static Result clock_of(unsigned type, int sm, int memory, unsigned *megahertz) {
    if (type > 3) return INVALID_ARGUMENT;
    *megahertz = (unsigned)(type == 2 ? memory : sm);
    return SUCCESS;
}

WHOLE_GPU(nvmlDeviceGetClockInfo, (Device device, unsigned type, unsigned *megahertz),
          result = clock_of(type, gpu->sm_clock, gpu->memory_clock, megahertz);)
WHOLE_GPU(nvmlDeviceGetMaxClockInfo, (Device device, unsigned type, unsigned *megahertz),
          result = clock_of(type, gpu->most_sm_clock, gpu->most_memory_clock, megahertz);)
WHOLE_GPU(nvmlDeviceGetTemperature, (Device device, unsigned sensor, unsigned *celsius), {
    if (sensor) result = INVALID_ARGUMENT;
    else *celsius = (unsigned)gpu->temperature;
})
WHOLE_GPU(nvmlDeviceGetTemperatureV, (Device device, Temperature *temperature), {
    if (temperature->version != 0x100000C) result = ARGUMENT_VERSION_MISMATCH;
    else if (temperature->sensor) result = INVALID_ARGUMENT;
    else temperature->celsius = gpu->temperature;
})
/* "On MIG-enabled GPUs, querying device utilization rates is not currently supported." */
WHOLE_GPU(nvmlDeviceGetUtilizationRates, (Device device, Utilization *rates), {
    if (gpu->mig_mode) result = NOT_SUPPORTED;
    else *rates = (Utilization){(unsigned)gpu->utilization, (unsigned)gpu->memory_utilization};
})
DEVICE(nvmlDeviceGetMemoryInfo, (Device device, Memory *memory), {
    Counter total = (Counter)gpu->memory_bytes / (device->mig ? MIG_DEVICES + 1 : 1);
    Counter used = device->mig ? 0 : (Counter)gpu->memory_used;
    *memory = (Memory){total, total - used, used};
})
WHOLE_GPU(nvmlDeviceGetMemoryInfo_v2, (Device device, Memory2 *memory), {
    Counter total = (Counter)gpu->memory_bytes;
    Counter used = (Counter)gpu->memory_used;
    if (memory->version != 0x02000028) result = ARGUMENT_VERSION_MISMATCH;
    else *memory = (Memory2){memory->version, total, 0, total - used, used};
})
VALUE(nvmlDeviceGetCurrentClocksThrottleReasons, Counter, gpu->clocks_event_reasons)
VALUE(nvmlDeviceGetCurrentClocksEventReasons, Counter, gpu->clocks_event_reasons)
VALUE(nvmlDeviceGetSupportedClocksThrottleReasons, Counter, 0x1FF)
VALUE(nvmlDeviceGetSupportedClocksEventReasons, Counter, 0x1FF)
VALUE(nvmlDeviceGetPerformanceState, unsigned, gpu->performance_state)
VALUE(nvmlDeviceGetPowerState, unsigned, gpu->performance_state)
VALUE(nvmlDeviceGetPersistenceMode, unsigned, gpu->persistence_mode)

static Result list_processes(const Gpu *gpu, unsigned *count, Process *processes) {
    unsigned room = processes ? *count : 0;
    *count = (unsigned)gpu->process_count;
    if (*count > room) return INSUFFICIENT_SIZE;
    if (processes) memcpy(processes, gpu->processes, *count * sizeof *processes);
    return SUCCESS;
}

DEVICE(nvmlDeviceGetComputeRunningProcesses_v3, (Device device, unsigned *count, Process *processes),
       result = list_processes(gpu, count, processes);)
DEVICE(nvmlDeviceGetGraphicsRunningProcesses_v3, (Device device, unsigned *count, Process *processes),
       (void)processes; *count = 0;)

WHOLE_GPU(nvmlDeviceGetEccMode, (Device device, unsigned *current, unsigned *pending), {
    if (gpu->ecc_mode < 0) result = NOT_SUPPORTED;
    else *current = *pending = (unsigned)gpu->ecc_mode;
})
/* Error type 0 corrected, 1 uncorrected. */
WHOLE_GPU(nvmlDeviceGetTotalEccErrors, (Device device, unsigned type, unsigned counter, Counter *errors), {
    (void)counter;
    if (gpu->ecc_mode != 1) result = NOT_SUPPORTED;
    else *errors = (Counter)(type ? gpu->ecc_uncorrected : gpu->ecc_corrected);
})

/* ── MIG ───────────────────────────────────────────────────────────────────────────────────────────────────────── */

WHOLE_GPU(nvmlDeviceGetMigMode, (Device device, unsigned *current, unsigned *pending), {
    if (gpu->mig_mode < 0) result = NOT_SUPPORTED;
    else *current = *pending = (unsigned)gpu->mig_mode;
})
WHOLE_GPU(nvmlDeviceGetMaxMigDeviceCount, (Device device, unsigned *count),
          *count = gpu->mig_mode < 0 ? 0 : MIG_DEVICES;)
DEVICE(nvmlDeviceIsMigDeviceHandle, (Device device, unsigned *is_mig), *is_mig = device->mig > 0;)
WHOLE_GPU(nvmlDeviceGetMigDeviceHandleByIndex, (Device device, unsigned index, Device *found), {
    if (!gpu->mig_mode || index >= (unsigned)gpu->mig_devices) result = NOT_FOUND;
    else *found = (Device)&devices[device->index][1 + index];
})
DEVICE(nvmlDeviceGetDeviceHandleFromMigDeviceHandle, (Device device, Device *found),
       *found = (Device)&devices[device->index][0];)
