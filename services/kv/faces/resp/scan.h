/* SPDX-License-Identifier: MIT
 *
 * The commands that iterate over a hash or over all names, page by page. A cursor of Redis is a number of 64 bits. If
 * the cursors of the store are longer (it has no KV_STORE_CURSOR64), everything is shown in one page. Clients can
 * handle that, because Redis does so with small collections. */
#ifndef KV_RESP_SCAN_H
#define KV_RESP_SCAN_H

#include "task.h"

/* Each begins the command of its name; struct resp_command (command.h) has the contract of `begin`. */
bool resp_begin_hscan(struct resp_task *task);
bool resp_begin_scan(struct resp_task *task);

#endif
