/* SPDX-License-Identifier: MIT
 *
 * CLIENT INFO, LIST and KILL: what a client may know of the connections of the server, and how it ends them. */
#ifndef KV_RESP_CLIENTS_H
#define KV_RESP_CLIENTS_H

#include "task.h"

/* Each begins the command of its name, whose arguments include CLIENT and its own name; struct resp_command (command.h)
 * has the contract of `begin`. */
bool resp_begin_client_info(struct resp_task *task);
bool resp_begin_client_list(struct resp_task *task);
bool resp_begin_client_kill(struct resp_task *task);

#endif
