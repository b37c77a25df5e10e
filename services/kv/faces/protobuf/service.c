/* SPDX-License-Identifier: MIT */
#include "services/kv/service.h"

#include <errno.h>
#include <inttypes.h>
#include <stdalign.h>
#include <stdio.h>

#include "core/base/compiler.h"
#include "core/base/units.h"
#include "reply.h"
#include "request.h"

enum {
    LINE_MAX_SIZE = 256,   /* of a text that is made here */
    SESSION_INLINE = 32,   /* a store's session up to this size costs a connection no malloc */
    PAGE_ENOUGH = 1 << 20, /* a page of this many bytes gets no more pairs */
    PAGE_FRAME = 16 + KV_CURSOR_MAX, /* what a page has beside its pairs, at most */
};

struct config {
    const struct weft_kv_context *context;
    const struct weft_limits *limits;
    char full_text[LINE_MAX_SIZE];
};

struct loop {
    const struct kv_store *store;
    const struct config *config;
    void *store_loop;
};

struct conn {
    struct loop *loop;
    void *session;
    /* For stores that keep no order: one command at a time, the others wait in line. */
    struct task *first, *last;
    bool busy, pumping;
    alignas(max_align_t) uint8_t space[SESSION_INLINE];
};

/* One request being answered: on the stack where the store answers at once, else in the request's
 * arena. */
struct task {
    struct kv_call call;
    struct kv_request decoded;
    struct weft_request *request;
    struct conn *conn;
    struct task *next;
    struct kv_pairs pairs;
    int pairs_error; /* why no more were taken */
    char line[LINE_MAX_SIZE];
};

static int configure(void *config, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    struct config *self = config;
    char size[WEFT_UNITS_TEXT];
    (void)set;
    (void)error;
    self->context = context;
    self->limits = limits;
    (void)snprintf(self->full_text, sizeof self->full_text, "Store is full: max-memory is %s",
                   weft_format_size(limits->max_memory, size));
    return 0;
}

static int start(void *loop_state, const void *config, struct weft_loop *loop)
{
    struct loop *self = loop_state;
    self->config = config;
    const struct weft_kv_context *context = self->config->context;
    self->store = context->store;
    self->store_loop = weft_calloc(1, self->store->loop_size);
    if (!self->store_loop)
        return -ENOMEM;
    int err = self->store->start(self->store_loop, context->state, loop);
    if (err < 0)
        weft_free(self->store_loop);
    return err;
}

static void stop(void *loop_state)
{
    struct loop *self = loop_state;
    self->store->stop(self->store_loop);
    weft_free(self->store_loop);
}

static int open_conn(void *conn_state, void *loop_state)
{
    struct conn *self = conn_state;
    self->loop = loop_state;
    const struct kv_store *store = self->loop->store;
    self->session = self->space;
    if (store->session_size > sizeof self->space) {
        self->session = weft_calloc(1, store->session_size);
        if (!self->session)
            return -ENOMEM;
    }
    int err = store->open(self->session, self->loop->store_loop);
    if (err < 0 && self->session != self->space)
        weft_free(self->session);
    return err;
}

static void close_conn(void *conn_state, void *loop_state)
{
    struct conn *self = conn_state;
    (void)loop_state;
    self->loop->store->close(self->session);
    if (self->session != self->space)
        weft_free(self->session);
}

/* A reply of a text alone, as a blob. NULL: no memory. */
static struct weft_blob *text_blob(enum kv_status status, const char *text)
{
    struct kv_reply reply;
    struct kv_reply_body body;
    uint8_t *data;
    kv_reply_text(&reply, status, text);
    kv_reply_body_init(&body, &reply, NULL, NULL);
    struct weft_blob *blob = weft_blob_new(body.body.size, &data);
    if (blob)
        weft_body_write(&body.body, data);
    return blob;
}

static int end(struct weft_request *request, const struct weft_body *body, bool bad)
{
    return bad ? weft_request_end_bad(request, body) : weft_request_end(request, body);
}

