/* SPDX-License-Identifier: MIT */
#include "disk_shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FDS = 1024, FILES = 512, NAME = 64, SECTOR = 512 };

enum what { CREATE, WRITE, TRUNCATE, SYNC, RENAME, UNLINK, SYNC_DIRECTORY };

struct call {
    enum what what;
    int file; /* CREATE, WRITE, TRUNCATE, SYNC */
    char from[NAME], to[NAME];
    uint64_t offset; /* TRUNCATE: the size */
    size_t size;
    uint8_t *bytes;
};

static struct {
    struct {
        unsigned skip, count;
        int err;
    } faults[DISK_CALLS];
    bool recording;
    int file_of[FDS]; /* number of the file + 1; 0: none of ours */
    int files;
    struct call *calls;
    size_t count, capacity;
} shim;

void disk_shim_fail(enum disk_call call, unsigned skip, unsigned count, int err)
{
    shim.faults[call].skip = skip;
    shim.faults[call].count = count;
    shim.faults[call].err = err;
}

void disk_shim_mend(void)
{
    memset(shim.faults, 0, sizeof shim.faults);
}

static bool fails(enum disk_call call)
{
    if (shim.faults[call].count == 0)
        return false;
    if (shim.faults[call].skip > 0) {
        shim.faults[call].skip--;
        return false;
    }
    shim.faults[call].count--;
    errno = shim.faults[call].err;
    return true;
}

void disk_shim_record(void)
{
    for (size_t i = 0; i < shim.count; i++)
        free(shim.calls[i].bytes);
    shim.count = 0;
    shim.files = 0;
    memset(shim.file_of, 0, sizeof shim.file_of);
    shim.recording = true;
}

void disk_shim_stop(void)
{
    shim.recording = false;
}

size_t disk_shim_recorded(void)
{
    return shim.count;
}

static struct call *add(enum what what)
{
    if (shim.count == shim.capacity) {
        shim.capacity = shim.capacity > 0 ? 2 * shim.capacity : 256;
        shim.calls = realloc(shim.calls, shim.capacity * sizeof *shim.calls);
        if (!shim.calls)
            abort();
    }
    struct call *call = &shim.calls[shim.count++];
    *call = (struct call){.what = what};
    return call;
}

static int file_of(int fd)
{
    return shim.recording && fd >= 0 && fd < FDS ? shim.file_of[fd] - 1 : -1;
}

static void note_write(int fd, const struct iovec *vectors, int count, ssize_t size, off_t offset)
{
    int file = file_of(fd);
    if (file < 0 || size <= 0)
        return;
    struct call *call = add(WRITE);
    call->file = file;
    call->offset = (uint64_t)offset;
    call->size = (size_t)size;
    call->bytes = malloc(call->size);
    if (!call->bytes)
        abort();
    size_t at = 0;
    for (int i = 0; i < count && at < call->size; i++) {
        size_t n = vectors[i].iov_len < call->size - at ? vectors[i].iov_len : call->size - at;
        memcpy(call->bytes + at, vectors[i].iov_base, n);
        at += n;
    }
}

/* The linker gives these names to the calls of the program and to the real functions. */
int __real_fallocate(int fd, int mode, off_t offset, off_t size);
int __real_fdatasync(int fd);
int __real_fsync(int fd);
int __real_ftruncate(int fd, off_t size);
int __real_openat(int dir, const char *name, int flags, ...);
ssize_t __real_pwrite(int fd, const void *bytes, size_t size, off_t offset);
ssize_t __real_pwritev(int fd, const struct iovec *vectors, int count, off_t offset);
int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __real_unlinkat(int dir, const char *name, int flags);

int __wrap_fallocate(int fd, int mode, off_t offset, off_t size);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_openat(int dir, const char *name, int flags, ...);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset);
ssize_t __wrap_pwritev(int fd, const struct iovec *vectors, int count, off_t offset);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_unlinkat(int dir, const char *name, int flags);

int __wrap_fallocate(int fd, int mode, off_t offset, off_t size)
{
    return fails(DISK_fallocate) ? -1 : __real_fallocate(fd, mode, offset, size);
}

static void note_sync(int fd)
{
    if (!shim.recording)
        return;
    struct call *call = add(file_of(fd) < 0 ? SYNC_DIRECTORY : SYNC);
    call->file = file_of(fd);
}

int __wrap_fdatasync(int fd)
{
    if (fails(DISK_fdatasync))
        return -1;
    note_sync(fd);
    return 0;
}

int __wrap_fsync(int fd)
{
    if (fails(DISK_fsync))
        return -1;
    note_sync(fd);
    return 0;
}

int __wrap_ftruncate(int fd, off_t size)
{
    if (fails(DISK_ftruncate))
        return -1;
    int n = __real_ftruncate(fd, size);
    if (n == 0 && file_of(fd) >= 0) {
        struct call *call = add(TRUNCATE);
        call->file = file_of(fd);
        call->offset = (uint64_t)size;
    }
    return n;
}

int __wrap_openat(int dir, const char *name, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if (flags & O_CREAT && fails(DISK_openat))
        return -1;
    int fd = __real_openat(dir, name, flags, mode);
    if (fd >= 0 && fd < FDS)
        shim.file_of[fd] = 0;
    if (fd >= 0 && shim.recording && flags & O_CREAT) {
        if (fd >= FDS || shim.files == FILES)
            abort();
        shim.file_of[fd] = ++shim.files;
        struct call *call = add(CREATE);
        call->file = shim.files - 1;
        (void)snprintf(call->to, NAME, "%s", name);
    }
    return fd;
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    const struct iovec vector = {(void *)(uintptr_t)bytes, size};
    if (fails(DISK_pwrite))
        return -1;
    ssize_t n = __real_pwrite(fd, bytes, size, offset);
    note_write(fd, &vector, 1, n, offset);
    return n;
}

