/* SPDX-License-Identifier: MIT
 *
 * The setting notify-keyspace-events, as letters. */
#ifndef KV_RESP_NOTIFY_H
#define KV_RESP_NOTIFY_H

#include "task.h"

#define RESP_NOTIFY "notify-keyspace-events"

enum { RESP_NOTIFY_MAX = 16 };

/* Writes the setting's letters to text, in the order of Redis. */
void resp_notify_get(const struct resp_task *task, char text[RESP_NOTIFY_MAX]);
/* Sets it to letters in any order, and answers the task. Returns false. */
bool resp_notify_set(struct resp_task *task, struct weft_view letters);

#endif
