/* SPDX-License-Identifier: MIT
 *
 * A chat of one: it subscribes to a topic, publishes COUNT numbers to it over the same connection, and checks that each
 * comes back once and in order, between the replies to what it publishes.
 *
 *     cc -std=c17 -o topics topics.c $(pkg-config --cflags --libs weft-kv weft-codecs)
 *     ./topics tcp://127.0.0.1:9527 1000
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <weft/codecs.h>
#include <weft/base/compiler.h>
#include <weft/base/units.h>
#include <weft/kv/client_topics.h>
#include <weft/transports.h>

struct chat {
    struct weft_loop *loop;
    struct weft_client *connection;
    struct weft_kv_client kv;
    struct weft_kv_call call;
    uint64_t count, published, heard;
    bool failed;
};

static const char topic[] = "topics-example";

static void fail(struct chat *chat, const char *what)
{
    if (!chat->failed)
        fprintf(stderr, "topics: %s\n", what);
    chat->failed = true;
    weft_loop_stop(chat->loop);
}

static void publish_next(struct chat *chat)
{
    struct weft_error error;
    const struct weft_kv_value value = {.type = WEFT_KV_INTEGER,
                                        .integer = (int64_t)chat->published};
    if (weft_kv_client_publish(&chat->kv, &chat->call, weft_view_str(topic), &value, 1, &error) < 0)
        fail(chat, error.text);
}

/* The replies to the subscribe and to each publish, in the order of the calls. */
static void on_reply(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply)
{
    struct chat *chat = weft_container_of(call, struct chat, call);
    if (status == -ECANCELED)
        return;
    if (status < 0 || reply->status != 200)
        fail(chat, status < 0 ? weft_client_trouble(chat->connection) : "the server refused");
    else if (chat->published < chat->count) {
        publish_next(chat);
        chat->published++;
    }
}

/* The messages, which come in no order with the replies. */
static void on_message(void *arg, const struct weft_kv_reply *message)
{
    struct chat *chat = arg;
    if (!message || message->status != 200) {
        fail(chat, "messages were lost, or the subscription has ended");
        return;
    }
    for (size_t i = 0; i < message->value_count; i++)
        if (message->values[i].integer != (int64_t)chat->heard++)
            fail(chat, "a message out of its order");
    if (chat->heard == chat->count)
        weft_loop_stop(chat->loop);
}

static bool on_push(struct weft_client *connection, struct weft_view payload)
{
    struct chat *chat = weft_client_data(connection);
    return weft_kv_client_take_push(&chat->kv, payload, on_message, chat);
}

static int fill(struct weft_registry *registry)
{
    int err = weft_registry_add_transport(registry, &weft_transport_tcp);
    if (err == 0)
        err = weft_registry_add_transport(registry, &weft_transport_unix);
    return err == 0 ? weft_registry_add_codec(registry, &weft_codec_length_delimited_gzip) : err;
}

int main(int argc, char **argv)
{
    static struct chat chat = {.call = {.done = on_reply}};
    if (argc != 3 || weft_parse_count(argv[2], &chat.count) < 0 || chat.count == 0) {
        fprintf(stderr, "usage: topics URL COUNT\n");
        return 2;
    }
    struct weft_registry registry = {0};
    int err = fill(&registry);
    if (err == 0)
        err = weft_loop_new(&chat.loop, 64);
    if (err < 0) {
        fprintf(stderr, "topics: %s\n", weft_strerror(err));
        return 1;
    }
    const struct weft_client_options options = {
        .registry = &registry,
        .loop = chat.loop,
        .url = argv[1],
        .codec = "length-delimited-gzip",
        .limits = weft_limits_default(),
        .connect_timeout = (int64_t)WEFT_SECONDS(5),
        .on_push = on_push,
        .data = &chat,
    };
    struct weft_error error;
    if (weft_client_new(&chat.connection, &options, &error) < 0) {
        fail(&chat, error.text);
    } else {
        weft_kv_client_init(&chat.kv, chat.connection, 1 << 20);
        if (weft_kv_client_subscribe(&chat.kv, &chat.call, weft_view_str(topic), false, false,
                                     &error) < 0)
            fail(&chat, error.text);
        else
            weft_loop_run(chat.loop);
        weft_client_close(chat.connection);
        weft_kv_client_fini(&chat.kv);
    }
    weft_loop_free(chat.loop);
    if (chat.failed)
        return 1;
    printf("%llu messages, each once and in order\n", (unsigned long long)chat.heard);
    return 0;
}