static void end_held(struct weft_request *request, bool bad)
{
    struct weft_blob *blob = request->data;
    int err;
    if (blob) {
        struct weft_body body = weft_body_from_blob(blob);
        err = end(request, &body, bad);
    } else {
        struct kv_reply reply;
        struct kv_reply_body body;
        kv_reply_text(&reply, KV_RETRY, "Out of memory: the reply is lost");
        kv_reply_body_init(&body, &reply, NULL, NULL);
        err = end(request, &body.body, bad);
    }
    /* Refused again it stays as it is, and on_room comes again. */
    if (err == 0)
        weft_blob_unref(blob);
}

static void drained(struct weft_request *request)
{
    end_held(request, false);
}

static void drained_bad(struct weft_request *request)
{
    end_held(request, true);
}

/* Too much output waits before this reply. What it shows will be gone when its turn comes, so it
 * becomes a blob that the request holds. */
WEFT_NOINLINE static void hold(struct weft_request *request, const struct weft_body *body, bool bad,
                               const struct weft_limits *limits)
{
    struct weft_blob *blob = NULL;
    uint8_t *data;
    if (body->blob) {
        blob = weft_blob_ref(body->blob);
    } else if (body->size > limits->max_message) {
        char line[LINE_MAX_SIZE];
        (void)snprintf(line, sizeof line, "Reply is too big: %zu bytes, max-message is %" PRIu64,
                       body->size, limits->max_message);
        blob = text_blob(KV_TOO_BIG, line);
    } else {
        blob = weft_blob_new(body->size, &data);
        if (blob)
            weft_body_write(body, data);
    }
    request->data = blob;
    request->on_room = bad ? drained_bad : drained;
}

/* Ends the request, and with it the task where that lies in its arena. */
static void send_reply(struct task *task, const struct kv_reply *reply, bool bad)
{
    struct weft_request *request = task->request;
    const struct weft_limits *limits = task->conn->loop->config->limits;
    struct kv_pairs pairs = task->pairs;
    struct kv_reply_body body;
    kv_reply_body_init(&body, reply, &task->call, &pairs);
    int err = end(request, &body.body, bad);
    if (err == -EAGAIN)
        hold(request, &body.body, bad, limits);
    kv_pairs_fini(&pairs);
}

static void send_text(struct task *task, enum kv_status status, const char *text, bool bad)
{
    struct kv_reply reply;
    kv_reply_text(&reply, status, text);
    send_reply(task, &reply, bad);
}

static void send_no_memory(struct task *task)
{
    send_text(task, KV_RETRY, "Out of memory: nothing was changed", false);
}

/* Answers a request that is no command. Only what breaks the format or a limit is bad; a command
 * that does not exist is well said. */
static void refuse(struct task *task, enum kv_decoded why)
{
    const struct kv_request *decoded = &task->decoded;
    const struct weft_limits *limits = task->conn->loop->config->limits;
    struct kv_reply reply;
    switch (why) {
    case KV_DECODED:
    case KV_DECODED_NO_COMMAND:
        kv_reply_no_command(&reply);
        send_reply(task, &reply, false);
        break;
    case KV_DECODED_UNKNOWN:
        (void)snprintf(task->line, sizeof task->line, "Command is not known: field %" PRIu32,
                       decoded->field);
        send_text(task, KV_NOT_IMPLEMENTED, task->line, false);
        break;
    case KV_DECODED_MALFORMED:
        (void)snprintf(task->line, sizeof task->line, "Request is malformed: %s", decoded->what);
        send_text(task, KV_BAD_REQUEST, task->line, true);
        break;
    case KV_DECODED_ELEMENTS:
        (void)snprintf(task->line, sizeof task->line,
                       "Request is too big: over decode-elements, which is %" PRIu64,
                       limits->decode_elements);
        send_text(task, KV_TOO_BIG, task->line, true);
        break;
    case KV_DECODED_BYTES:
        (void)snprintf(task->line, sizeof task->line,
                       "Request is too big: over decode-bytes, which is %" PRIu64,
                       limits->decode_bytes);
        send_text(task, KV_TOO_BIG, task->line, true);
        break;
    case KV_DECODED_NO_MEMORY:
        send_no_memory(task);
        break;
    }
}

