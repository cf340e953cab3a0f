/* Preloaded into a process: its CLOCK_MONOTONIC runs FACTOR times as fast from ORIGIN on, and waits are as much shorter.

   Configured by clock.py. CLOCK_REALTIME and the clocks of CPU time stay as they are; a wait until a moment of
   CLOCK_REALTIME lasts as long on the quick clock as it would have lasted. Timers that signal (alarm, setitimer,
   timerfd) and time-outs of sockets are left alone.

   What CPython waits with (3.11 to 3.14): time.sleep clock_nanosleep; locks sem_clockwait, or sem_timedwait where it was
   built with an older C library; the interpreter's own lock pthread_cond_timedwait; select, poll and epoll. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

typedef long long Nanoseconds;

enum { SECOND = 1000000000, SLACK = 50000 };
static const Nanoseconds FOREVER = LLONG_MAX / 4; /* 73 years */
static Nanoseconds origin = LLONG_MAX, factor = 1;

__attribute__((constructor)) static void configure(void) {
    const char *words = getenv("WATTSTAR_CLOCK_SIMULATOR");
    if (words && (sscanf(words, "%lld %lld", &origin, &factor) != 2 || factor < 1)) {
        fprintf(stderr, "wattstar simulator: not a clock: %s\n", words);
        abort();
    }
    prctl(PR_SET_TIMERSLACK, SLACK / factor > 0 ? SLACK / factor : 1L); /* the kernel's own is 50 µs on any clock */
}

#define REAL(function, result, parameters)                                                                             \
    static result(*real) parameters;                                                                                   \
    if (!real) real = (result(*) parameters)dlsym(RTLD_NEXT, #function)

/* ── the two clocks ────────────────────────────────────────────────────────────────────────────────────────────── */

static Nanoseconds whole(const struct timespec *time) {
    return time->tv_sec > FOREVER / SECOND ? FOREVER : time->tv_sec * (Nanoseconds)SECOND + time->tv_nsec;
}

static struct timespec parts(Nanoseconds time) {
    return (struct timespec){(time_t)(time / SECOND), (long)(time % SECOND)};
}

static int is_quick(clockid_t clock) {
    return clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_MONOTONIC_COARSE ||
           clock == CLOCK_BOOTTIME;
}

static int real_time(clockid_t clock, struct timespec *time) {
    REAL(clock_gettime, int, (clockid_t, struct timespec *));
    return real(clock, time);
}

static Nanoseconds real_now(clockid_t clock) {
    struct timespec now;
    real_time(clock, &now);
    return whole(&now);
}

/* What the quick clock shows at a real moment, and the first real moment at which it shows as much. */
static Nanoseconds shown(Nanoseconds real) { return real <= origin ? real : origin + (real - origin) * factor; }
static Nanoseconds moment(Nanoseconds shown) {
    return shown <= origin ? shown : origin + (shown - origin + factor - 1) / factor;
}

/* How long a wait of the quick clock really is, from now on. */
static Nanoseconds shorter(Nanoseconds wait) {
    Nanoseconds now = real_now(CLOCK_MONOTONIC);
    return wait <= 0 ? 0 : moment(shown(now) + wait) - now;
}

/* The real deadline behind one of the quick clock or, its distance shortened, of another. */
static struct timespec deadline(clockid_t clock, const struct timespec *until) {
    Nanoseconds time = whole(until);
    if (is_quick(clock)) return parts(moment(time));
    Nanoseconds now = real_now(clock);
    return parts(now + shorter(time - now));
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = real_time(clock, time);
    if (!result && is_quick(clock)) *time = parts(shown(whole(time)));
    return result;
}

/* ── sleeping ──────────────────────────────────────────────────────────────────────────────────────────────────── */

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wait, struct timespec *left) {
    REAL(clock_nanosleep, int, (clockid_t, int, const struct timespec *, struct timespec *));
    if (!is_quick(clock) && clock != CLOCK_REALTIME) return real(clock, flags, wait, left);
    if (wait->tv_nsec < 0 || wait->tv_nsec >= SECOND || wait->tv_sec < 0) return EINVAL;
    if (flags & TIMER_ABSTIME) {
        struct timespec until = deadline(clock, wait);
        return real(clock, flags, &until, left);
    }
    struct timespec pause = parts(shorter(whole(wait)));
    int result = real(clock, flags, &pause, left);
    if (result == EINTR && left) *left = parts(whole(left) * factor);
    return result;
}

