/* Preloaded into every process of the cluster under measurement: a sync of a file takes at least SLOW_SYNC_MICROSECONDS, as
   on a disk that needs so long. The disk's own sync is done, and is part of the time. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

static long least;

__attribute__((constructor)) static void begin(void)
{
    const char *set = getenv("SLOW_SYNC_MICROSECONDS");
    least = set ? atol(set) : 0;
    /* the system may wake a process 50 us late, to save power; children take this over */
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
}

static int slowly(const char *name, int file)
{
    int (*sync)(int);
    struct timespec until;
    int outcome, why;

    *(void **) &sync = dlsym(RTLD_NEXT, name);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += least / 1000000;
    until.tv_nsec += least % 1000000 * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec += 1;
        until.tv_nsec -= 1000000000;
    }
    outcome = sync(file);
    why = errno;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
    errno = why;
    return outcome;
}

int fsync(int file)
{
    return slowly("fsync", file);
}

int fdatasync(int file)
{
    return slowly("fdatasync", file);
}
