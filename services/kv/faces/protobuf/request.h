/* SPDX-License-Identifier: MIT
 *
 * Reads a CommandRequest into a kv_call: the incoming half of kv's protobuf face. */
#ifndef KV_REQUEST_H
#define KV_REQUEST_H

#include "core/base/mem.h"
#include "services/kv/command.h"
#include "services/kv/subscription.h"
#include "services/kv/watch.h"

enum kv_decoded {
    KV_DECODED,           /* it is a command; the first block of the call's fields is set */
    KV_DECODED_WATCH,     /* it is a watch; `watch` is set */
    KV_DECODED_SUBSCRIBE, /* `topic` is set, as for the next two */
    KV_DECODED_UNSUBSCRIBE,
    KV_DECODED_PUBLISH,
    KV_DECODED_NO_PAIR,    /* an hset without one; the call's command and table are set */
    KV_DECODED_NO_COMMAND, /* the request has no command */
    KV_DECODED_LOGIN,      /* a login: user and secret are set, and lie in the payload */
    KV_DECODED_UNKNOWN,   /* it seems to be a command of a later version, with the number `field` */
    KV_DECODED_MALFORMED, /* `what` says why */
    KV_DECODED_ELEMENTS,  /* the request has more elements than max_elements */
    KV_DECODED_BYTES,     /* the request needs more memory than the arena's budget */
    KV_DECODED_NO_MEMORY, /* there is no memory */
};

/* Commands with at most this many items allocate no memory for them. */
enum { KV_REQUEST_ITEMS = 4 };

/* A request that is being decoded. It lives as long as its call, which has views of it. */
struct kv_request {
    struct weft_request *request; /* set by the caller: memory comes from its arena */
    struct weft_loop *loop; /* set by the caller: a time to live is added to its weft_loop_wall */
    uint64_t max_elements;  /* set by the caller */
    struct weft_view user, secret; /* of a login */
    const char *what;              /* out, with KV_DECODED_MALFORMED: why, a static text */
    uint32_t field;                /* out, with KV_DECODED_UNKNOWN */
    struct kv_item items[KV_REQUEST_ITEMS];
    struct kv_watch_spec watch; /* out, with KV_DECODED_WATCH */
    struct kv_topic_spec topic; /* out, with the three about topics */
    struct kv_update update;    /* the update of all items, if the command is hincr or hexpire */
};

/* Reads payload, whatever order and encoding its fields have, and sets the fields of *call that kv_call_start needs,
 * except pair and done. The views of *call lie in the payload, in *self and in the request's arena. */
enum kv_decoded kv_request_decode_any(struct kv_request *self, struct weft_view payload,
                                      struct kv_call *call);

/* Reads a command that has come without a CommandRequest around it; number is that of its field there. Otherwise this does
 * what kv_request_decode_any does. */
enum kv_decoded kv_request_decode_alone(struct kv_request *self, uint32_t number,
                                        struct weft_view command, struct kv_call *call);

#endif
