/* SPDX-License-Identifier: MIT */
#include "disk_fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_uint armed, failed;
static atomic_int error_number, passes;

void disk_fault_arm(unsigned calls, int err, unsigned pass)
{
    atomic_store(&failed, 0);
    atomic_store(&error_number, err);
    atomic_store(&passes, (int)pass);
    atomic_store(&armed, calls);
}

void disk_fault_disarm(void)
{
    atomic_store(&armed, 0);
}

unsigned disk_fault_count(void)
{
    return atomic_load(&failed);
}

static bool fails(enum disk_fault_call call, int fd)
{
    struct stat info;
    if (!(atomic_load(&armed) & call) || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode) ||
        atomic_fetch_sub(&passes, 1) > 0)
        return false;
    atomic_fetch_add(&failed, 1);
    errno = atomic_load(&error_number);
    return true;
}

/* The next definition of the name, which is a sanitizer's or the C library's. */
static void find(const char *name, void *function)
{
    void *next = dlsym(RTLD_NEXT, name);
    if (!next)
        abort();
    memcpy(function, &next, sizeof next);
}

#define NEXT(name, ...)                                                                            \
    static _Atomic(__typeof__(name) *) next;                                                       \
    __typeof__(name) *function = atomic_load(&next);                                               \
    if (!function) {                                                                               \
        find(#name, &function);                                                                    \
        atomic_store(&next, function);                                                             \
    }                                                                                              \
    return function(__VA_ARGS__)

ssize_t write(int fd, const void *data, size_t size)
{
    if (fails(DISK_FAULT_WRITE, fd))
        return -1;
    NEXT(write, fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    if (fails(DISK_FAULT_WRITE, fd))
        return -1;
    NEXT(pwrite, fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    if (fails(DISK_FAULT_WRITE, fd))
        return -1;
    NEXT(pwrite64, fd, data, size, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (fails(DISK_FAULT_WRITE, fd))
        return -1;
    NEXT(writev, fd, parts, count);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    if (fails(DISK_FAULT_WRITE, fd))
        return -1;
    NEXT(pwritev, fd, parts, count, offset);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset)
{
    if (fails(DISK_FAULT_WRITE, fd))
        return -1;
    NEXT(pwritev64, fd, parts, count, offset);
}

int fsync(int fd)
{
    if (fails(DISK_FAULT_SYNC, fd))
        return -1;
    NEXT(fsync, fd);
}

int fdatasync(int fd)
{
    if (fails(DISK_FAULT_SYNC, fd))
        return -1;
    NEXT(fdatasync, fd);
}
