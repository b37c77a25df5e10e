/* SPDX-License-Identifier: MIT
 *
 * The HTTP face of kv: a payload is a request as the codec `http` hands it on, a reply a response.
 * docs/http.md describes the resources.
 *
 * A web page must not reach kv behind its user's back. A page of another origin that the option `cors` does not
 * list is refused, whatever it asks; and a batch needs a Content-Type that no page can send without asking
 * first. */
#include <inttypes.h>
#include <stdio.h>

#include "core/base/compiler.h"
#include "batch.h"
#include "changes.h"
#include "core/task.h"
#include "date.h"
#include "origins.h"
#include "reply.h"
#include "services/kv/faces/protobuf/reply.h"
#include "services/kv/packed.h"
#include "services/kv/session.h"
#include "services/payload/http/event.h"
#include "topics.h"
#include "value.h"

enum { ORIGINS_MAX = 512 };

struct config {
    struct kv_session_config session; /* first: it is cast back */
    char origins[ORIGINS_MAX];        /* of `cors`, with commas between them; "": none */
};

struct loop {
    struct kv_session_loop session; /* first */
    struct kv_http_clock clock;
};

struct conn {
    struct kv_session session; /* first */
    struct loop *loop;
};

struct task {
    struct kv_task base; /* first */
    struct kv_http_route route;
    struct kv_http_about about;
    struct kv_item item;
    struct kv_update update;
    struct kv_http_batch batch;
    struct kv_http_body body;
    char origin[KV_HTTP_ORIGIN_MAX];
};

static const struct weft_option options[] = {
    {"cors", "ORIGIN,...|*", "origins whose web pages may use kv (default none)"},
    {0},
};

static struct task *task_of(struct kv_task *base)
{
    return weft_container_of(base, struct task, base);
}

static const struct task *const_task_of(const struct kv_task *base)
{
    return (const struct task *)(const void *)base;
}

/* --- time ------------------------------------------------------------------------------------------- */

static void tell_time(struct task *task)
{
    struct loop *loop = weft_container_of(task->base.session, struct conn, session)->loop;
    task->about.now = weft_loop_wall(kv_task_loop(&task->base));
    task->about.date = kv_http_clock_at(&loop->clock, task->about.now);
}

/* --- origins ---------------------------------------------------------------------------------------- */

static const char *origins_of(const struct task *task)
{
    const struct kv_session_config *config = kv_task_config(&task->base);
    return ((const struct config *)(const void *)config)->origins;
}

/* True if no page asks, or one that may. The reply then tells its browser so. */
static bool is_origin_good(struct task *task)
{
    struct weft_view origin = task->route.origin;
    struct weft_view list = weft_view_str(origins_of(task));
    task->about.has_cors = list.size > 0;
    if (origin.size == 0)
        return true;
    if (weft_view_equal(list, weft_view("*", 1))) {
        task->about.origin = "*";
        return true;
    }
    if (!kv_http_origin_is_in(list, origin) || origin.size >= sizeof task->origin)
        return false;
    memcpy(task->origin, origin.data, origin.size);
    task->origin[origin.size] = '\0';
    task->about.origin = task->origin;
    return true;
}

/* --- requests --------------------------------------------------------------------------------------- */

/* Refuses a request that is well formed as HTTP. Returns false, as decode does. */
static bool refuse(struct task *task, unsigned status, const char *text)
{
    kv_task_refuse(&task->base, (enum kv_status)status, text, false);
    return false;
}

static bool refuse_bad(struct task *task, const char *text)
{
    kv_task_refuse(&task->base, KV_BAD_REQUEST, text, true);
    return false;
}

static bool answer_ok(struct task *task)
{
    struct kv_reply reply;
    kv_reply_text(&reply, KV_OK, "");
    kv_task_answer(&task->base, &reply, false);
    return false;
}

static bool take_page(struct task *task, enum kv_command_id command)
{
    struct kv_call *call = &task->base.call;
    call->command = &kv_commands[command];
    call->from = task->route.from;
    call->limit = (size_t)task->route.limit;
    call->filter = (struct kv_filter){.prefix = task->route.prefix};
    call->states = true;
    return true;
}

static bool take_item(struct task *task, enum kv_command_id command)
{
    struct kv_call *call = &task->base.call;
    call->command = &kv_commands[command];
    call->items = &task->item;
    call->count = 1;
    call->states = true;
    task->item.key = task->route.key;
    task->item.value = (struct kv_value){{NULL, 0}, NULL};
    task->item.expires = KV_NEVER;
    task->item.update = NULL;
    return true;
}

