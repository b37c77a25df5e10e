/* SPDX-License-Identifier: MIT
 *
 * The commands that the store answers pair by pair: whole tables, pages of them, pages of tables. */
#ifndef KV_WALK_H
#define KV_WALK_H

#include "command.h"

/* Does a command whose operation is KV_WALK or KV_TABLES. store, session and op.table are set. */
void kv__walk_start(struct kv_call *call);

#endif
