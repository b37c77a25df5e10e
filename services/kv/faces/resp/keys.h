/* SPDX-License-Identifier: MIT
 *
 * The commands on names, which see strings and hashes alike. */
#ifndef KV_RESP_KEYS_H
#define KV_RESP_KEYS_H

#include "task.h"

bool resp_begin_del(struct resp_task *task);
bool resp_begin_exists(struct resp_task *task);
bool resp_begin_type(struct resp_task *task);
bool resp_begin_keys(struct resp_task *task);
bool resp_begin_dbsize(struct resp_task *task);
bool resp_begin_flush(struct resp_task *task);

/* Begins to count the strings and the hashes, which needs a store that knows its tables. tell is called with
 * the number in task->integer, and makes the reply as a step does. */
bool resp_begin_counting(struct resp_task *task, bool (*tell)(struct resp_task *task));

#endif
