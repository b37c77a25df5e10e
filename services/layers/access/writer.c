/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "private.h"

enum { FILE_MODE = 0640, GATHER_NS = 50 * 1000 * 1000, SECOND_NS = 1000 * 1000 * 1000 };

static int open_file(const char *path, struct weft_error *error)
{
    int fd =
        open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, FILE_MODE);

    return fd >= 0 ? fd
                   : weft_error_set(error, -errno, "access log: cannot open %s: %s", path,
                                    weft_strerror(-errno));
}

static int make(struct weft_access *access, const char *template, struct weft_error *error)
{
    int err =
        access_template_init(&access->template, template ? template : weft_access_default, error);

    if (err < 0)
        return err;
    access->spare = weft_malloc(ACCESS_BUFFER);
    access->fd = access->spare ? open_file(access->path, error)
                               : weft_error_set(error, -ENOMEM, "out of memory");
    if (access->fd >= 0)
        return 0;
    weft_free(access->spare);
    access_template_fini(&access->template);
    return access->fd;
}

int weft_access_open(struct weft_access **out, const char *path, const char *template,
                     const struct weft_log *log, struct weft_error *error)
{
    struct weft_access *access = weft_calloc(1, sizeof *access);

    *out = NULL;
    if (!access)
        return weft_error_set(error, -ENOMEM, "out of memory");
    access->path = path;
    access->log = log;
    int err = make(access, template, error);
    if (err < 0) {
        weft_free(access);
        return err;
    }
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&access->lock, NULL);
    pthread_cond_init(&access->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *out = access;
    return 0;
}

/* Returns a buffer that an endpoint has given back, or NULL. */
static struct access_buffer *take_free(struct weft_access *access)
{
    pthread_mutex_lock(&access->lock);
    struct access_buffer *buffer = access->buffers;
    while (buffer && !buffer->is_free)
        buffer = buffer->next;
    if (buffer)
        buffer->is_free = false;
    pthread_mutex_unlock(&access->lock);
    return buffer;
}

void access_buffer_give(struct weft_access *access, struct access_buffer *buffer)
{
    pthread_mutex_lock(&access->lock);
    buffer->is_free = true;
    pthread_mutex_unlock(&access->lock);
}

struct access_buffer *access_buffer_new(struct weft_access *access)
{
    struct access_buffer *buffer = take_free(access);

    if (buffer)
        return buffer;
    buffer = weft_calloc(1, sizeof *buffer);
    if (!buffer)
        return NULL;
    buffer->bytes = weft_malloc(ACCESS_BUFFER);
    if (!buffer->bytes) {
        weft_free(buffer);
        return NULL;
    }
    pthread_mutex_init(&buffer->lock, NULL);
    pthread_mutex_lock(&access->lock);
    buffer->next = access->buffers;
    access->buffers = buffer;
    pthread_mutex_unlock(&access->lock);
    return buffer;
}

/* Writes all of it, or as much as the file takes. Returns 0 or -errno. */
static int write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno != EINTR)
            return -errno;
        bytes += n < 0 ? 0 : n;
        size -= n < 0 ? 0 : (size_t)n;
    }
    return 0;
}

/* Takes what a buffer has and writes it. Returns the lines that are lost. */
static uint64_t flush(struct weft_access *access, struct access_buffer *buffer)
{
    char *bytes = access->spare;

    pthread_mutex_lock(&buffer->lock);
    access->spare = buffer->bytes;
    buffer->bytes = bytes;
    const size_t size = buffer->size;
    const uint64_t lines = buffer->lines;
    uint64_t left_out = buffer->left_out;
    buffer->size = 0;
    buffer->lines = buffer->left_out = 0;
    buffer->is_urgent = false;
    pthread_mutex_unlock(&buffer->lock);
    int err = write_all(access->fd, access->spare, size);
    if (err == 0)
        return left_out;
    weft_log_write(access->log, WEFT_LOG_ERROR, "access-log-failed", "error=%s", weft_errname(err));
    /* Some of them may have come into the file before it took no more; all of them count. */
    return left_out + lines;
}

