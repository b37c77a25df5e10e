/* SPDX-License-Identifier: MIT
 *
 * The face seam of kv: one message format in which its commands can be given and answered. A face is
 * one `const struct kv_face`, and a `const struct weft_service` of the functions of session.h under a
 * name of its own. faces/protobuf is the one there is.
 *
 * A face translates. It keeps no state beside the task, knows no store, never waits, and runs on the
 * task's loop. Order, memory and paging are the session's. */
#ifndef KV_FACE_H
#define KV_FACE_H

#include "core/base/body.h"
#include "core/service.h"
#include "services/kv/command.h"
#include "services/kv/pairs.h"
#include "services/kv/service.h"

/* One request being answered. A face embeds it as the first member of a task of its own, where it
 * keeps what a reply needs beyond it. */
struct kv_task {
    struct kv_call call;
    struct weft_request *request;
    struct kv_session *session; /* the connection's, private to session.c */
    struct kv_pairs pairs;      /* made by put_pair, of a reply that gives pairs */
    int pairs_error;            /* why no more pairs were taken; 0 */

    /* The rest is session.c's. */
    struct kv_task *next; /* in the queue */
    bool late;            /* lies in the request's arena, and the request is kept */
    bool submitted;       /* from the queue to the store */
};

struct kv_face {
    /* Bytes of the face's task. The session never sets what comes behind the kv_task. */
    size_t task_size;

    /* Reads task->request->payload into the first block of task->call. What that shows lies in the
     * payload, in the task or in the request's arena. Blobs of values, if the face makes any, are
     * the session's from then on.
     *
     * False: the request is no command. The face has answered it, with kv_task_refuse, and the task
     * is gone. */
    bool (*decode)(struct kv_task *task);

    /* Makes the reply a body, which shows the task and is borrowed until the task is gone. Of
     * task->call only the items are read, and only where the reply gives any. */
    const struct weft_body *(*reply)(struct kv_task *task, const struct kv_reply *reply);

    /* Returns how many bytes a pair adds to the reply of hgetall or hscan. */
    size_t (*pair_size)(struct weft_view key, struct weft_view value);
    /* Writes that many. */
    void (*put_pair)(uint8_t *dst, struct weft_view key, struct weft_view value);

    /* Writes a reply that is a status and a text of at most KV_LINE_MAX bytes, for what never became
     * a task. At most WEFT_REJECT_MAX bytes; returns how many. Allocates nothing. */
    size_t (*put_text)(uint8_t *dst, enum kv_status status, const char *text);
};

enum { KV_LINE_MAX = 256 }; /* bytes of a line of text that kv words, its NUL included */

/* Answers task with a status and a text, which are copied or written before it returns; the task is
 * gone then. `bad`: the request broke the format or a limit, which counts towards max-bad-frames. */
void kv_task_refuse(struct kv_task *task, enum kv_status status, const char *text, bool bad);

/* kv_task_refuse for want of memory. */
void kv_task_refuse_no_memory(struct kv_task *task);

/* kv_task_refuse with a reply, for texts that are made of parts. */
void kv_task_answer(struct kv_task *task, const struct kv_reply *reply, bool bad);

/* The limits of the server, and those of kv. Valid as long as the task. */
const struct weft_limits *kv_task_limits(const struct kv_task *task);
const struct weft_kv_limits *kv_task_kv_limits(const struct kv_task *task);

#endif
