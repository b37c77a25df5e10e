/* SPDX-License-Identifier: MIT
 *
 * A connection's session with the store: the order in which its commands are submitted, the pages of its
 * walks, and replies that have to wait for room. It speaks no message format; a face does.
 *
 * A face fills the slots of its struct weft_service with these functions. It wraps configure, to add
 * the face, and call, to add a task on its stack. The structs are here for their sizes; only session.c
 * uses their fields. A face that knows more of a configuration or a connection embeds kv_session_config or
 * kv_session as the first member of a struct of its own. */
#ifndef KV_SESSION_H
#define KV_SESSION_H

#include <stdalign.h>

#include "face.h"
#include "services/kv/service.h"
#include "store_loop.h"

enum { KV_SESSION_INLINE = 32 }; /* a store's session of up to this size costs no allocation */

struct kv_session_config {
    const struct kv_face *face;
    struct weft_kv_context *context;
    const struct weft_limits *limits;
    char full_text[KV_LINE_MAX]; /* what a full store's refusal says */
    char key_text[KV_LINE_MAX];  /* what the refusal of a long key says */
};

struct kv_session_loop {
    const struct kv_face *face;
    const struct kv_store *store;
    const struct kv_session_config *config;
    struct weft_loop *loop;
    struct kv_store_loop *store_loop;
};

struct kv_session {
    struct kv_session_loop *loop;
    void *store_session;
    struct kv_task *first, *last; /* the queue: decoded, not yet submitted */
    struct kv_task *alone;        /* a task during which nothing else may be submitted, or NULL */
    uint32_t
        refused; /* replies of submitted commands that wait for room; until 0, none is submitted */
    uint32_t unfinished : 31; /* late tasks that the store has not done */
    uint32_t pumping : 1;     /* pump() is on the stack */
    alignas(max_align_t) uint8_t space[KV_SESSION_INLINE];
};

/* context is the struct weft_kv_context that the service was registered with. */
WEFT_MUST_USE int kv_session_configure(struct kv_session_config *config, void *context,
                                       const struct weft_limits *limits,
                                       const struct kv_face *face);

int kv_session_loop_start(void *loop_state, const void *config, struct weft_loop *loop);
void kv_session_loop_stop(void *loop_state);

int kv_session_open(void *conn_state, void *loop_state);
void kv_session_close(void *conn_state, void *loop_state);

/* Does a request. `task` has the face's task_size and lies on the face's stack. An INLINE store's command
 * uses it; for any other store the session allocates a task in the request's arena, and uses this one
 * only to answer that there is no memory. */
void kv_session_call(struct kv_session *session, struct weft_request *request,
                     struct kv_task *task);

size_t kv_session_reject(void *loop_state, const struct weft_rejection *rejection, uint8_t *dst);

#endif
