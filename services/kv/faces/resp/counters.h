/* SPDX-License-Identifier: MIT
 *
 * The commands whose result depends on the present value: they add to a number or append to a text. */
#ifndef KV_RESP_COUNTERS_H
#define KV_RESP_COUNTERS_H

#include "task.h"

/* Each begins the command of its name; struct resp_command (command.h) has the contract of `begin`. */
bool resp_begin_append(struct resp_task *task);
bool resp_begin_incr(struct resp_task *task);
bool resp_begin_decr(struct resp_task *task);
bool resp_begin_incrby(struct resp_task *task);
bool resp_begin_decrby(struct resp_task *task);
bool resp_begin_incrbyfloat(struct resp_task *task);
bool resp_begin_hincrby(struct resp_task *task);
bool resp_begin_hincrbyfloat(struct resp_task *task);

#endif
