/* SPDX-License-Identifier: MIT
 *
 * A job lies in the arena of its request, which is kept, so it lives until the request's end. While it is away on
 * another loop, only that loop uses it. Its text comes from the heap, because arenas belong to their loop. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/inspect.h"
#include "private.h"

static const char json_type[] = "application/json";

enum { ARGUMENT_SIZE = 64 };

struct job {
    struct weft_request *request;
    struct weft_admin *admin;
    struct weft_server *server;
    struct weft_loop *home;
    void (*work)(struct job *job); /* on the first loop of the server */
    struct weft_post post;
    struct weft_walk walk;
    struct weft_text text;
    struct weft_json_build json;
    size_t left; /* connections that are still told */
    bool more;
    uint64_t id, ended; /* the connection to be ended, and how many were */
    char argument[ARGUMENT_SIZE];
    struct weft_admin_order order;
    struct weft_error error;
    int err;
};

/* Returns a job, or NULL: the request was answered. */
static struct job *make_job(const struct admin_loop *self, struct weft_request *request)
{
    struct weft_server *server = atomic_load(&self->admin->server);
    struct job *job = NULL;
    if (!server) {
        admin_answer_problem(request, 503, "", "The server is loading");
        return NULL;
    }
    if (weft_request_keep(request) == 0)
        job = weft_arena_alloc(weft_request_arena(request), sizeof *job);
    if (!job) {
        admin_answer_problem(request, 503, "", "There is no memory for the answer");
        return NULL;
    }
    memset(job, 0, sizeof *job);
    job->request = request;
    job->admin = self->admin;
    job->server = server;
    job->home = self->loop;
    job->json.text = &job->text;
    return job;
}

/* --- connections ----------------------------------------------------------------------------------- */

/* A session has none of this, because its connections have it. */
static void put_traffic(struct weft_json_build *json, const struct weft_connection *row)
{
    weft_json_number(json, "idle", (double)row->idle / 1e9);
    weft_json_integer(json, "received_bytes", row->bytes_in);
    weft_json_integer(json, "sent_bytes", row->bytes_out);
    weft_json_integer(json, "requests", row->requests);
    weft_json_integer(json, "input", row->input);
    weft_json_integer(json, "output", row->output);
    weft_json_integer(json, "pending", row->pending);
    weft_json_integer(json, "detached", row->detached);
    if (row->session != 0)
        weft_json_integer(json, "session", row->session);
}

/* A session has neither a codec nor a service, and nobody has named or identified it. */
static void put_connection(struct weft_json_build *json, const struct weft_connection *row)
{
    weft_json_open(json, NULL, '{');
    weft_json_integer(json, "id", row->id);
    weft_json_string(json, "address", row->address);
    weft_json_string(json, "transport", row->transport);
    if (!row->is_session) {
        weft_json_string(json, "codec", row->codec);
        weft_json_string(json, "service", row->service);
    }
    weft_json_string(json, "endpoint", row->endpoint);
    if (!row->is_session) {
        weft_json_string(json, "user", row->user);
        weft_json_string(json, "name", row->label);
    }
    weft_json_string(json, "state", weft_connection_state_name(row->state));
    weft_json_number(json, "age", (double)row->age / 1e9);
    if (row->is_session)
        weft_json_integer(json, "streams", row->streams);
    else
        put_traffic(json, row);
    weft_json_close(json, '}');
}

static unsigned tell_connection(struct weft_walk *walk, const struct weft_connection *row)
{
    struct job *job = weft_container_of(walk, struct job, walk);
    job->more = job->left == 0;
    if (job->more || job->text.failed)
        return WEFT_VISIT_STOP;
    job->left--;
    put_connection(&job->json, row);
    return WEFT_VISIT_NEXT;
}

static void answer_connections(struct weft_walk *walk)
{
    struct job *job = weft_container_of(walk, struct job, walk);
    weft_json_close(&job->json, ']');
    weft_json_bool(&job->json, "more", job->more);
    weft_json_close(&job->json, '}');
    weft_text_puts(&job->text, "\n");
    admin_answer(job->request, 200, json_type, &job->text);
}

void admin_job_connections(const struct admin_loop *self, struct weft_request *request, size_t most)
{
    struct job *job = make_job(self, request);
    if (!job)
        return;
    job->left = most;
    weft_json_open(&job->json, NULL, '{');
    weft_json_open(&job->json, "connections", '[');
    job->walk.visit = tell_connection;
    job->walk.sessions = true;
    job->walk.done = answer_connections;
    weft_server_walk(job->server, job->home, &job->walk);
}

static unsigned end_connection(struct weft_walk *walk, const struct weft_connection *row)
{
    struct job *job = weft_container_of(walk, struct job, walk);
    if (row->id != job->id)
        return WEFT_VISIT_NEXT;
    if (row->state == WEFT_CONNECTION_ENDED)
        return WEFT_VISIT_STOP;
    job->ended++;
    return WEFT_VISIT_END | WEFT_VISIT_STOP;
}

/* Answers an order that was carried out: {"done":true,"result":"..."}. */
static void answer_done(struct job *job, const char *result)
{
    weft_json_open(&job->json, NULL, '{');
    weft_json_bool(&job->json, "done", true);
    weft_json_string(&job->json, "result", result);
    weft_json_close(&job->json, '}');
    weft_text_puts(&job->text, "\n");
    admin_answer(job->request, 200, json_type, &job->text);
}

