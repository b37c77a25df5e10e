/* SPDX-License-Identifier: MIT
 *
 * The file is the one of libedit's H_SAVE: a header, then a line per entry as vis(3) writes it. */
#include "history.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"

/* A prompt holds the lock for the time of a write. Whoever holds it longer is none of ours, and a
 * line is then appended without it. */
enum { LOCK_TRIES = 20, LOCK_PAUSE = 10 };

static const char header[] = "_HiStOrY_V2_\n";

static bool lock(int fd)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        (void)poll(NULL, 0, LOCK_PAUSE);
    }
    return false;
}

/* Opens the file to append to, with the lock if it can be had. The file may have been replaced by a
 * shorter one before the lock was there: then the new one is opened. */
static int open_locked(const char *path, bool *locked)
{
    for (;;) {
        struct stat opened, named;
        int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
        if (fd < 0)
            return -1;
        *locked = lock(fd);
        if (!*locked || (fstat(fd, &opened) == 0 && stat(path, &named) == 0 &&
                         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino))
            return fd;
        close(fd);
    }
}

/* Encodes a line like vis(3): blanks, controls and backslashes in octal, other bytes unchanged. */
static int encode(struct weft_buf *dst, const char *line)
{
    int err = 0;
    for (; *line && err == 0; line++) {
        char octal[8];
        unsigned char byte = (unsigned char)*line;
        bool plain = byte > ' ' && byte != 0x7f && byte != '\\';
        int size = plain ? 1 : snprintf(octal, sizeof octal, "\\%03o", byte);
        err = weft_buf_append(dst, weft_view(plain ? line : octal, (size_t)size));
    }
    return err;
}

/* One write, so that lines of prompts without the lock are not mixed either. */
static void append(const char *path, const char *line)
{
    struct weft_buf text = {0};
    struct stat status;
    bool locked;
    int fd = open_locked(path, &locked), err = 0;
    if (fd < 0)
        return;
    if (fstat(fd, &status) == 0 && status.st_size == 0)
        err = weft_buf_append(&text, weft_view_str(header));
    if (err == 0)
        err = encode(&text, line);
    if (err == 0)
        err = weft_buf_append(&text, weft_view_str("\\012\n"));
    if (err == 0)
        (void)!write(fd, weft_buf_view(&text).data, weft_buf_size(&text));
    weft_buf_fini(&text);
    close(fd); /* which ends the lock */
}

/* Replaces a file that has grown to twice its size by its last lines, those of other prompts among
 * them. */
static void shorten(struct cli_history *self)
{
    char beside[CLI_HISTORY_PATH + 8];
    HistEvent event;
    bool locked;
    int fd = open_locked(self->path, &locked);
    if (fd < 0)
        return;
    snprintf(beside, sizeof beside, "%s.new", self->path);
    history(self->list, &event, H_CLEAR);
    if (history(self->list, &event, H_LOAD, self->path) > 0 && locked) {
        mode_t mask = umask(S_IRWXG | S_IRWXO);
        if (history(self->list, &event, H_SAVE, beside) < 0 || rename(beside, self->path) < 0)
            (void)unlink(beside);
        umask(mask);
    }
    close(fd);
}

int cli_history_init(struct cli_history *self)
{
    HistEvent event;
    const char *home = getenv("HOME");
    *self = (struct cli_history){.list = history_init()};
    if (!self->list)
        return -ENOMEM;
    history(self->list, &event, H_SETSIZE, CLI_HISTORY_SIZE);
    history(self->list, &event, H_SETUNIQUE, 1);
    if (!home || !*home)
        return 0;
    snprintf(self->path, sizeof self->path, "%s/.kvc_history", home);
    if (history(self->list, &event, H_LOAD, self->path) > 2 * CLI_HISTORY_SIZE)
        shorten(self);
    return 0;
}

void cli_history_fini(struct cli_history *self)
{
    history_end(self->list);
}

void cli_history_add(struct cli_history *self, const char *line)
{
    HistEvent event;
    if (line[strspn(line, " \t\r\n")] == '\0')
        return;
    history(self->list, &event, H_ENTER, line);
    if (*self->path)
        append(self->path, line);
}
