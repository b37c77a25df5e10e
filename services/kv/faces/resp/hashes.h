/* SPDX-License-Identifier: MIT
 *
 * The commands on hashes, which are tables. */
#ifndef KV_RESP_HASHES_H
#define KV_RESP_HASHES_H

#include "task.h"

/* Each begins the command of its name; struct resp_command (command.h) has the contract of `begin`. */
bool resp_begin_hget(struct resp_task *task);
bool resp_begin_hmget(struct resp_task *task);
bool resp_begin_hexists(struct resp_task *task);
bool resp_begin_hstrlen(struct resp_task *task);
bool resp_begin_hlen(struct resp_task *task);
bool resp_begin_hkeys(struct resp_task *task);
bool resp_begin_hvals(struct resp_task *task);
bool resp_begin_hgetall(struct resp_task *task);

bool resp_begin_hset(struct resp_task *task);
bool resp_begin_hmset(struct resp_task *task);
bool resp_begin_hsetnx(struct resp_task *task);
bool resp_begin_hdel(struct resp_task *task);

#endif
