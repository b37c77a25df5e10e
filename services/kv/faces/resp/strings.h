/* SPDX-License-Identifier: MIT
 *
 * The commands on strings, which are the keys of the default table. */
#ifndef KV_RESP_STRINGS_H
#define KV_RESP_STRINGS_H

#include "task.h"

/* Each begins the command of its name; struct resp_command (command.h) has the contract of `begin`. */
bool resp_begin_get(struct resp_task *task);
bool resp_begin_getdel(struct resp_task *task);
bool resp_begin_getrange(struct resp_task *task);
bool resp_begin_mget(struct resp_task *task);
bool resp_begin_strlen(struct resp_task *task);

bool resp_begin_set(struct resp_task *task);
bool resp_begin_setnx(struct resp_task *task);
bool resp_begin_setex(struct resp_task *task);
bool resp_begin_psetex(struct resp_task *task);
bool resp_begin_getset(struct resp_task *task);
bool resp_begin_getex(struct resp_task *task);
bool resp_begin_mset(struct resp_task *task);
bool resp_begin_msetnx(struct resp_task *task);

#endif
