/* SPDX-License-Identifier: MIT
 *
 * The log of kvs as its settings have it: where the lines go, in what form, and how many at most. A reload opens
 * the file anew, as logrotate(8) wants it, and changes all three while threads write. */
#ifndef KVS_LOG_H
#define KVS_LOG_H

#include <limits.h>

#include "core/base/log_limiter.h"
#include "options.h"
#include "reload.h"

/* The settings of a log, and its descriptor. */
struct kvs_log_target {
    char path[PATH_MAX]; /* "": standard error */
    enum weft_log_format format;
    uint64_t rate;
    int fd;
};

struct kvs_log {
    struct weft_log log;
    const struct kvs_config *config;
    struct kvs_log_target now, next; /* next: between prepare and commit or abandon */
};

/* Opens the log. It is a descriptor of its own, so that a reload can replace it at once for all threads. If the process
 * is root's and is to become --user, the file is opened as that user. Where standard error is the systemd journal, which
 * JOURNAL_STREAM tells, lines have priorities. A process that does not serve (--check) logs to standard error. Returns
 * 0; or -errno with one line in *error. `config` outlives the log. */
WEFT_MUST_USE int kvs_log_open(struct kvs_log *log, const struct kvs_config *config,
                               struct weft_error *error);
/* Tells what was left out, and closes the log. */
void kvs_log_close(struct kvs_log *log);

/* The steps of a reload, which the reloader of the settings makes (reload.h). prepare opens the file anew. */
WEFT_MUST_USE int kvs_log_prepare(struct kvs_log *log, const struct kvs_config *next,
                                  struct kvs_reload *reload, struct weft_error *error);
void kvs_log_commit(struct kvs_log *log);
void kvs_log_abandon(struct kvs_log *log);

/* True if these steps take care of the option. */
bool kvs_log_has(const struct cli_option *option);

#endif