ssize_t __wrap_pwritev(int fd, const struct iovec *vectors, int count, off_t offset)
{
    if (fails(DISK_pwritev))
        return -1;
    ssize_t n = __real_pwritev(fd, vectors, count, offset);
    note_write(fd, vectors, count, n, offset);
    return n;
}

int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    if (fails(DISK_renameat))
        return -1;
    int n = __real_renameat(from_dir, from, to_dir, to);
    if (n == 0 && shim.recording) {
        struct call *call = add(RENAME);
        (void)snprintf(call->from, NAME, "%s", from);
        (void)snprintf(call->to, NAME, "%s", to);
    }
    return n;
}

int __wrap_unlinkat(int dir, const char *name, int flags)
{
    if (fails(DISK_unlinkat))
        return -1;
    int n = __real_unlinkat(dir, name, flags);
    if (n == 0 && shim.recording)
        (void)snprintf(add(UNLINK)->from, NAME, "%s", name);
    return n;
}

/* The bytes that the disk has of one file. */
struct content {
    uint8_t *bytes;
    size_t size, capacity;
};

static void resize(struct content *content, size_t size)
{
    if (size > content->capacity) {
        content->bytes = realloc(content->bytes, size);
        if (!content->bytes)
            abort();
        content->capacity = size;
    }
    if (size > content->size)
        memset(content->bytes + content->size, 0, size - content->size);
    content->size = size;
}

static void put(struct content *content, uint64_t offset, const uint8_t *bytes, size_t size)
{
    if (offset + size > content->size)
        resize(content, (size_t)offset + size);
    memcpy(content->bytes + offset, bytes, size);
}

/* Writes some sectors of what was not synced; of one of them perhaps only a part. */
static void put_some(struct content *content, const struct call *call, struct test_random *random)
{
    size_t at = 0;
    unsigned chance = (unsigned)(test_random_next(random) % 4); /* in 3 */
    while (at < call->size) {
        size_t to_border = SECTOR - (size_t)((call->offset + at) % SECTOR);
        size_t size = to_border < call->size - at ? to_border : call->size - at;
        size_t some =
            test_random_next(random) % 16 == 0 ? test_random_next(random) % (size + 1) : size;
        if (test_random_next(random) % 3 < chance)
            put(content, call->offset + at, call->bytes + at, some);
        at += size;
    }
}

static void make_content(struct content *content, int file, size_t calls,
                         struct test_random *random)
{
    size_t synced = 0;
    for (size_t i = 0; i < calls; i++)
        if (shim.calls[i].what == SYNC && shim.calls[i].file == file)
            synced = i;
    for (size_t i = 0; i < calls; i++) {
        const struct call *call = &shim.calls[i];
        if (call->file != file)
            continue;
        if (call->what == WRITE && i < synced)
            put(content, call->offset, call->bytes, call->size);
        else if (call->what == WRITE)
            put_some(content, call, random);
        else if (call->what == TRUNCATE && (i < synced || test_random_next(random) % 2))
            resize(content, (size_t)call->offset);
    }
}

/* Names of files, as the directory has them. */
struct names {
    char name[FILES][NAME]; /* empty: the file has none */
};

static void change_directory(struct names *names, const struct call *call)
{
    if (call->what == CREATE)
        (void)snprintf(names->name[call->file], NAME, "%s", call->to);
    for (int i = 0; i < shim.files; i++) {
        if (call->what == UNLINK && strcmp(names->name[i], call->from) == 0)
            names->name[i][0] = '\0';
        if (call->what != RENAME)
            continue;
        if (strcmp(names->name[i], call->to) == 0)
            names->name[i][0] = '\0';
        if (strcmp(names->name[i], call->from) == 0)
            (void)snprintf(names->name[i], NAME, "%s", call->to);
    }
}

static void write_out(const char *dir, const char *name, const struct content *content)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    if (!file ||
        (content->size > 0 && fwrite(content->bytes, 1, content->size, file) != content->size))
        abort();
    (void)fclose(file);
}

void disk_shim_cut(const char *dir, size_t calls, struct test_random *random)
{
    struct names *names = calloc(1, sizeof *names);
    size_t synced = 0, later = 0;
    if (!names)
        abort();
    for (size_t i = 0; i < calls; i++)
        if (shim.calls[i].what == SYNC_DIRECTORY)
            synced = i;
    for (size_t i = synced; i < calls; i++)
        later += shim.calls[i].what == CREATE || shim.calls[i].what == RENAME ||
                 shim.calls[i].what == UNLINK;
    later = test_random_next(random) % (later + 1);
    for (size_t i = 0; i < calls; i++) {
        const struct call *call = &shim.calls[i];
        bool changes = call->what == CREATE || call->what == RENAME || call->what == UNLINK;
        if (!changes || (i >= synced && later == 0))
            continue;
        later -= i >= synced;
        change_directory(names, call);
    }
    for (int file = 0; file < shim.files; file++) {
        struct content content = {0};
        if (names->name[file][0] == '\0')
            continue;
        make_content(&content, file, calls, random);
        write_out(dir, names->name[file], &content);
        free(content.bytes);
    }
    free(names);
}
