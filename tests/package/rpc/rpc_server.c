/* SPDX-License-Identifier: MIT
 *
 * Serves sample.proto over gRPC, frames and HTTP, with a thread that answers: rpc_server URL. It says where it listens, and
 * drains when it is terminated. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codecs/codecs.h"
#include "core/base/compiler.h"
#include "core/serve.h"
#include "sample.pb-c.h"
#include "services/rpc/rpc.h"
#include "transports/transports.h"

/* --- a thread that works ------------------------------------------------------------------------------ */

struct job {
    struct weft_post post; /* back to the loop */
    struct job *next;
    struct weft_rpc_call *call;
    struct weft_loop *loop;
    Sample__Text_Closure closure;
    uint32_t count;
    char text[64];
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct job *jobs;
    bool over;
} worker = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

static void answer(struct weft_post *post)
{
    struct job *job = weft_container_of(post, struct job, post);
    Sample__Text reply = SAMPLE__TEXT__INIT;
    reply.text = job->text;
    reply.count = job->count + 1;
    job->closure(&reply, job->call);
    free(job);
}

static void *work(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&worker.lock);
    for (;;) {
        struct job *job = worker.jobs;
        if (!job && worker.over)
            break;
        if (!job) {
            pthread_cond_wait(&worker.more, &worker.lock);
            continue;
        }
        worker.jobs = job->next;
        job->post.run = answer;
        if (weft_loop_post(job->loop, &job->post) < 0)
            free(job); /* the loop is over, and the call with it */
    }
    pthread_mutex_unlock(&worker.lock);
    return NULL;
}

static void submit(struct weft_rpc_call *call, const Sample__Text *request,
                   Sample__Text_Closure closure)
{
    struct job *job = calloc(1, sizeof *job);
    if (!job) {
        weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "no memory for a job");
        return;
    }
    *job = (struct job){.call = call, .loop = weft_rpc_loop(call), .count = request->count};
    (void)snprintf(job->text, sizeof job->text, "%s", request->text);
    job->closure = closure;
    pthread_mutex_lock(&worker.lock);
    job->next = worker.jobs;
    worker.jobs = job;
    pthread_cond_signal(&worker.more);
    pthread_mutex_unlock(&worker.lock);
}

/* --- the functions ------------------------------------------------------------------------------------ */

static void cancelled(struct weft_rpc_call *call, enum weft_rpc_code code)
{
    printf("cancelled %s\n", weft_rpc_code_name(code));
    (void)fflush(stdout);
    weft_rpc_end(call, code, "the server drains");
}

static const struct weft_rpc_events waiting = {.on_cancel = cancelled};

static void sample_echo(Sample__Sample_Service *service, const Sample__Everything *request,
                        Sample__Everything_Closure closure, void *call)
{
    (void)service;
    closure(request, call);
}

/* Answers with what the client has sent beside its message, and with the time that is left. */
static void answer_beside(struct weft_rpc_call *call, const Sample__Text *request,
                          Sample__Text_Closure closure)
{
    struct weft_view bytes = weft_view(NULL, 0), colour = weft_view(NULL, 0);
    Sample__Text detail = SAMPLE__TEXT__INIT;
    detail.text = request->text;
    if (!weft_rpc_metadata(call, "x-colour", &colour) ||
        weft_rpc_metadata_bytes(call, "x-raw-bin", &bytes) < 0 ||
        weft_rpc_add_header(call, "x-colour", colour) < 0 ||
        weft_rpc_add_trailer(call, "x-raw-bin", bytes) < 0 ||
        weft_rpc_time_left(call) == INT64_MAX) {
        weft_rpc_end(call, WEFT_RPC_INVALID_ARGUMENT, "something is missing beside the message");
    } else if (request->count == 0) {
        closure(request, call);
    } else {
        if (weft_rpc_add_detail(call, &detail.base) < 0)
            puts("no memory for a detail");
        weft_rpc_end(call, (enum weft_rpc_code)request->count, "as you wish");
    }
}

static void sample_say(Sample__Sample_Service *service, const Sample__Text *request,
                       Sample__Text_Closure closure, void *call)
{
    Sample__Text reply = SAMPLE__TEXT__INIT;
    struct weft_view value;
    char text[64] = "none";
    (void)service;
    if (strcmp(request->text, "wait") == 0) {
        weft_rpc_listen(call, &waiting, NULL);
    } else if (strcmp(request->text, "fail") == 0) {
        weft_rpc_end(call, (enum weft_rpc_code)request->count, "as you wish");
    } else if (strcmp(request->text, "beside") == 0) {
        answer_beside(call, request, closure);
    } else if (strcmp(request->text, "colour") == 0) {
        if (weft_rpc_metadata(call, "x-colour", &value))
            (void)snprintf(text, sizeof text, "%.*s", (int)value.size, (const char *)value.data);
        reply.text = text;
        closure(&reply, call);
    } else {
        submit(call, request, closure);
    }
}