int nanosleep(const struct timespec *wait, struct timespec *left) {
    int result = clock_nanosleep(CLOCK_MONOTONIC, 0, wait, left);
    errno = result ? result : errno;
    return result ? -1 : 0;
}

int usleep(useconds_t microseconds) {
    struct timespec wait = parts(microseconds * 1000LL);
    return nanosleep(&wait, NULL);
}

/* ── semaphores and conditions ─────────────────────────────────────────────────────────────────────────────────── */

int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until) {
    REAL(sem_clockwait, int, (sem_t *, clockid_t, const struct timespec *));
    struct timespec sooner = deadline(clock, until);
    return real(semaphore, clock, &sooner);
}

int sem_timedwait(sem_t *semaphore, const struct timespec *until) {
    REAL(sem_timedwait, int, (sem_t *, const struct timespec *));
    struct timespec sooner = deadline(CLOCK_REALTIME, until);
    return real(semaphore, &sooner);
}

int pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock,
                           const struct timespec *until) {
    REAL(pthread_cond_clockwait, int, (pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *));
    struct timespec sooner = deadline(clock, until);
    return real(condition, mutex, clock, &sooner);
}

/* A condition does not tell its clock. No machine has been up for 30 years, and no wait ends before the year 2000. */
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until) {
    REAL(pthread_cond_timedwait, int, (pthread_cond_t *, pthread_mutex_t *, const struct timespec *));
    struct timespec sooner = deadline(until->tv_sec < 946684800 ? CLOCK_MONOTONIC : CLOCK_REALTIME, until);
    return real(condition, mutex, &sooner);
}

/* ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────── */

int ppoll(struct pollfd *files, nfds_t count, const struct timespec *wait, const sigset_t *mask) {
    REAL(ppoll, int, (struct pollfd *, nfds_t, const struct timespec *, const sigset_t *));
    struct timespec pause = wait ? parts(shorter(whole(wait))) : (struct timespec){0};
    return real(files, count, wait ? &pause : NULL, mask);
}

int poll(struct pollfd *files, nfds_t count, int milliseconds) {
    struct timespec wait = parts(milliseconds * 1000000LL);
    return ppoll(files, count, milliseconds < 0 ? NULL : &wait, NULL);
}

int __poll_chk(struct pollfd *files, nfds_t count, int milliseconds, size_t size) {
    if (size / sizeof *files < count) abort();
    return poll(files, count, milliseconds);
}

int pselect(int count, fd_set *in, fd_set *out, fd_set *odd, const struct timespec *wait, const sigset_t *mask) {
    REAL(pselect, int, (int, fd_set *, fd_set *, fd_set *, const struct timespec *, const sigset_t *));
    struct timespec pause = wait ? parts(shorter(whole(wait))) : (struct timespec){0};
    return real(count, in, out, odd, wait ? &pause : NULL, mask);
}

int select(int count, fd_set *in, fd_set *out, fd_set *odd, struct timeval *wait) {
    struct timespec pause = wait ? (struct timespec){wait->tv_sec, wait->tv_usec * 1000} : (struct timespec){0};
    return pselect(count, in, out, odd, wait ? &pause : NULL, NULL);
}

/* Its own time-out is in whole milliseconds, each of them FACTOR long; the file it waits with can be polled. */
int epoll_pwait(int file, struct epoll_event *events, int room, int milliseconds, const sigset_t *mask) {
    REAL(epoll_pwait, int, (int, struct epoll_event *, int, int, const sigset_t *));
    if (milliseconds <= 0) return real(file, events, room, milliseconds, mask);
    struct pollfd ready = {file, POLLIN, 0};
    struct timespec wait = parts(milliseconds * 1000000LL);
    int result = ppoll(&ready, 1, &wait, mask);
    return result > 0 ? real(file, events, room, 0, mask) : result;
}

int epoll_wait(int file, struct epoll_event *events, int room, int milliseconds) {
    return epoll_pwait(file, events, room, milliseconds, NULL);
}
