/* SPDX-License-Identifier: MIT
 *
 * Commands and the replies of errors, as text. */
#ifndef KV_REDIS_COMMAND_H
#define KV_REDIS_COMMAND_H

#include <hiredis/hiredis.h>

#include "core/base/chain.h"

/* Appends a command to a chain, as an array of bulk strings: hiredis would format it into a block of its own
 * first. Returns 0, or -ENOMEM with the chain as it was. */
WEFT_MUST_USE int kv_redis_format(struct weft_chain *chain, const struct weft_view *args,
                                  size_t count);

enum redis_advice {
    REDIS_ADVICE_NONE,  /* an answer like any other */
    REDIS_ADVICE_MOVED, /* the slot is another node's, for good */
    REDIS_ADVICE_ASK,   /* the key is at another node, for this once */
    REDIS_ADVICE_AGAIN, /* later, and nothing took effect */
    REDIS_ADVICE_SLOTS, /* later, by a new map of the slots; nothing took effect */
};

enum { REDIS_HOST_MAX = 256 };

/* An error reply may ask its reader to do something, and say where. */
struct redis_redirect {
    enum redis_advice advice;
    unsigned slot;             /* of MOVED and ASK, as the next two */
    char host[REDIS_HOST_MAX]; /* "": that of the node which said so */
    uint16_t port;
};

/* Reads the text of an error reply. What cannot be read is REDIS_ADVICE_NONE, and a MOVED or ASK to a host that has no
 * name is REDIS_ADVICE_SLOTS. */
void kv_redis_read_error(struct redis_redirect *redirect, const redisReply *reply);

#endif
