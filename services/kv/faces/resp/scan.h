/* SPDX-License-Identifier: MIT
 *
 * The commands that go through a hash or all names by pages. A cursor of Redis is a decimal number of 64 bits, so a
 * store whose cursors are longer (no KV_STORE_CURSOR64) shows everything in one page, which Redis does too where
 * there is little. */
#ifndef KV_RESP_SCAN_H
#define KV_RESP_SCAN_H

#include "task.h"

bool resp_begin_hscan(struct resp_task *task);
bool resp_begin_scan(struct resp_task *task);

#endif