static void answer_end(struct weft_walk *walk)
{
    struct job *job = weft_container_of(walk, struct job, walk);
    if (job->ended > 0)
        answer_done(job, "ended=1");
    else
        admin_answer_problem(job->request, 404, "", "No connection or session has this number");
}

void admin_job_end(const struct admin_loop *self, struct weft_request *request, uint64_t id)
{
    struct job *job = make_job(self, request);
    if (!job)
        return;
    job->id = id;
    job->walk.visit = end_connection;
    job->walk.sessions = true;
    job->walk.done = answer_end;
    weft_server_walk(job->server, job->home, &job->walk);
}

/* --- work on the first loop ------------------------------------------------------------------------ */

static unsigned status_of(int err)
{
    if (err == -ENOTSUP)
        return 501;
    if (err == WEFT_ECONFIG)
        return 400;
    return err == -EBUSY || err == -EALREADY ? 409 : err == -ESHUTDOWN ? 503 : 500;
}

static void answer_job(struct weft_post *post)
{
    struct job *job = weft_container_of(post, struct job, post);
    if (job->err < 0)
        admin_answer_problem(job->request, status_of(job->err), "", job->error.text);
    else if (weft_text_view(&job->text).size > 0 || job->text.failed)
        admin_answer(job->request, 200, json_type, &job->text);
    else
        answer_done(job, job->order.result);
}

/* The home loop takes posts until its server has drained, and that waits for the request. */
static void go_home(struct job *job)
{
    job->post.run = answer_job;
    int err = weft_loop_post(job->home, &job->post);
    (void)err;
}

static void do_work(struct weft_post *post)
{
    struct job *job = weft_container_of(post, struct job, post);
    job->work(job);
    go_home(job);
}

static void send(struct job *job, void (*work)(struct job *job))
{
    job->work = work;
    job->post.run = do_work;
    if (weft_loop_post(weft_server_loop(job->server), &job->post) < 0)
        admin_answer_problem(job->request, 503, "", "The server has drained");
}

static void act(struct job *job)
{
    job->err = job->admin->act(job->admin->context, &job->order, &job->error);
}

/* The answer leaves although the program ends, because its server drains. */
static void stop_loading(struct weft_admin *admin, struct weft_request *request)
{
    struct job job = {.request = request, .json.text = &job.text};
    admin->stop_loading(admin->context);
    answer_done(&job, "");
}

void admin_job_act(const struct admin_loop *self, struct weft_request *request,
                   enum weft_admin_action action, struct weft_view argument)
{
    if (action == WEFT_ADMIN_DRAIN && self->admin->stop_loading &&
        !atomic_load(&self->admin->server)) {
        stop_loading(self->admin, request);
        return;
    }
    struct job *job = make_job(self, request);
    if (!job)
        return;
    size_t size = argument.size < ARGUMENT_SIZE ? argument.size : ARGUMENT_SIZE - 1;
    if (size > 0)
        memcpy(job->argument, argument.data, size);
    job->order.action = action;
    job->order.argument = job->argument;
    send(job, act);
}

/* --- limits ---------------------------------------------------------------------------------------- */

static const char *unit_name(enum weft_limit_unit unit)
{
    return unit == WEFT_LIMIT_BYTES ? "bytes" : unit == WEFT_LIMIT_TIME ? "seconds" : NULL;
}

static void put_value(struct weft_json_build *json, const char *key, const struct weft_limit *limit,
                      uint64_t value)
{
    if (limit->unit == WEFT_LIMIT_TIME)
        weft_json_number(json, key, (double)value / 1e9);
    else
        weft_json_integer(json, key, value);
}

static void put_limits(struct weft_json_build *json, const struct weft_limit *table,
                       const void *values, bool is_core)
{
    for (const struct weft_limit *limit = table; limit->name; limit++) {
        uint64_t value;
        memcpy(&value, (const char *)values + limit->offset, sizeof value);
        weft_json_open(json, NULL, '{');
        weft_json_string(json, "name", limit->name);
        put_value(json, "value", limit, value);
        put_value(json, "default", limit, limit->value);
        weft_json_string(json, "unit", unit_name(limit->unit));
        weft_json_bool(json, "live", is_core && weft_server_limit_is_live(limit->name));
        weft_json_string(json, "help", limit->help);
        weft_json_close(json, '}');
    }
}

static void tell_limits(struct job *job)
{
    struct weft_json_build *json = &job->json;
    weft_json_open(json, NULL, '{');
    weft_json_open(json, "limits", '[');
    put_limits(json, weft_limit_table(), weft_server_limits(job->server), true);
    for (size_t i = 0; job->admin->limits[i].table; i++)
        put_limits(json, job->admin->limits[i].table, job->admin->limits[i].values, false);
    weft_json_close(json, ']');
    weft_json_close(json, '}');
    weft_text_puts(&job->text, "\n");
}

void admin_job_limits(const struct admin_loop *self, struct weft_request *request)
{
    struct job *job = make_job(self, request);
    if (job)
        send(job, tell_limits);
}
