/* SPDX-License-Identifier: MIT
 *
 * The parts of the access log: layer.c sees requests, template.c makes lines, writer.c brings them to the file. */
#ifndef WEFT_ACCESS_PRIVATE_H
#define WEFT_ACCESS_PRIVATE_H

#include <pthread.h>

#include "access.h"

enum { ACCESS_PIECES = 64, ACCESS_OBJECT = 48, ACCESS_LINE = 2048, ACCESS_BUFFER = 1024 * 1024 };

enum access_field {
    ACCESS_TEXT,
    ACCESS_TIME,
    ACCESS_CONN,
    ACCESS_PEER,
    ACCESS_USER,
    ACCESS_COMMAND,
    ACCESS_OBJECT_NAME,
    ACCESS_STATUS,
    ACCESS_REQUEST,
    ACCESS_BYTES,
    ACCESS_US
};

struct access_template {
    char *copy; /* owned; the pieces borrow from it */
    size_t count;
    struct access_piece {
        enum access_field field;
        struct weft_view text; /* of ACCESS_TEXT */
    } pieces[ACCESS_PIECES];
};

/* The facts of a request that has ended. */
struct access_entry {
    const char *time; /* of access_write_time */
    uint64_t conn, request, bytes, us;
    const char *peer, *user, *command;
    struct weft_view object;
    uint32_t status;
};

/* Returns 0, WEFT_ECONFIG with one line in *error, or -ENOMEM. */
WEFT_MUST_USE int access_template_init(struct access_template *template, const char *text,
                                       struct weft_error *error);
void access_template_fini(struct access_template *template);

enum { ACCESS_TIME_TEXT = 64 };

/* Writes nanoseconds since 1970 as "2026-01-31T12:00:00.000Z". */
void access_write_time(char dst[ACCESS_TIME_TEXT], int64_t time);

/* Writes a line with its newline to dst of ACCESS_LINE bytes, cut if it is longer. Returns its size. */
size_t access_template_write(const struct access_template *template,
                             const struct access_entry *entry, char *dst);

/* A loop's lines on their way to the thread. */
struct access_buffer {
    pthread_mutex_t lock;
    char *bytes; /* of ACCESS_BUFFER bytes; swapped with that of the thread */
    size_t size;
    uint64_t lines;    /* in bytes */
    uint64_t left_out; /* since the thread came last */
    bool is_urgent;    /* it is half full, and the thread knows */
    bool
        is_free; /* its endpoint has gone, and another one may have it; guarded by the lock of the list */
    struct access_buffer *next;
};

struct weft_access {
    struct access_template template;
    const char *path;
    const struct weft_log *log;
    int fd, next_fd;
    char *spare;          /* the thread's, of ACCESS_BUFFER bytes */
    uint64_t left_out;    /* atomic */
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake;
    struct access_buffer *buffers; /* of all loops */
    bool woken, urgent, stopping, started;
    pthread_t thread;
};

/* Returns a buffer for a loop, or NULL: no memory. The log owns it. */
struct access_buffer *access_buffer_new(struct weft_access *access);
/* Gives a buffer back, for the next endpoint on any loop. The thread still writes what is in there. */
void access_buffer_give(struct weft_access *access, struct access_buffer *buffer);
/* Adds a line, and wakes the thread, which it starts at the first one. */
void access_buffer_add(struct weft_access *access, struct access_buffer *buffer, const char *line,
                       size_t size);

#endif