/* Makes the update of a write out of its conditions. False: it was refused. */
static bool take_conditions(struct task *task, enum kv_then then)
{
    const struct kv_http_route *route = &task->route;
    struct kv_update *update = &task->update;
    *update = (struct kv_update){.when = KV_IF_ANY, .then = then};
    if (route->match.given && route->none_match.given)
        return refuse_bad(task, "If-Match and If-None-Match do not go together");
    if (route->none_match.given && !route->none_match.any)
        return refuse(task, KV_NOT_IMPLEMENTED, "If-None-Match of a write takes * alone");
    if (route->none_match.given)
        update->when = KV_IF_ABSENT;
    else if (route->match.given && route->match.any)
        update->when = KV_IF_PRESENT;
    else if (route->match.given)
        update->when = KV_IF_VERSION;
    /* A tag that kv has not made can be no value's. */
    if (update->when == KV_IF_VERSION && !kv_http_read_tag(route->match.tags, update->version))
        return refuse(task, KV_NOT_MET, "If-Match takes one ETag of kv, or *");
    if (update->when != KV_IF_ANY || then != KV_THEN_SET)
        task->item.update = update;
    return true;
}

/* Makes a large value the blob that all faces share. One whose reply would not fit is not stored. */
static bool keep_value(struct task *task)
{
    uint64_t most = kv_task_limits(&task->base)->max_frame;
    if (most > KV_HTTP_HEAD_MAX && task->item.value.bytes.size > most - KV_HTTP_HEAD_MAX)
        return refuse(task, KV_TOO_BIG,
                      "Value is too big: with its reply's head it is over max-frame");
    if (task->base.looking || kv_reply_keep(&task->item.value) == 0)
        return true;
    kv_task_refuse_no_memory(&task->base);
    return false;
}

static bool take_body(struct task *task)
{
    return kv_http_read_value(&task->base, &task->route, &task->item.value.bytes) &&
           keep_value(task);
}

static bool take_put(struct task *task)
{
    (void)take_item(task, KV_HPUT);
    if (task->route.expires)
        task->item.expires = task->about.now + task->route.expires_in;
    return take_conditions(task, KV_THEN_SET) && take_body(task);
}

static bool take_delete(struct task *task)
{
    bool conditional = task->route.match.given || task->route.none_match.given;
    (void)take_item(task, conditional ? KV_HPUT : KV_HDEL);
    return !conditional || take_conditions(task, KV_THEN_REMOVE);
}

static bool next_step(struct kv_task *base)
{
    return kv_http_batch_step(base, &task_of(base)->batch);
}

/* A page can send text/plain anywhere without asking, but none of these two types. */
static bool take_batch(struct task *task)
{
    bool empty;
    if (task->route.type != KV_HTTP_TYPE_NDJSON && task->route.type != KV_HTTP_TYPE_JSON)
        return refuse(task, 415, "A batch has the Content-Type application/x-ndjson");
    if (task->base.looking) {
        /* Some line may write. The batch is read when this is decoded once more. */
        task->base.call.command = &kv_commands[KV_HMSET];
        task->base.call.count = 0;
        return true;
    }
    if (!kv_http_batch_begin(&task->base, &task->batch, task->route.request.body, &empty))
        return empty && answer_ok(task);
    kv_task_in_steps(&task->base, next_step);
    return true;
}

static size_t put_begin(const struct kv_task *base, uint8_t *dst)
{
    return kv_http_put_stream_head(dst, &const_task_of(base)->about);
}

static const struct kv_watch_face watch_face = {
    .put_begin = put_begin,
    .put_number = kv_http_put_number,
    .change_size = kv_http_change_size,
    .put_change = kv_http_put_change,
    .put_end = kv_http_put_stream_end,
    .pulse = WEFT_EVENT_COMMENT,
};

static bool take_changes(struct task *task)
{
    const struct kv_http_route *route = &task->route;
    const struct kv_watch_spec spec = {.all = route->all,
                                       .one = route->has_key,
                                       .table = route->table,
                                       .key = route->key,
                                       .from = route->after,
                                       .versions = true};
    uint8_t head[KV_HTTP_HEAD_MAX];
    if (route->request.method == WEFT_HTTP_HEAD)
        kv_task_answer_bytes(&task->base, weft_view(head, put_begin(&task->base, head)));
    else
        kv_task_watch(&task->base, &spec, &watch_face);
    return false;
}

