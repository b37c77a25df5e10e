/* SPDX-License-Identifier: MIT
 *
 * Ends a command: sets its reply and calls done. For the files that execute commands. */
#ifndef KV_FINISH_H
#define KV_FINISH_H

#include "command.h"

/* Sets the reply of an operation that ended with KV_DONE, and calls done. It is inline because nearly every request
 * ends here. */
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

/* Sets the reply for this outcome of call->op, and calls done. */
void kv__call_finish(struct kv_call *call, enum kv_outcome outcome);

/* Sets a reply that says that the store lacks a feature, such as "walks", and calls done. */
void kv__call_lacks(struct kv_call *call, const char *feature);

/* Sets call->reply to a status and a text: `text`, which is static and ends in "for table: ", then the table and the
 * item's key. Does not call done. */
void kv__reply_key(struct kv_call *call, enum kv_status status, const char *text,
                   const struct kv_item *item);

#endif
