/* SPDX-License-Identifier: MIT
 *
 * The commands about the server. */
#ifndef KV_RESP_SERVER_H
#define KV_RESP_SERVER_H

#include "task.h"

/* The version of Redis that the server reports, for clients that choose commands by it. */
#define RESP_REDIS_VERSION "7.0.15"

/* Each begins the command of its name; struct resp_command (command.h) has the contract of `begin`. */
bool resp_begin_command(struct resp_task *task);
bool resp_begin_config(struct resp_task *task);
bool resp_begin_info(struct resp_task *task);
bool resp_begin_time(struct resp_task *task);

#endif
