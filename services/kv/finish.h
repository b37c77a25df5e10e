/* SPDX-License-Identifier: MIT
 *
 * How a command ends, for the files that do commands. */
#ifndef KV_FINISH_H
#define KV_FINISH_H

#include "command.h"

/* Makes the reply of what became of call->op and calls done. */
void kv__call_finish(struct kv_call *call, enum kv_outcome outcome);

/* Answers a command that the store cannot do for lack of a feature, as "walks". */
void kv__call_lacks(struct kv_call *call, const char *feature);

/* Makes call->reply a status and a text that ends in the table and a key, behind `text`, as in "Not found
 * for table: ". */
void kv__reply_key(struct kv_call *call, enum kv_status status, const char *text,
                   const struct kv_item *item);

#endif
