/* SPDX-License-Identifier: MIT
 *
 * The commands that change keys on conditions or by what they have: all items or none. */
#ifndef KV_CHANGES_H
#define KV_CHANGES_H

#include "command.h"

/* Does a command that takes changes. store, session, op.table, op.items and op.count are set, and op.done
 * is the caller's. */
void kv__changes_start(struct kv_call *call);

/* Makes the reply of an addition that was done: the sum. */
void kv__changes_answer_sum(struct kv_call *call);

#endif
