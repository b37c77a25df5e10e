/* SPDX-License-Identifier: MIT
 *
 * The commands about a connection, which the face answers itself. */
#ifndef KV_RESP_CONNECTION_H
#define KV_RESP_CONNECTION_H

#include "task.h"

/* Each begins the command of its name; struct resp_command (command.h) has the contract of `begin`. */
bool resp_begin_ping(struct resp_task *task);
bool resp_begin_echo(struct resp_task *task);
bool resp_begin_hello(struct resp_task *task);
bool resp_begin_auth(struct resp_task *task);
bool resp_begin_select(struct resp_task *task);
bool resp_begin_client(struct resp_task *task);
bool resp_begin_quit(struct resp_task *task);
bool resp_begin_reset(struct resp_task *task);

#endif
