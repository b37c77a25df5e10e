/* SPDX-License-Identifier: MIT
 *
 * A call and what it is made of. Private to this folder.
 *
 *     service.c: payload -> face.read -> method -> layers -> face.unpack -> protobuf-c's invoke
 *     call.c: weft_rpc_send, weft_rpc_end -> face.write -> weft_request_send, weft_request_end
 *     messages.c: the messages of a request that is a stream -> face.unpack -> on_message
 *     generate.c: room -> step -> weft_rpc_send; what is sent without room is held
 *     beside.c: fields and details, which face.write and face.end send */
#ifndef WEFT_RPC_PRIVATE_H
#define WEFT_RPC_PRIVATE_H

#include "core/layer.h"
#include "core/service.h"
#include "face.h"

struct weft__rpc_method {
    const ProtobufCService *service;
    unsigned index; /* in the service */
    bool streams;   /* its answers */
    bool requests;  /* its requests are streams, too */
    const ProtobufCMethodDescriptor *descriptor;
    unsigned flags;          /* of enum weft_action_flags */
    struct weft_view object; /* "package.Service" */
    size_t path_size;
    char path[]; /* "package.Service/Method" */
};

/* The context of a face's service (registry.h: weft_registry_add_service). */
struct weft__rpc_served {
    const struct weft_rpc *rpc;
    const struct weft__rpc_face *face;
};

/* One per endpoint configuration and loop. */
struct weft__rpc_loop {
    struct weft_loop *loop;
    struct weft__rpc_served served;
    struct weft_rpc_call *spare; /* calls that have ended, linked by `next` */
    size_t spare_count;
    struct weft_rpc_call *calling; /* whose function is on the stack; NULL once it has ended */
    struct weft_text text;         /* of a face that writes texts; kept from answer to answer */
};

struct weft_rpc_call {
    struct weft_rpc_call *next;
    struct weft__rpc_loop *loop;
    const struct weft__rpc_face *face;
    struct weft_request *request;
    const struct weft__rpc_method *method;
    struct weft_view target;   /* "package.Service/Method" as the client has sent it */
    struct weft_view message;  /* of the request, as it came; lies in the payload */
    struct weft_view metadata; /* the face's own; lies in the payload */
    uint64_t timeout;          /* nanoseconds; 0: none was set */
    const struct weft_rpc_events *events;
    void *data;
    int (*step)(struct weft_rpc_call *call, const ProtobufCMessage *request,
                void *state); /* of weft_rpc_generate, or NULL */
    /* Calls `step` while there is room. Returns false if the call has ended. NULL: there is none. */
    bool (*go_on)(struct weft_rpc_call *call);
    const ProtobufCMessage *input;
    bool calling; /* its function has not returned */
    bool kept;
    bool gone; /* nobody will read the answer */
    bool expired;
    bool sent;                 /* a message has left */
    bool stepped;              /* `step` has sent one */
    bool overrun;              /* a closure, which cannot say so, had no room for a message */
    bool bad;                  /* the request is malformed */
    bool full;                 /* -EAGAIN has come, and on_room has not */
    bool asked;                /* for the next message */
    bool over;                 /* on_message has said that no message follows */
    enum weft_rpc_code failed; /* a message could not be read, for what `words` say; or OK */
    bool ending;               /* the end waits for room: of `held`, or else of code and words */
    enum weft_rpc_code code;
    char words[WEFT_RPC_WORDS_MAX + 1];
    struct weft_bytes held;
    bool ahead;                      /* `held` is a message before the end, from `step` */
    struct weft__rpc_beside *beside; /* NULL: nothing */
    int64_t deadline;
    struct weft_timer timer;
    struct weft_timer ask; /* gives what was asked for, to a request without a stream */
};

/* Returns the method of a target, with or without a slash at its beginning, or NULL. */
const struct weft__rpc_method *weft__rpc_find(const struct weft_rpc *rpc, struct weft_view target);

/* messages.c */
/* Makes the messages of the request come one by one. */
void weft__rpc_messages_begin(struct weft_rpc_call *call);
/* Gives the message of a request without a stream, once its function has returned. False: the call has ended. */
bool weft__rpc_messages_only(struct weft_rpc_call *call);

/* The rest is call.c's. Returns a call of the request, or NULL: no memory. */
WEFT_MUST_USE struct weft_rpc_call *weft__rpc_call_new(struct weft__rpc_loop *loop,
                                                       struct weft_request *request);
/* Frees those that are spare. */
void weft__rpc_call_free_spare(struct weft__rpc_loop *loop);
/* Gives a call back whose request has ended. */
void weft__rpc_call_drop(struct weft_rpc_call *call);
/* The write of weft__rpc_last. */
void weft__rpc_put_pieces(const struct weft_body *body, uint8_t *dst);
/* The closure of all functions. */
void weft__rpc_closure(const ProtobufCMessage *message, void *call);
/* Tells the call, unless it is about to end, that its answer is not wanted. */
void weft__rpc_cancel(struct weft_rpc_call *call, enum weft_rpc_code code);
/* Makes the call hear of its request. */
void weft__rpc_call_begin(struct weft_rpc_call *call);
/* Arms the timer of call->timeout, if it has one. */
void weft__rpc_call_set_deadline(struct weft_rpc_call *call);
/* Ends the call as call->code and call->words say. */
void weft__rpc_end_with_words(struct weft_rpc_call *call);
/* Sets call->words, cut. */
void weft__rpc_set_words(struct weft_rpc_call *call, const char *words);

#endif
