/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process.h"

enum { FILE_MODE = 0640 };

/* True if standard error is the stream to the journal whose device and inode systemd has put into JOURNAL_STREAM:
 * systemd.exec(5). */
static bool is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char expected[64];
    struct stat st;
    if (!stream || fstat(STDERR_FILENO, &st) < 0)
        return false;
    snprintf(expected, sizeof expected, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(stream, expected) == 0;
}

/* A pipe that nobody reads must not stop the loops: what it has no room for is lost. */
static int open_target(const struct kvs_log_target *target, struct weft_error *error)
{
    int fd = *target->path ? open(target->path,
                                  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                                  FILE_MODE)
                           : fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (fd >= 0)
        return fd;
    return weft_error_set(error, -errno, "--log-file: cannot open %s: %s",
                          *target->path ? target->path : "standard error", weft_strerror(-errno));
}

static int describe_target(struct kvs_log_target *target, const struct kvs_config *config,
                           struct weft_error *error)
{
    const char *path = config->log_file ? config->log_file : "";
    if (strlen(path) >= sizeof target->path)
        return weft_error_set(error, WEFT_ECONFIG, "--log-file: the path is too long");
    strcpy(target->path, path);
    target->format = config->log_format;
    target->rate = config->log_rate;
    return 0;
}

/* True if two descriptors are of one file. After a rotation the path is another one's. */
static bool is_same_file(int one, int other)
{
    struct stat a, b;
    return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

int kvs_log_prepare(struct kvs_log *log, const struct kvs_config *next, struct kvs_reload *reload,
                    struct weft_error *error)
{
    int err = describe_target(&log->next, next, error);
    log->next.fd = err < 0 ? err : open_target(&log->next, error);
    if (log->next.fd < 0)
        return log->next.fd;
    if (strcmp(log->now.path, log->next.path) != 0 || !is_same_file(log->next.fd, log->now.fd))
        kvs_reload_changes(reload, "log-file");
    if (log->now.format != log->next.format)
        kvs_reload_changes(reload, "log-format");
    if (log->now.rate != log->next.rate)
        kvs_reload_changes(reload, "log-rate");
    return 0;
}

/* Threads may be writing: the descriptor keeps its number, and each line goes to the one file or to the other. */
void kvs_log_commit(struct kvs_log *log)
{
    const int fd = log->now.fd;
    (void)dup3(log->next.fd, fd, O_CLOEXEC);
    close(log->next.fd);
    log->now = log->next;
    log->now.fd = fd;
    weft_log_set_format(&log->log, log->now.format, !*log->now.path && is_journal());
    weft_log_limiter_set_rate(log->log.limiter, log->now.rate);
}

void kvs_log_abandon(struct kvs_log *log)
{
    close(log->next.fd);
}

int kvs_log_open(struct kvs_log *log, const struct kvs_config *config, struct weft_error *error)
{
    *log = (struct kvs_log){.config = config, .now.fd = -1};
    int err = describe_target(&log->now, config, error);
    if (err < 0)
        return err;
    if (config->check || config->repair || config->hash_password)
        *log->now.path = '\0';
    struct cli_user user;
    struct weft_error unread; /* a user that is not there is refused later, in better words */
    const bool has_user = config->user && cli_user_find(&user, config->user, &unread) == 0;
    cli_user_borrow(has_user ? &user : NULL);
    log->now.fd = open_target(&log->now, error);
    cli_user_return();
    if (log->now.fd < 0)
        return log->now.fd;
    log->log = (struct weft_log){.level = config->log_level, .fd = log->now.fd};
    weft_log_set_format(&log->log, log->now.format, !*log->now.path && is_journal());
    err = weft_log_limiter_new(&log->log.limiter, log->now.rate);
    if (err == 0)
        return 0;
    close(log->now.fd);
    return weft_error_set(error, err, "%s", weft_strerror(err));
}

void kvs_log_close(struct kvs_log *log)
{
    weft_log_tell_left_out(&log->log, true);
    close(log->now.fd);
    weft_log_limiter_free(log->log.limiter);
}

bool kvs_log_has(const struct cli_option *option)
{
    return strcmp(option->name, "log-file") == 0 || strcmp(option->name, "log-format") == 0 ||
           strcmp(option->name, "log-rate") == 0;
}
