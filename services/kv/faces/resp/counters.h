/* SPDX-License-Identifier: MIT
 *
 * The commands that change a value by what it was: numbers, and texts that grow. */
#ifndef KV_RESP_COUNTERS_H
#define KV_RESP_COUNTERS_H

#include "task.h"

bool resp_begin_append(struct resp_task *task);
bool resp_begin_incr(struct resp_task *task);
bool resp_begin_decr(struct resp_task *task);
bool resp_begin_incrby(struct resp_task *task);
bool resp_begin_decrby(struct resp_task *task);
bool resp_begin_incrbyfloat(struct resp_task *task);
bool resp_begin_hincrby(struct resp_task *task);
bool resp_begin_hincrbyfloat(struct resp_task *task);

#endif