/* A page is worth sending before it is as large as a reply may be, and a pair that no reply has room
 * for comes without its value, so that a walk can go on behind it. */
static bool take_into_page(struct task *task, struct weft_view key, struct weft_view value)
{
    const struct weft_limits *limits = task->conn->loop->config->limits;
    uint64_t most =
        limits->max_frame < limits->max_message ? limits->max_frame : limits->max_message;
    most = most > PAGE_FRAME ? most - PAGE_FRAME : 0;
    uint64_t enough = most < PAGE_ENOUGH ? most : PAGE_ENOUGH;
    size_t size = kv_pairs_size_of(key, value);
    if (task->pairs.size > 0 && task->pairs.size + size > enough)
        return false;
    if (size > most)
        value.size = 0;
    task->pairs_error = kv_pairs_add(&task->pairs, key, value);
    return task->pairs_error == 0;
}

static bool take_pair(struct kv_call *call, struct weft_view key, const struct kv_value *value)
{
    struct task *task = weft_container_of(call, struct task, call);
    if (call->command->takes == KV_TAKES_PAGE)
        return take_into_page(task, key, value->bytes);
    task->pairs_error = kv_pairs_add(&task->pairs, key, value->bytes);
    if (task->pairs_error == 0 && task->pairs.size > task->conn->loop->config->limits->max_message)
        task->pairs_error = WEFT_ETOOBIG;
    return task->pairs_error == 0;
}

/* The values of a write that became blobs: the store has its own references. */
static void drop_values(struct kv_call *call, size_t count)
{
    if (call->command->takes != KV_TAKES_PAIRS)
        return;
    for (size_t i = 0; i < count; i++)
        weft_blob_unref(call->items[i].value.blob);
}

static void pump(struct conn *conn);

/* Answers a walk whose pairs the reply has no room for. */
WEFT_NOINLINE static void refuse_pairs(struct task *task)
{
    const struct weft_limits *limits = task->conn->loop->config->limits;
    if (task->pairs_error != WEFT_ETOOBIG) {
        send_no_memory(task);
        return;
    }
    (void)snprintf(task->line, sizeof task->line,
                   "Reply is too big: over max-message, which is %" PRIu64, limits->max_message);
    send_text(task, KV_TOO_BIG, task->line, false);
}

static void call_done(struct kv_call *call)
{
    struct task *task = weft_container_of(call, struct task, call);
    struct conn *conn = task->conn;
    drop_values(call, call->count);
    conn->busy = false;
    if (task->pairs_error != 0 || call->reply.status != KV_OK)
        kv_pairs_fini(&task->pairs);
    if (task->pairs_error != 0)
        refuse_pairs(task);
    else
        send_reply(task, &call->reply, false);
    if (conn->first)
        pump(conn);
}

static int keep_values(struct kv_call *call)
{
    if (call->command->takes != KV_TAKES_PAIRS)
        return 0;
    for (size_t i = 0; i < call->count; i++) {
        int err = kv_reply_keep(&call->items[i].value);
        if (err < 0) {
            drop_values(call, i);
            return err;
        }
    }
    return 0;
}

static void task_init(struct task *task, struct conn *conn, struct weft_request *request)
{
    task->request = request;
    task->conn = conn;
    task->next = NULL;
    task->pairs = (struct kv_pairs){0};
    task->pairs_error = 0;
    task->decoded.request = request;
    task->decoded.max_elements = conn->loop->config->limits->decode_elements;
    task->call.pair = take_pair;
    task->call.done = call_done;
    task->call.full_text = conn->loop->config->full_text;
}

