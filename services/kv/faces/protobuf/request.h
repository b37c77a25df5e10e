/* SPDX-License-Identifier: MIT
 *
 * CommandRequest -> kv_call: the incoming half of kv's protobuf face. */
#ifndef KV_REQUEST_H
#define KV_REQUEST_H

#include "core/base/mem.h"
#include "services/kv/command.h"

enum kv_decoded {
    KV_DECODED,            /* the call's first block of fields is set */
    KV_DECODED_NO_PAIR,    /* an hset without one; the call's command and table are set */
    KV_DECODED_NO_COMMAND, /* the request has none */
    KV_DECODED_UNKNOWN,    /* it seems to have one that is not known: see field */
    KV_DECODED_MALFORMED,  /* see what */
    KV_DECODED_ELEMENTS,   /* more than max_elements */
    KV_DECODED_BYTES,      /* more than the arena's budget */
    KV_DECODED_NO_MEMORY,
};

enum { KV_REQUEST_ITEMS = 4 }; /* commands up to this size need no memory but what is here */

struct kv_request {
    struct weft_request *request; /* set by the caller: whose arena is used, if any */
    uint64_t max_elements;        /* set by the caller */
    const char *what;             /* static */
    uint32_t field;
    struct kv_item items[KV_REQUEST_ITEMS];
};

/* Reads payload; the call shows what lies in the payload, in *self and in the request's arena. */
enum kv_decoded kv_request_decode(struct kv_request *self, struct weft_view payload,
                                  struct kv_call *call);

/* The same for a request of any shape: kv_request_decode without its short way through the usual
 * ones. The tests hold the two ways against each other. */
enum kv_decoded kv_request_decode_any(struct kv_request *self, struct weft_view payload,
                                      struct kv_call *call);

#endif
