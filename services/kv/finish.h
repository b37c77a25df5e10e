/* SPDX-License-Identifier: MIT
 *
 * How a command ends, for the files that do commands. */
#ifndef KV_FINISH_H
#define KV_FINISH_H

#include "command.h"

/* Makes the reply of an operation that was done, and calls done. It is inline because nearly every request
 * comes this way. */
static inline void kv__call_succeed(struct kv_call *call)
{
    struct kv_reply *reply = &call->reply;
    reply->status = KV_OK;
    reply->states = false;
    reply->text.count = 0;
    reply->cursor = weft_view(NULL, 0);
    call->command->answer(call);
    call->done(call);
}

/* Makes the reply of what became of call->op and calls done. */
void kv__call_finish(struct kv_call *call, enum kv_outcome outcome);

/* Answers a command that the store cannot do for lack of a feature, as "walks". */
void kv__call_lacks(struct kv_call *call, const char *feature);

/* Makes call->reply a status and a text that ends in the table and a key, behind `text`, as in "Not found
 * for table: ". */
void kv__reply_key(struct kv_call *call, enum kv_status status, const char *text,
                   const struct kv_item *item);

#endif
