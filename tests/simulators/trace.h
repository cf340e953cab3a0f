/* Power over time, as trace.py writes it, and its exact integral: the truth that every simulated sensor shows.

   File: lines "origin NANOSECONDS", "period SECONDS" (0: the knots do not repeat), "shape linear|hold", then one knot
   "SECONDS WATTS" a line. The file may grow while it is read; a line counts once its newline is there. */
#ifndef WATTSTAR_TRACE_H
#define WATTSTAR_TRACE_H

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

typedef struct {
    double time, watts;
    double joules; /* from the first knot to this one */
} Knot;

typedef struct {
    char path[PATH_MAX];
    long long origin; /* nanoseconds of CLOCK_MONOTONIC at time 0 */
    double period;
    int hold; /* a knot's watts last until the next knot */
    long offset; /* bytes of the file read so far */
    Knot *knots;
    size_t count, room;
} Trace;

static inline void simulator_fails(const char *message, const char *word) {
    fprintf(stderr, "wattstar simulator: %s: %s\n", message, word);
    abort();
}

static inline long long monotonic_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static inline void trace_add(Trace *trace, double time, double watts) {
    if (trace->count == trace->room) {
        trace->room = trace->room ? 2 * trace->room : 64;
        trace->knots = realloc(trace->knots, trace->room * sizeof(Knot));
        if (!trace->knots) simulator_fails("out of memory", trace->path);
    }
    Knot *knot = &trace->knots[trace->count++];
    *knot = (Knot){time, watts, 0.0};
    if (trace->count > 1) {
        const Knot *before = knot - 1;
        if (time < before->time) simulator_fails("knots are not in order of time", trace->path);
        knot->joules = before->joules + (time - before->time) * (watts + before->watts) / 2;
    }
}

static inline void trace_line(Trace *trace, const char *line) {
    double time, watts;
    char shape[16];
    if (sscanf(line, "%lf %lf", &time, &watts) == 2) {
        if (trace->hold && trace->count) trace_add(trace, time, trace->knots[trace->count - 1].watts);
        trace_add(trace, time, watts);
    } else if (sscanf(line, "shape %15s", shape) == 1)
        trace->hold = !strcmp(shape, "hold");
    else if (sscanf(line, "origin %lld", &trace->origin) != 1 && sscanf(line, "period %lf", &trace->period) != 1)
        simulator_fails("not a line of a trace", line);
}

/* Read what the file has grown by. */
static inline void trace_follow(Trace *trace) {
    struct stat state;
    if (stat(trace->path, &state)) simulator_fails("no such trace", trace->path);
    if (state.st_size <= trace->offset) return;
    FILE *file = fopen(trace->path, "r");
    if (!file || fseek(file, trace->offset, SEEK_SET)) simulator_fails("unreadable trace", trace->path);
    char line[256];
    while (fgets(line, sizeof line, file) && strchr(line, '\n')) {
        trace_line(trace, line);
        trace->offset = ftell(file);
    }
    fclose(file);
    if (!trace->count) simulator_fails("a trace without knots", trace->path);
}

static inline void trace_free(Trace *trace) {
    free(trace->knots);
    *trace = (Trace){0};
}

/* The last knot at or before x; the first one where there is none. */
static inline const Knot *trace_knot(const Trace *trace, double x) {
    size_t low = 0, high = trace->count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (trace->knots[middle].time <= x) low = middle;
        else high = middle;
    }
    return &trace->knots[low];
}

/* Whole periods before x, which becomes the time inside its period. */
static inline double trace_cycles(const Trace *trace, double *x) {
    if (!(trace->period > 0)) return 0;
    double cycles = floor(*x / trace->period);
    *x = fmin(fmax(*x - cycles * trace->period, 0), trace->period);
    return cycles;
}

static inline double trace_slope(const Trace *trace, const Knot *knot, double x) {
    if (x < knot->time || knot == &trace->knots[trace->count - 1]) return 0;
    return (knot[1].watts - knot->watts) / (knot[1].time - knot->time);
}

/* Watts at x seconds after the origin; at a jump those after it. */
static inline double trace_watts(const Trace *trace, double x) {
    trace_cycles(trace, &x);
    const Knot *knot = trace_knot(trace, x);
    return knot->watts + (x - knot->time) * trace_slope(trace, knot, x);
}

/* Joules from the origin's first knot to x seconds after the origin; negative before it. */
static inline double trace_joules(const Trace *trace, double x) {
    double cycles = trace_cycles(trace, &x);
    const Knot *knot = trace_knot(trace, x);
    double width = x - knot->time;
    double inside = knot->joules + width * (knot->watts + width * trace_slope(trace, knot, x) / 2);
    return cycles * trace->knots[trace->count - 1].joules + inside;
}

#endif
