/* SPDX-License-Identifier: MIT */
#include "finish.h"

void kv_reply_text(struct kv_reply *reply, enum kv_status status, const char *text)
{
    reply->status = status;
    reply->gives = KV_GIVES_NOTHING;
    reply->states = false;
    reply->text.count = 0;
    reply->cursor = weft_view(NULL, 0);
    kv_text_add_str(&reply->text, text);
}

void kv__reply_key(struct kv_call *call, enum kv_status status, const char *text,
                   const struct kv_item *item)
{
    struct kv_text *line = &call->reply.text;
    kv_reply_text(&call->reply, status, text);
    kv_text_add(line, call->table);
    kv_text_add_str(line, ", key: ");
    kv_text_add(line, item->key);
}

void kv__call_lacks(struct kv_call *call, const char *feature)
{
    struct kv_text *text = &call->reply.text;
    kv_reply_text(&call->reply, KV_NOT_IMPLEMENTED, "Store has no ");
    kv_text_add_str(text, feature);
    kv_text_add_str(text, ": no ");
    kv_text_add_str(text, call->command->name);
    call->done(call);
}

void kv__call_finish(struct kv_call *call, enum kv_outcome outcome)
{
    struct kv_reply *reply = &call->reply;
    switch (outcome) {
    case KV_DONE:
        kv__call_succeed(call);
        return;
    case KV_FAILED:
        kv_reply_text(reply, KV_STORE_FAILED, "Store failed: nothing was changed");
        break;
    case KV_UNAVAILABLE:
        kv_reply_text(reply, KV_RETRY, "Store has no memory or is away: nothing was changed");
        break;
    case KV_EXPIRED:
        kv_reply_text(reply, KV_GONE, "cursor expired: start again");
        break;
    case KV_UNKNOWN:
        kv_reply_text(reply, KV_NO_ANSWER,
                      call->command->writes
                          ? "Store did not answer: the command may have taken effect"
                          : "Store did not answer");
        break;
    case KV_FULL:
        kv_reply_text(reply, KV_STORE_FULL, "Store is full");
        break;
    case KV_UNMET: /* changes see to it themselves, so this is of a command with if_table */
        kv_reply_text(reply, KV_NOT_MET, "");
        break;
    }
    call->done(call);
}
