/* SPDX-License-Identifier: MIT
 *
 * The face seam of kv: a face is one message format in which commands are given and answered. It
 * consists of a `const struct kv_face`, which translates, and a `const struct weft_service`, whose
 * slots are the functions of session.h and whose name is the face's own. faces/protobuf is the only
 * one so far.
 *
 * A face has no state except the task, knows no store, never waits, and runs on the task's loop. The
 * session takes care of order, memory and paging. */
#ifndef KV_FACE_H
#define KV_FACE_H

#include "core/base/body.h"
#include "core/layer.h"
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
    struct kv_pairs pairs;      /* the reply's pairs, as put_pair wrote them */
    int pairs_error;            /* 0, or why a pair could not be taken: -ENOMEM, WEFT_ETOOBIG */

    /* The rest is session.c's. */
    bool (*step)(struct kv_task *task); /* set if `in_steps` */
    struct kv_task_run *run; /* set if `in_steps`: the run of steps on the stack, or NULL */
    struct kv_task *next;    /* in the queue */
    bool late;               /* it lies in the request's arena, and the request is kept */
    bool submitted;          /* it has left the queue for the store */
    bool looking;            /* read by decode: see there */
    bool in_steps;           /* set in late tasks alone: it has several store operations */
};

struct kv_face {
    /* The size of the face's task. The session sets nothing behind the kv_task. */
    size_t task_size;

    /* Reads task->request->payload and sets the fields of task->call that kv_call_start wants, except
     * pair and done. Their views lie in the payload, in the task or in the request's arena. If the
     * face makes blobs for values, the session drops them. If task->looking is true, the session may only
     * want to know whether the command writes, and then decodes a command that does once more; so the face
     * makes no blobs.
     *
     * Returns false if the request is no command that can be done. The face has then answered it with
     * one of the functions below, has dropped its blobs, and must not touch the task again. */
    bool (*decode)(struct kv_task *task);

    /* Returns the reply as a body, which lives as long as the task and may refer to it. The face reads
     * no field of task->call but command, items and count, and those only if reply->gives or
     * reply->states asks for items. */
    const struct weft_body *(*reply)(struct kv_task *task, const struct kv_reply *reply);

    /* Returns how many bytes a pair adds to the reply of hgetall or hscan, or a table to that of tables: the
     * call says which, and what of it the reply shall have. 0: the pair is left out. */
    size_t (*pair_size)(const struct kv_task *task, const struct kv_pair *pair);
    /* Writes that pair, in exactly pair_size bytes. Between the two no time passes on the loop. */
    void (*put_pair)(const struct kv_task *task, uint8_t *dst, const struct kv_pair *pair);

    /* Says what the layers of an endpoint are asked about a task that decode returned true for. NULL:
     * the command's name and table. */
    void (*action)(const struct kv_task *task, struct weft_action *action);

    /* Writes a reply that is only a status and a text of at most KV_LINE_MAX bytes, for use without a
     * task. Returns the number of bytes written, at most WEFT_REJECT_MAX. It allocates nothing. */
    size_t (*put_text)(uint8_t *dst, enum kv_status status, const char *text);
};

enum { KV_LINE_MAX = 256 }; /* bytes of a line of text that kv words, its NUL included */

/* Answers and ends task with a status and a text. The text is no longer used when it returns, and
 * neither may the task be. `bad`: the request broke the format or a limit, which counts towards
 * max-bad-frames. */
void kv_task_refuse(struct kv_task *task, enum kv_status status, const char *text, bool bad);

/* Calls kv_task_refuse with the status and the text for lack of memory. */
void kv_task_refuse_no_memory(struct kv_task *task);

/* Answers and ends task with a whole reply. A refusal uses it if its text has several parts. */
void kv_task_answer(struct kv_task *task, const struct kv_reply *reply, bool bad);

/* Makes task one of several store operations. decode calls it before it returns true, with task->call set
 * up for the first of them. After each operation step is called, with task->call.reply made. It returns
 * true if it has set task->call up for a further operation, as decode does. Otherwise the task is
 * answered with task->call.reply, which step may have changed.
 *
 * Other clients may act between two operations, but no other task of the connection does. Blobs that the
 * face has made for values must be those of the last operation. */
void kv_task_in_steps(struct kv_task *task, bool (*step)(struct kv_task *task));

/* Asks the layers of the endpoint. A face calls it for what it does beside task->call, such as a command
 * that it answers itself. False: a layer has said no. The task is then answered, and the face must have
 * dropped its blobs before. From within decode only. */
WEFT_MUST_USE bool kv_task_ask(struct kv_task *task, const struct weft_action *action);

/* Returns the configuration of the session. A face that embeds it as the first member of its own casts it
 * back. */
const struct kv_session_config *kv_task_config(const struct kv_task *task);

/* Return the limits of the server and those of kv. They are valid as long as the task. */
const struct weft_limits *kv_task_limits(const struct kv_task *task);
const struct weft_kv_limits *kv_task_kv_limits(const struct kv_task *task);

/* Returns the loop on which task is done, for its calendar: weft_loop_wall. */
struct weft_loop *kv_task_loop(const struct kv_task *task);

#endif
