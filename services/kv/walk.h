/* SPDX-License-Identifier: MIT
 *
 * The commands whose results come pair by pair: whole tables (hgetall), pages of a table (hscan) and pages of
 * tables. */
#ifndef KV_WALK_H
#define KV_WALK_H

#include "command.h"

/* Starts a command whose operation is KV_WALK or KV_TABLES. The caller has set call->store, call->session and
 * op.table. */
void kv__walk_start(struct kv_call *call);

#endif
