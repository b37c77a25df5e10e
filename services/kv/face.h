/* SPDX-License-Identifier: MIT
 *
 * The face seam of kv: a face is one message format in which commands are given and answered. It consists of a
 * `const struct kv_face`, which translates, and a `const struct weft_service`, whose slots are the functions of
 * session.h or wrap them. There are four: faces/protobuf, faces/line, faces/http and faces/resp.
 *
 * A face keeps what it needs for a request in the task. It knows no store, never waits, and runs on the task's
 * loop. The session (session.h), of which each connection has one, takes care of order, memory and paging. */
#ifndef KV_FACE_H
#define KV_FACE_H

#include "core/base/body.h"
#include "core/layer.h"
#include "core/service.h"
#include "services/kv/command.h"
#include "services/kv/mark.h"
#include "services/kv/pairs.h"
#include "services/kv/service.h"

/* One request that is being answered. A face embeds it as the first member of a task of its own, which also holds
 * what the face needs for the reply. A task is either late, which means that it is queued and outlives the service's
 * call, or it lies on the stack of that call and is answered before the call returns. */
struct kv_task {
    struct kv_call call;
    struct weft_request *request;
    struct kv_session *session; /* the connection's; a face that has embedded it may cast it back */
    struct kv_pairs pairs;      /* the reply's pairs, as put_pair wrote them */
    int pairs_error;            /* 0, or why a pair could not be taken: -ENOMEM, WEFT_ETOOBIG */

    /* The rest is session.c's. */
    bool (*step)(struct kv_task *task); /* set if `in_steps` */
    /* Set if `in_steps`: the loop over steps that is on the stack, or NULL. */
    struct kv_task_run *run;
    struct kv_task *next; /* in the queue */
    bool late;            /* the task lies in the request's arena, and the request is kept */
    bool submitted;       /* the task has left the queue for the store */
    bool looking; /* decode runs only to learn if the command is a read that is answered at once */
    bool known;   /* the layers have said later who the peer is: `login` is set */
    int login;
    bool writes;        /* set when it leaves the queue: the command may change the store */
    uint8_t mark_count; /* 0: it may use anything */
    struct kv_mark marks[KV_TASK_MARKS];
    struct kv__link flight; /* among those that are under way together, if it flies */
    bool flies;
    bool in_steps; /* the task has several store operations; undefined before decode unless late */
};

struct kv_face {
    /* The size of the face's task in bytes. What lies behind the kv_task is undefined when decode is called. */
    size_t task_size;

    /* Reads task->request->payload and sets the fields of task->call that kv_call_start needs (command.h), except
     * pair and done. The views that it sets lie in the payload, in the task or in the request's arena. If the face
     * makes blobs for values, the session drops these references. While task->looking is true, the session only
     * tries whether the command is a read. If it writes, the session forgets this task and decodes the request
     * again into a late one, so decode makes no blobs while it is looking.
     *
     * Returns false if the request is not a command that can be executed. The face has then answered it with one
     * of the functions below, has dropped its blobs, and must not touch the task again. */
    bool (*decode)(struct kv_task *task);

    /* Returns the reply as a body, which lives as long as the task and may refer to it. The face reads
     * no field of task->call but command, items and count, and those only if reply->gives or
     * reply->states asks for items. */
    const struct weft_body *(*reply)(struct kv_task *task, const struct kv_reply *reply);

    /* Returns the number of bytes that a pair, or a table with `tables`, adds to the reply. task->call says which
     * command it is and what of the pair the reply has. 0: the pair is left out. */
    size_t (*pair_size)(const struct kv_task *task, const struct kv_pair *pair);
    /* Writes that pair to dst, in exactly pair_size bytes. It follows pair_size directly, so weft_loop_wall returns
     * the same time to both. */
    void (*put_pair)(const struct kv_task *task, uint8_t *dst, const struct kv_pair *pair);

    /* Changes *action, which the layers of the endpoint are asked to allow before the task runs. It comes set to
     * the command's name, its table and whether it writes. May be NULL: the action stays so. */
    void (*action)(const struct kv_task *task, struct weft_action *action);