/* Many clients show that a stream has begun with the first byte behind its head only. */
static size_t put_topic_begin(const struct kv_task *base, uint8_t *dst)
{
    size_t size = put_begin(base, dst);
    memcpy(dst + size, WEFT_EVENT_COMMENT, sizeof WEFT_EVENT_COMMENT - 1);
    return size + sizeof WEFT_EVENT_COMMENT - 1;
}

static const struct kv_topic_face topic_face = {
    .format = {.slot = KV_FEED_EVENTS, .make = kv_http_make_events},
    .put_words = kv_http_put_topic_words,
    .put_begin = put_topic_begin,
    .pulse = WEFT_EVENT_COMMENT,
};

static void published(struct kv_task *base, uint64_t receivers)
{
    struct task *task = task_of(base);
    task->about.receivers = receivers;
    (void)answer_ok(task);
}

/* Publishes the body. The answer has the number of those who get it. */
static bool take_publish(struct task *task)
{
    struct weft_view value;
    if (kv_http_read_value(&task->base, &task->route, &value))
        kv_task_do_publish(&task->base, task->route.table, &value, 1, published);
    return false;
}

static bool take_topic(struct task *task, enum weft_http_method method)
{
    const struct kv_http_route *route = &task->route;
    const struct kv_topic_spec spec = {
        .topic = route->table, .is_pattern = route->all, .end_if_slow = route->end_if_slow};
    uint8_t head[KV_HTTP_HEAD_MAX];
    if (method == WEFT_HTTP_POST)
        return take_publish(task);
    if (method == WEFT_HTTP_HEAD)
        kv_task_answer_bytes(&task->base, weft_view(head, put_begin(&task->base, head)));
    else
        kv_task_subscribe(&task->base, &spec, &topic_face);
    return false;
}

/* Sets up the call for a resource and a method that go together, or answers. */
static bool take_key(struct task *task, enum weft_http_method method)
{
    if (method == WEFT_HTTP_PUT)
        return take_put(task);
    return method == WEFT_HTTP_DELETE ? take_delete(task) : take_item(task, KV_HGET_STATE);
}

static bool take_table(struct task *task, enum weft_http_method method)
{
    task->base.call.command = &kv_commands[KV_TABLE_DROP];
    return method == WEFT_HTTP_DELETE || take_page(task, KV_HSCAN);
}

static bool has_method(enum kv_http_resource resource, enum weft_http_method method)
{
    static const unsigned reads = 1u << WEFT_HTTP_GET | 1u << WEFT_HTTP_HEAD;
    static const unsigned methods[] = {
        [KV_HTTP_NOTHING] = 0,
        [KV_HTTP_KEY] = reads | 1u << WEFT_HTTP_PUT | 1u << WEFT_HTTP_DELETE,
        [KV_HTTP_TABLE] = reads | 1u << WEFT_HTTP_DELETE,
        [KV_HTTP_TABLES] = reads,
        [KV_HTTP_CHANGES] = reads,
        [KV_HTTP_TOPICS] = reads,
        [KV_HTTP_TOPIC] = reads | 1u << WEFT_HTTP_POST,
        [KV_HTTP_BATCH] = 1u << WEFT_HTTP_POST,
        [KV_HTTP_HEALTH] = reads,
        [KV_HTTP_SERVER] = 0,
    };
    return methods[resource] & 1u << method;
}

static bool take(struct task *task)
{
    enum weft_http_method method = task->route.request.method;
    enum kv_http_resource resource = task->route.resource;
    if (resource == KV_HTTP_NOTHING)
        return refuse(task, KV_NOT_FOUND, "Nothing is here: see docs/http.md");
    if (method == WEFT_HTTP_OPTIONS)
        return answer_ok(task);
    if (!has_method(resource, method))
        return refuse(task, 405, "The resource does not have this method");
    task->base.call.table = task->route.table;
    switch (resource) {
    case KV_HTTP_KEY:
        return take_key(task, method);
    case KV_HTTP_TABLE:
        return take_table(task, method);
    case KV_HTTP_TABLES:
        return take_page(task, KV_TABLES_PAGE);
    case KV_HTTP_CHANGES:
        return take_changes(task);
    case KV_HTTP_TOPIC:
    case KV_HTTP_TOPICS:
        return take_topic(task, method);
    case KV_HTTP_BATCH:
        return take_batch(task);
    case KV_HTTP_HEALTH:
    case KV_HTTP_SERVER:
    case KV_HTTP_NOTHING:
        break;
    }
    return answer_ok(task);
}

