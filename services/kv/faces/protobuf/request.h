/* SPDX-License-Identifier: MIT
 *
 * Reads a CommandRequest into a kv_call: the incoming half of kv's protobuf face. */
#ifndef KV_REQUEST_H
#define KV_REQUEST_H

#include "core/base/mem.h"
#include "services/kv/command.h"

enum kv_decoded {
    KV_DECODED,            /* it is a command; the first block of the call's fields is set */
    KV_DECODED_NO_PAIR,    /* an hset without one; the call's command and table are set */
    KV_DECODED_NO_COMMAND, /* the request has no command */
    KV_DECODED_UNKNOWN,    /* it seems to be a command of a later version; `field` is its number */
    KV_DECODED_MALFORMED,  /* `what` says why */
    KV_DECODED_ELEMENTS,   /* it has more than max_elements */
    KV_DECODED_BYTES,      /* it takes more memory than the arena's budget */
    KV_DECODED_NO_MEMORY,
};

enum { KV_REQUEST_ITEMS = 4 }; /* commands of up to this many items allocate nothing for them */

struct kv_request {
    struct weft_request *request; /* set by the caller: memory comes from its arena */
    struct weft_loop *loop;       /* set by the caller, whose calendar a time to live is added to */
    uint64_t max_elements;        /* set by the caller */
    const char *what;             /* out, static text: see KV_DECODED_MALFORMED */
    uint32_t field;               /* out: see KV_DECODED_UNKNOWN */
    struct kv_item items[KV_REQUEST_ITEMS];
    struct kv_update update; /* of all items, if the command is hincr or hexpire */
};

/* Reads payload, of any shape. The call's views lie in the payload, in *self and in the request's
 * arena. */
enum kv_decoded kv_request_decode_any(struct kv_request *self, struct weft_view payload,
                                      struct kv_call *call);

#endif
