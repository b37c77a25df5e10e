/* SPDX-License-Identifier: MIT
 *
 * A connection's session with the store. It decides in which order commands are submitted, collects the pages of
 * walks, and keeps replies that have to wait for room in the output. The message format is the face's (face.h).
 *
 * A face fills the slots of its struct weft_service (core/service.h) with these functions. It wraps configure, to
 * pass the face, and call, to provide a task on its stack. The structs are here so that their sizes are known; only
 * the files of session_private.h use most of their fields. A face that needs more state per configuration or per
 * connection embeds kv_session_config or kv_session as the first member of a struct of its own. */
#ifndef KV_SESSION_H
#define KV_SESSION_H

#include <stdalign.h>

#include "face.h"
#include "services/kv/service.h"
#include "store_loop.h"

struct kv_feed_loop;
struct kv_subscription;

/* A store's session of at most this many bytes needs no allocation. */
enum { KV_SESSION_INLINE = 32 };

/* With KV_STORE_OVERLAP: so many tasks of a connection are under way together at most, and not so many that their
 * replies would be expected to take more bytes than this. */
enum { KV_SESSION_TOGETHER = 64, KV_SESSION_TOGETHER_BYTES = 1024 * 1024 };

struct kv_session_config {
    const struct kv_face *face;
    struct weft_kv_context *context;
    const struct weft_limits *limits;
    char full_text[KV_LINE_MAX]; /* the text of the reply when the store is full */
    char key_text[KV_LINE_MAX];  /* the text of the reply when a key is too long */
};

/* The state of a face on one loop. */
struct kv_session_loop {
    const struct kv_face *face;
    const struct kv_store *store;
    const struct kv_session_config *config;
    struct weft_loop *loop;
    struct kv_store_loop *store_loop;
    struct kv_feed_loop *feed;
    uint32_t last_id; /* of a subscription */
};

struct kv_session {
    struct kv_session_loop *loop;
    void *store_session;
    struct kv_task *first, *last; /* the queue of tasks that are decoded and not yet submitted */
    struct kv_task *alone;        /* the task until whose end no other is submitted, or NULL */
    struct kv_subscription *subscriptions; /* those of subscription.h */
    struct kv__link flight;   /* the tasks that are under way together, with KV_STORE_OVERLAP */
    uint32_t flying;          /* the number of those */
    uint32_t reply_size;      /* bytes of the largest reply of late */
    uint32_t refused;         /* replies that wait for room; no task is submitted until it is 0 */
    uint32_t unfinished : 31; /* late tasks that are not done yet */
    uint32_t pumping : 1;     /* pump() is on the stack */
    alignas(max_align_t) uint8_t space[KV_SESSION_INLINE];
};

/* A face reads these for each request, so they cost no call. */
static inline const struct weft_kv_limits *kv_session_limits(const struct kv_session *session)
{
    return &session->loop->config->context->limits;
}

static inline struct weft_loop *kv_session_event_loop(const struct kv_session *session)
{
    return session->loop->loop;
}

/* Sets *config. context is the struct weft_kv_context with which the service was registered. Returns 0. */
WEFT_MUST_USE int kv_session_configure(struct kv_session_config *config, void *context,
                                       const struct weft_limits *limits,
                                       const struct kv_face *face);

/* These four are slots of weft_service. kv_session_loop_start and kv_session_open return 0 or -errno. */
int kv_session_loop_start(void *loop_state, const void *config, struct weft_loop *loop);
void kv_session_loop_stop(void *loop_state);

int kv_session_open(void *conn_state, void *loop_state);
void kv_session_close(void *conn_state, void *loop_state);

/* Executes a request and answers it, before it returns or later. `task` is uninitialized memory of the face's
 * task_size on the stack of the caller. It is used if the store finishes within submit: with KV_STORE_INLINE, or for
 * a read with KV_STORE_READS_INLINE. Otherwise the session allocates a task in the request's arena, and uses `task`
 * only to answer that there is no memory. */
void kv_session_call(struct kv_session *session, struct weft_request *request,
                     struct kv_task *task);

/* The slot `reject`: writes the reply to a request that the core or a layer has rejected. Returns its size. */
size_t kv_session_reject(void *loop_state, const struct weft_rejection *rejection, uint8_t *dst);

#endif