static bool decode(struct kv_task *base)
{
    struct task *task = task_of(base);
    task->about = (struct kv_http_about){.route = &task->route};
    tell_time(task);
    int err =
        kv_http_route_read(&task->route, base->request->payload, weft_request_arena(base->request));
    /* The origin first, so that its page sees why it is refused. */
    if (!is_origin_good(task))
        return refuse(task, KV_DENIED, "The page's origin is not one that cors= lists");
    if (err == WEFT_EMALFORMED)
        return refuse_bad(task, task->route.wrong);
    if (err == 0 && task->route.coded)
        return refuse(task, 415, "The body has a Content-Encoding: send it as it is");
    if (err < 0) {
        kv_task_refuse_no_memory(base);
        return false;
    }
    return take(task);
}

/* --- replies ---------------------------------------------------------------------------------------- */

static const struct weft_body *reply(struct kv_task *base, const struct kv_reply *reply)
{
    struct task *task = task_of(base);
    kv_http_body_init(&task->body, &task->about, reply, &base->call, &base->pairs);
    return &task->body.parts.body;
}

static size_t pair_size(const struct kv_task *base, const struct kv_pair *pair)
{
    return kv_http_pair_size(&base->call, pair, const_task_of(base)->about.now);
}

static void put_pair(const struct kv_task *base, uint8_t *dst, const struct kv_pair *pair)
{
    kv_http_put_pair(dst, &base->call, pair, const_task_of(base)->about.now);
}

static size_t put_text(uint8_t *dst, enum kv_status status, const char *text)
{
    return kv_http_put_problem(dst, WEFT_REJECT_MAX, status, "", text);
}

static const struct kv_face face = {
    .task_size = sizeof(struct task),
    .decode = decode,
    .reply = reply,
    .pair_size = pair_size,
    .put_pair = put_pair,
    .put_text = put_text,
};

/* --- the service ------------------------------------------------------------------------------------ */

static int configure(void *config_memory, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    struct config *config = config_memory;
    const char *origins = weft_option_get(set, "cors");
    if (origins) {
        if (strlen(origins) >= sizeof config->origins)
            return weft_error_set(error, WEFT_ECONFIG, "cors: at most %d bytes of origins",
                                  ORIGINS_MAX - 1);
        if (!kv_http_origins_are_good(origins))
            return weft_error_set(error, WEFT_ECONFIG,
                                  "cors=%s: it takes origins like https://app.example, with "
                                  "commas between them, or *",
                                  origins);
        memcpy(config->origins, origins, strlen(origins));
    }
    return kv_session_configure(&config->session, context, limits, &face);
}

static void call(void *loop_state, void *conn_state, struct weft_request *request)
{
    struct conn *conn = conn_state;
    struct task task;
    conn->loop = loop_state;
    task.about = (struct kv_http_about){0};
    kv_session_call(&conn->session, request, &task.base);
}

/* The limits of a head have statuses of their own. */
static size_t reject(void *loop_state, const struct weft_rejection *rejection, uint8_t *dst)
{
    const char *what = rejection->what ? rejection->what : "";
    char line[KV_LINE_MAX];
    bool of_fields = strcmp(what, "max-line (a field)") == 0 || strcmp(what, "max-head") == 0 ||
                     strcmp(what, "max-fields") == 0;
    unsigned status = of_fields ? 431 : strcmp(what, "max-line") == 0 ? 414 : 0;
    if (rejection->cause == WEFT_REJECT_MALFORMED) {
        status = KV_BAD_REQUEST;
        (void)snprintf(line, sizeof line, "Request is malformed: %s", what);
    } else if (rejection->cause == WEFT_REJECT_TOO_BIG && status != 0) {
        (void)snprintf(line, sizeof line, "Request is too big: %s is %" PRIu64, what,
                       rejection->limit);
    } else {
        return kv_session_reject(loop_state, rejection, dst);
    }
    return kv_http_put_problem(dst, WEFT_REJECT_MAX, status, "", line);
}

const struct weft_service weft_kv_http_service = {
    .name = "kv",
    .speaks = "http",
    .asks = true,
    .options = options,
    .config_size = sizeof(struct config),
    .loop_size = sizeof(struct loop),
    .conn_size = sizeof(struct conn),
    .configure = configure,
    .start = kv_session_loop_start,
    .stop = kv_session_loop_stop,
    .open = kv_session_open,
    .close = kv_session_close,
    .call = call,
    .reject = reject,
};