    /* Writes a reply that consists of a status and a text of less than KV_LINE_MAX bytes. It needs no task and
     * allocates nothing, so it works when memory is short. Returns the bytes written, at most WEFT_REJECT_MAX. */
    size_t (*put_text)(uint8_t *dst, enum kv_status status, const char *text);
};

/* The size of a buffer for a line of text, its NUL included. */
enum { KV_LINE_MAX = 256 };

/* Answers the request with a status and a text, and ends task. After it returns the text is no longer used, and the
 * task must not be touched. bad: the request broke the format or a limit, which counts towards max-bad-frames. */
void kv_task_refuse(struct kv_task *task, enum kv_status status, const char *text, bool bad);

/* Calls kv_task_refuse with KV_RETRY and a text about lack of memory. */
void kv_task_refuse_no_memory(struct kv_task *task);

/* Does what kv_task_refuse does with a reply that the caller has made, such as one whose text has several parts. */
void kv_task_answer(struct kv_task *task, const struct kv_reply *reply, bool bad);

/* Called within decode for a command that the face answers by itself and later, without the store. Returns a task to
 * answer then, whose kv_task, unlike the rest of it, is set; decode returns false and does not touch `task` again. The
 * new one lies in the request's arena, and the request is kept, so views into its payload that were made before are no
 * longer valid. NULL: there is no memory, and `task` has been answered. */
WEFT_MUST_USE struct kv_task *kv_task_postpone(struct kv_task *task);

/* Answers the request with bytes that the face or the session has made, and ends task. bytes is borrowed until this
 * returns. */
void kv_task_answer_bytes(struct kv_task *task, struct weft_view bytes);

/* Makes task one that executes several store operations in turn. decode calls it before it returns true, with
 * task->call set up for the first operation. `step` is called after each operation, when task->call.reply is set. It
 * returns true if it has set task->call up for another operation. Otherwise the task is answered with
 * task->call.reply, which step may have changed.
 *
 * Other connections may change the store between two operations; no other task of this connection is submitted
 * meanwhile. The session drops the blobs of the last operation's values only, so the earlier ones must have none. */
void kv_task_in_steps(struct kv_task *task, bool (*step)(struct kv_task *task));

/* Asks the layers of the endpoint whether *action is allowed. The session does so for task->call; a face calls this
 * for what it does besides, such as a command that it answers itself. It may be called from within decode only, and
 * the face must have dropped its blobs. False: a layer has refused, and the task has been answered. */
WEFT_MUST_USE bool kv_task_ask(struct kv_task *task, const struct weft_action *action);

/* Asks the layers whether a subscription may go on. Returns 0, or the status with which it ends
 * and its words in *why, as static text. */
WEFT_MUST_USE int kv_may_go_on(struct weft_request *request, const struct weft_action *action,
                               const char **why);

/* Asks the layers if `secret` proves that the peer is `user`, and wipes the secret, which has to lie in the
 * payload or in the request's arena. Called from within decode alone. Returns what weft_request_authenticate does.
 * -EINPROGRESS: decode returns false without an answer, and is called again for the request, in a late task, once the
 * layers can say; this function then returns what they said. */
WEFT_MUST_USE int kv_task_login(struct kv_task *task, struct weft_view user,
                                struct weft_view secret);

/* Does the whole of a command that is a login: asks the layers whether it may, calls kv_task_login, and answers.
 * decode then returns false. */
void kv_task_log_in(struct kv_task *task, struct weft_view user, struct weft_view secret);

/* Returns the configuration of the session. A face that embeds it as the first member of a struct of its own may
 * cast it back. */
const struct kv_session_config *kv_task_config(const struct kv_task *task);

/* These return the limits of the server and those of kv. They are valid as long as the task. */
const struct weft_limits *kv_task_limits(const struct kv_task *task);
const struct weft_kv_limits *kv_task_kv_limits(const struct kv_task *task);

/* Returns the loop that executes task, for example for weft_loop_wall. */
struct weft_loop *kv_task_loop(const struct kv_task *task);

#endif