/* Sends 0, 1, ..., count - 1. */
static int next(struct weft_rpc_call *call, const ProtobufCMessage *message, void *state)
{
    const Sample__Text *request = (const void *)message;
    uint32_t *sent = state;
    Sample__Text reply = SAMPLE__TEXT__INIT;
    if (*sent == request->count) {
        weft_rpc_end(call, WEFT_RPC_OK, NULL);
        return 0;
    }
    reply.text = request->text;
    reply.count = (*sent)++;
    return weft_rpc_send(call, &reply.base);
}

static void sample_stream(Sample__Sample_Service *service, const Sample__Text *request,
                          Sample__Text_Closure closure, void *call)
{
    (void)service, (void)request, (void)closure;
    uint32_t *sent = weft_rpc_generate(call, next, sizeof *sent);
    if (sent)
        weft_rpc_listen(call, &waiting, sent);
}

/* Sends back what comes, and asks for more unless it says "hold". */
static void chat_message(struct weft_rpc_call *call, const ProtobufCMessage *message)
{
    const Sample__Text *text = (const void *)message;
    if (!text) {
        weft_rpc_end(call, WEFT_RPC_OK, NULL);
    } else if (weft_rpc_send(call, message) < 0) {
        weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "no room for an answer");
    } else if (strcmp(text->text, "hold") != 0) {
        weft_rpc_next(call);
    }
}

static void chat_cancel(struct weft_rpc_call *call, enum weft_rpc_code code)
{
    printf("cancelled %s\n", weft_rpc_code_name(code));
    (void)fflush(stdout);
    weft_rpc_end(call, code, "as was said");
}

static void sample_chat(Sample__Sample_Service *service, const Sample__Text *request,
                        Sample__Text_Closure closure, void *call)
{
    static const struct weft_rpc_events events = {.on_cancel = chat_cancel,
                                                  .on_message = chat_message};
    (void)service, (void)request, (void)closure;
    weft_rpc_listen(call, &events, NULL);
}

/* The counts of a Sum so far. */
struct sum {
    Sample__Text_Closure closure;
    uint32_t count;
};

static void sum_message(struct weft_rpc_call *call, const ProtobufCMessage *message)
{
    struct sum *sum = weft_rpc_data(call);
    Sample__Text reply = SAMPLE__TEXT__INIT;
    if (message) {
        sum->count += ((const Sample__Text *)(const void *)message)->count;
        weft_rpc_next(call);
        return;
    }
    reply.count = sum->count;
    sum->closure(&reply, call);
}

static void sample_sum(Sample__Sample_Service *service, const Sample__Text *request,
                       Sample__Text_Closure closure, void *call)
{
    static const struct weft_rpc_events events = {.on_cancel = chat_cancel,
                                                  .on_message = sum_message};
    struct sum *sum = weft_rpc_alloc(call, sizeof *sum);
    (void)service, (void)request;
    if (!sum) {
        weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "no memory for a sum");
        return;
    }
    *sum = (struct sum){.closure = closure};
    weft_rpc_listen(call, &events, sum);
}

static const Sample__Sample_Service sample = {
    .base = {&sample__sample__descriptor, protobuf_c_service_invoke_internal, NULL},
    .echo = sample_echo,
    .say = sample_say,
    .stream = sample_stream,
    .chat = sample_chat,
    .sum = sample_sum,
};

/* --- the server --------------------------------------------------------------------------------------- */

static int fill(struct weft_registry *registry, struct weft_rpc *rpc, struct weft_error *error)
{
    static const char *const streams[] = {"Stream", "Chat", NULL};
    const struct weft_plugins plugins = {
        .transports = weft_transports_basic(),
        .codecs = (const struct weft_codec *const[]){&weft_codec_length_delimited_gzip,
                                                     &weft_codec_http, &weft_codec_grpc, NULL},
    };
    int err = weft_registry_add_all(registry, &plugins, error);
    if (err == 0)
        err = weft_rpc_add(rpc, &sample.base, streams, error);
    if (err == 0)
        err = weft_rpc_stream_requests(rpc, "sample.Sample/Chat", error);
    if (err == 0)
        err = weft_rpc_stream_requests(rpc, "sample.Sample/Sum", error);
    if (err == 0)
        err = weft_rpc_add_health(rpc, error);
    if (err == 0)
        err = weft_rpc_add_reflection(rpc, error);
    return err == 0 ? weft_rpc_register(rpc, registry, error) : err;
}

int main(int argc, char **argv)
{
    struct weft_registry registry = {.frozen = false};
    struct weft_error error;
    struct weft_rpc *rpc = weft_rpc_new("sample");
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL) != 0)
        return 1;
    int err = fill(&registry, rpc, &error);
    if (err == 0)
        err = weft_serve(&registry, argc, argv, &error);
    if (err != 0)
        (void)fprintf(stderr, "rpc_server: %s\n", error.text);
    pthread_mutex_lock(&worker.lock);
    worker.over = true;
    pthread_cond_signal(&worker.more);
    pthread_mutex_unlock(&worker.lock);
    pthread_join(thread, NULL);
    weft_rpc_free(rpc);
    return err == 0 ? 0 : 1;
}
