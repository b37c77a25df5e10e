/* SPDX-License-Identifier: MIT
 *
 * The commands that take changes (KV_TAKES_CHANGES): they change keys under conditions, or depending on the values
 * that the keys have. Unless the command is `apart`, either all items are changed or none. */
#ifndef KV_CHANGES_H
#define KV_CHANGES_H

#include "command.h"

/* Starts a command that takes changes. The caller has set call->store, call->session and op.table, op.items,
 * op.count and op.done. */
void kv__changes_start(struct kv_call *call);

/* Sets call->reply to the sum of an hincr that is done. */
void kv__changes_answer_sum(struct kv_call *call);

#endif
