/* For the tests alone: what a process sees on a machine whose clock was set. Loaded before the C library (LD_PRELOAD), it moves the
   wall clock by the nanoseconds that stand in the file SET_CLOCK, which may change while processes run: for all of them at once. The
   steady clocks stay as they are; the time of the boot, which the kernel derives from the wall clock, moves with it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static const volatile long long *moved_by;

__attribute__((constructor)) static void find_file(void) {
    const char *name = getenv("SET_CLOCK");
    int file = name ? (int)syscall(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *found = mmap(NULL, sizeof(long long), PROT_READ, MAP_SHARED, file, 0);
    if (found != MAP_FAILED)
        moved_by = found;
    close(file);
}

static long long offset(void) { return moved_by ? *moved_by : 0; }

int clock_gettime(clockid_t clock, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, at);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        long long now = at->tv_sec * SECOND + at->tv_nsec + offset();
        at->tv_sec = now / SECOND;
        at->tv_nsec = now % SECOND;
    }
    return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec now;
    (void)zone;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return result;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}

/* /proc/stat with the line of the boot's time moved. Through a pipe: a limit on the size of files is none for it. */
static int boot_moved(void) {
    char text[49152], *line;
    int file = (int)syscall(SYS_openat, AT_FDCWD, "/proc/stat", O_RDONLY | O_CLOEXEC), made[2];
    ssize_t size = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (size < 0)
        return file;
    text[size] = 0;
    line = strstr(text, "\nbtime ");
    if (!line || pipe2(made, O_CLOEXEC) < 0) {
        lseek(file, 0, SEEK_SET);
        return file;
    }
    close(file);
    dprintf(made[1], "%.*s\nbtime %lld\n", (int)(line - text), text, atoll(line + 7) + offset() / SECOND);
    close(made[1]);
    return made[0];
}

#define OPEN(name)                                                                                                                 \
    int name(const char *path, int flags, ...) {                                                                                   \
        va_list rest;                                                                                                              \
        va_start(rest, flags);                                                                                                     \
        mode_t mode = va_arg(rest, mode_t);                                                                                        \
        va_end(rest);                                                                                                              \
        if (moved_by && strcmp(path, "/proc/stat") == 0)                                                                           \
            return boot_moved();                                                                                                   \
        static int (*real)(const char *, int, ...);                                                                                \
        if (!real)                                                                                                                 \
            real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name);                                                       \
        return real(path, flags, mode);                                                                                            \
    }

OPEN(open)
OPEN(open64)
