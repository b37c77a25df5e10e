/* SPDX-License-Identifier: MIT
 *
 * The commands that set or show when keys expire, and helpers that read times. */
#ifndef KV_RESP_EXPIRY_H
#define KV_RESP_EXPIRY_H

#include "task.h"

enum resp_unit { RESP_SECONDS, RESP_MILLISECONDS };

/* Returns the wall-clock time of the task's loop in milliseconds since 1970. */
int64_t resp_now(const struct resp_task *task);

/* Reads a time in the given unit, relative to now unless `absolute`, and sets *expires to the expiry (store.h).
 * If `positive`, the time must be above 0. False: the text is not such a time, and an error reply is made. */
bool resp_read_expiry(struct resp_task *task, struct weft_view text, enum resp_unit unit,
                      bool absolute, bool positive, int64_t *expires);

/* Each begins the command of its name; struct resp_command (command.h) has the contract of `begin`. */
bool resp_begin_expire(struct resp_task *task);
bool resp_begin_pexpire(struct resp_task *task);
bool resp_begin_expireat(struct resp_task *task);
bool resp_begin_pexpireat(struct resp_task *task);
bool resp_begin_ttl(struct resp_task *task);
bool resp_begin_pttl(struct resp_task *task);
bool resp_begin_expiretime(struct resp_task *task);
bool resp_begin_pexpiretime(struct resp_task *task);
bool resp_begin_persist(struct resp_task *task);

bool resp_begin_hexpire(struct resp_task *task);
bool resp_begin_hpexpire(struct resp_task *task);
bool resp_begin_hexpireat(struct resp_task *task);
bool resp_begin_hpexpireat(struct resp_task *task);
bool resp_begin_httl(struct resp_task *task);
bool resp_begin_hpttl(struct resp_task *task);
bool resp_begin_hpersist(struct resp_task *task);

#endif
