/* SPDX-License-Identifier: MIT
 *
 * The commands on names, which may be strings or hashes. */
#ifndef KV_RESP_KEYS_H
#define KV_RESP_KEYS_H

#include "task.h"

/* Each begins the command of its name; struct resp_command (command.h) has the contract of `begin`. */
bool resp_begin_del(struct resp_task *task);
bool resp_begin_exists(struct resp_task *task);
bool resp_begin_type(struct resp_task *task);
bool resp_begin_keys(struct resp_task *task);
bool resp_begin_dbsize(struct resp_task *task);
bool resp_begin_flush(struct resp_task *task);

/* Begins to count the strings and the hashes. The store must have KV_STORE_TABLES. tell is called at the end, with the
 * number in task->integer; it makes the reply and returns false, or sets up another operation and returns true. */
bool resp_begin_counting(struct resp_task *task, bool (*tell)(struct resp_task *task));

#endif