/* False: it has been answered. */
static bool prepare(struct task *task)
{
    enum kv_decoded decoded =
        kv_request_decode(&task->decoded, task->request->payload, &task->call);
    if (decoded != KV_DECODED) {
        refuse(task, decoded);
        return false;
    }
    if (keep_values(&task->call) < 0) {
        send_no_memory(task);
        return false;
    }
    return true;
}

static void start_task(struct task *task)
{
    struct conn *conn = task->conn;
    kv_call_start(&task->call, conn->loop->store, conn->session);
}

/* Starts what waits in line, one when the other is done. */
static void pump(struct conn *conn)
{
    if (conn->pumping)
        return;
    conn->pumping = true;
    while (conn->first && !conn->busy) {
        struct task *task = conn->first;
        conn->first = task->next;
        conn->busy = true;
        start_task(task);
    }
    conn->pumping = false;
}

/* For a store that answers later: all that it may look at goes to the request's own arena. */
static void call_later(struct conn *conn, struct weft_request *request)
{
    struct task *task = NULL;
    if (weft_request_keep(request) == 0)
        task = weft_arena_alloc(weft_request_arena(request), sizeof *task);
    if (!task) {
        struct task refused;
        task_init(&refused, conn, request);
        send_no_memory(&refused);
        return;
    }
    task_init(task, conn, request);
    if (!prepare(task))
        return;
    if (conn->loop->store->flags & KV_STORE_ORDERED) {
        start_task(task);
        return;
    }
    if (conn->first)
        conn->last->next = task;
    else
        conn->first = task;
    conn->last = task;
    pump(conn);
}

static void call(void *loop_state, void *conn_state, struct weft_request *request)
{
    const struct loop *loop = loop_state;
    struct conn *conn = conn_state;
    if (!(loop->store->flags & KV_STORE_INLINE)) {
        call_later(conn, request);
        return;
    }
    struct task task;
    task_init(&task, conn, request);
    if (prepare(&task))
        start_task(&task);
}

static size_t reject(void *loop_state, const struct weft_rejection *rejection, uint8_t *dst)
{
    const char *what = rejection->what ? rejection->what : "unknown";
    enum kv_status status = KV_RETRY;
    char line[LINE_MAX_SIZE];
    struct kv_reply reply;
    struct kv_reply_body body;
    (void)loop_state;
    switch (rejection->cause) {
    case WEFT_REJECT_MALFORMED:
        status = KV_BAD_REQUEST;
        (void)snprintf(line, sizeof line, "Frame is malformed: %s", what);
        break;
    case WEFT_REJECT_TOO_BIG:
    case WEFT_REJECT_REPLY_TOO_BIG:
        status = KV_TOO_BIG;
        (void)snprintf(line, sizeof line, "%s is too big: %" PRIu64 " bytes, %s is %" PRIu64,
                       rejection->cause == WEFT_REJECT_TOO_BIG ? "Request" : "Reply",
                       rejection->size, what, rejection->limit);
        break;
    case WEFT_REJECT_NO_MEMORY:
        (void)snprintf(line, sizeof line, "Out of memory");
        break;
    case WEFT_REJECT_DRAINING:
        (void)snprintf(line, sizeof line, "Server is shutting down");
        break;
    case WEFT_REJECT_TOO_MANY:
        (void)snprintf(line, sizeof line, "Too many connections: %s is %" PRIu64, what,
                       rejection->limit);
        break;
    }
    kv_reply_text(&reply, status, line);
    kv_reply_body_init(&body, &reply, NULL, NULL);
    weft_body_write(&body.body, dst);
    return body.body.size;
}

const struct weft_service weft_kv_service = {
    .name = "kv",
    .speaks = "protobuf:abi",
    .config_size = sizeof(struct config),
    .loop_size = sizeof(struct loop),
    .conn_size = sizeof(struct conn),
    .configure = configure,
    .start = start,
    .stop = stop,
    .open = open_conn,
    .close = close_conn,
    .call = call,
    .reject = reject,
};
