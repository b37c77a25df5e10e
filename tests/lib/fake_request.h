/* SPDX-License-Identifier: MIT
 *
 * Requests without a connection: the weft_request_ functions of core/service.h over plain memory,
 * to be linked in the place of core/conn/request.c. A service is driven as the core does it, but meaner:
 * the payload is a heap copy of exactly its size that is gone when call() returns (unless kept),
 * every body is written twice and compared, and whoever breaks the contract aborts the program. Its
 * own memory comes from the C library, never from weft_malloc, but for the request's arena. */
#ifndef TEST_FAKE_REQUEST_H
#define TEST_FAKE_REQUEST_H

#include "core/connections.h"
#include "core/layer.h"

enum { FAKE_REQUEST_FIELD = 1024 };

struct fake_request {
    struct weft_request request; /* first */
    struct weft_arena arena, scratch;
    void *payload; /* what request.payload shows */
    uint64_t connection;
    struct weft_peer peer;

    /* To be set before the call. */
    bool denied;        /* weft_request_ask says no, if request.layers is set */
    bool cannot_detach; /* max-detached is reached */
    bool no_place;      /* the protocol has no place for a detached request */
    unsigned refuse;    /* so many sends and ends are answered -EAGAIN */
    bool gone; /* the connection is: sends are answered -ECANCELED, ends taken and dropped */
    bool keep_fails;
    const struct weft_connection *rows; /* what a walk visits; NULL: one row, with its number */
    size_t row_count;
    int64_t deadline;   /* what weft_request_deadline returns; 0: there is none */
    const char *secret; /* it proves that the peer is any user; NULL: no layer can say */

    /* Results. */
    bool next; /* weft_request_next was called, and no message has come since */
    bool called, kept, ended, bad, detached, endless;
    bool refused;              /* it was ended with words for a rejection */
    struct weft_rejection why; /* which */
    uint64_t ends[8];          /* the connections that visits have ended, in their order */
    size_t end_count;
    struct weft_walk *walk; /* the walk that is under way; it is made once call() has returned */
    const char *asked;      /* the name of the action asked about last; NULL: none */
    bool owes_drain;        /* it was refused and not yet told to try again */
    bool as_blob;           /* the last body was a blob */
    bool lasting;           /* and one that may well be sent again */
    const struct weft_blob *of_blob; /* it was a body of two parts, of this blob; not a reference */
    struct weft_bytes *replies;      /* one a send, and the end's where it had a body */
    size_t reply_count;
    uint32_t code; /* of weft_request_trailer */
    char words[FAKE_REQUEST_FIELD], header[FAKE_REQUEST_FIELD], trailer[FAKE_REQUEST_FIELD];
};

/* payload is copied; decode_bytes is the arena's budget. */
void fake_request_init(struct fake_request *self, struct weft_view payload, size_t decode_bytes);

/* Aborts if it was called and has not ended. */
void fake_request_fini(struct fake_request *self);

/* Hands it to call(). Within a turn of the loop. */
void fake_request_call(struct fake_request *self, const struct weft_service *service,
                       void *loop_state, void *conn_state);

/* Hands the next message of a request with many to on_message, in a heap copy that is gone afterwards; NULL: the peer has
 * sent its last. Aborts if the service has not asked for it, as all but the first have to be. */
void fake_request_message(struct fake_request *self, const struct weft_view *message);

/* Calls on_room, as often as it is owed. */
void fake_request_drain(struct fake_request *self);

/* The last reply; empty where there is none. Valid until the next one. */
struct weft_view fake_request_reply(const struct fake_request *self);

#endif