static void flush_all(struct weft_access *access, struct access_buffer *first)
{
    uint64_t left_out = 0;

    for (struct access_buffer *buffer = first; buffer; buffer = buffer->next)
        left_out += flush(access, buffer);
    if (left_out == 0)
        return;
    __atomic_fetch_add(&access->left_out, left_out, __ATOMIC_RELAXED);
    weft_log_write(access->log, WEFT_LOG_WARN, "access-log-left-out", "lines=%" PRIu64, left_out);
}

/* Waits for a line, and then for more of them: a moment, or until a buffer is half full. Called with the lock held. */
static void gather(struct weft_access *access)
{
    struct timespec until;
    int err = 0;

    while (!access->woken && !access->stopping)
        pthread_cond_wait(&access->wake, &access->lock);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += GATHER_NS;
    until.tv_sec += until.tv_nsec / SECOND_NS;
    until.tv_nsec %= SECOND_NS;
    while (err == 0 && !access->urgent && !access->stopping)
        err = pthread_cond_timedwait(&access->wake, &access->lock, &until);
    /* Whoever adds a line to an empty buffer from here on wakes the thread again. */
    access->woken = access->urgent = false;
}

static void *run(void *arg)
{
    struct weft_access *access = arg;
    bool stopping = false;
    (void)pthread_setname_np(pthread_self(), "weft-access");

    while (!stopping) {
        pthread_mutex_lock(&access->lock);
        gather(access);
        stopping = access->stopping;
        struct access_buffer *buffers = access->buffers;
        pthread_mutex_unlock(&access->lock);
        flush_all(access, buffers);
    }
    return NULL;
}

/* The thread starts with the first line, within the sandbox that the program has entered by then. */
static void wake(struct weft_access *access, bool urgent)
{
    pthread_mutex_lock(&access->lock);
    access->woken = true;
    access->urgent |= urgent;
    if (access->started)
        pthread_cond_signal(&access->wake);
    else
        __atomic_store_n(&access->started, pthread_create(&access->thread, NULL, run, access) == 0,
                         __ATOMIC_RELAXED);
    pthread_mutex_unlock(&access->lock);
}

void access_buffer_add(struct weft_access *access, struct access_buffer *buffer, const char *line,
                       size_t size)
{
    pthread_mutex_lock(&buffer->lock);
    const bool was_empty = buffer->lines + buffer->left_out == 0;
    if (size <= ACCESS_BUFFER - buffer->size) {
        memcpy(buffer->bytes + buffer->size, line, size);
        buffer->size += size;
        buffer->lines++;
    } else {
        buffer->left_out++;
    }
    const bool urgent = buffer->size > ACCESS_BUFFER / 2 && !buffer->is_urgent;
    buffer->is_urgent |= urgent;
    pthread_mutex_unlock(&buffer->lock);
    if (was_empty || urgent || !__atomic_load_n(&access->started, __ATOMIC_RELAXED))
        wake(access, urgent);
}

void weft_access_close(struct weft_access *access)
{
    if (!access)
        return;
    pthread_mutex_lock(&access->lock);
    access->stopping = true;
    pthread_cond_signal(&access->wake);
    pthread_mutex_unlock(&access->lock);
    if (access->started)
        pthread_join(access->thread, NULL);
    flush_all(access, access->buffers);
    while (access->buffers) {
        struct access_buffer *buffer = access->buffers;
        access->buffers = buffer->next;
        pthread_mutex_destroy(&buffer->lock);
        weft_free(buffer->bytes);
        weft_free(buffer);
    }
    pthread_cond_destroy(&access->wake);
    pthread_mutex_destroy(&access->lock);
    close(access->fd);
    weft_free(access->spare);
    access_template_fini(&access->template);
    weft_free(access);
}

int weft_access_prepare(struct weft_access *access, struct weft_error *error)
{
    access->next_fd = open_file(access->path, error);
    return access->next_fd < 0 ? access->next_fd : 0;
}

/* The descriptor keeps its number, for the thread may be writing to it. */
void weft_access_commit(struct weft_access *access)
{
    (void)dup3(access->next_fd, access->fd, O_CLOEXEC);
    close(access->next_fd);
}

void weft_access_abandon(struct weft_access *access)
{
    close(access->next_fd);
}

uint64_t weft_access_left_out(const struct weft_access *access)
{
    return __atomic_load_n(&access->left_out, __ATOMIC_RELAXED);
}
