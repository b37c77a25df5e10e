/* SPDX-License-Identifier: MIT
 *
 * Times at which keys expire: the commands that set and tell them, and the words of options. */
#ifndef KV_RESP_EXPIRY_H
#define KV_RESP_EXPIRY_H

#include "task.h"

enum resp_unit { RESP_SECONDS, RESP_MILLISECONDS };

/* Returns the time of the calendar in milliseconds. */
int64_t resp_now(const struct resp_task *task);

/* Reads a time, which is relative to now unless `absolute`, and sets *expires as in kv_item. False: it is out of
 * range, and the reply says so in the name of the command. Only times above 0 are taken if `positive`. */
bool resp_read_expiry(struct resp_task *task, struct weft_view text, enum resp_unit unit,
                      bool absolute, bool positive, int64_t *expires);

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
