/* SPDX-License-Identifier: MIT
 *
 * The typed calls of kv_client.h, in this process, against a real kvs: all in flight at once, in
 * both codecs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "codecs/codecs.h"
#include "core/base/compiler.h"
#include "transports/transports.h"
#include "lib/kvs.h"
#include "services/kv/client.h"

enum { FD_LIMIT = 64, BUDGET = 1 << 20, CALLS_MAX = 32, TEXT_SIZE = 128 };

/* Calls in flight; each reply is written down as a line of text. */
struct fixture {
    struct kvs kvs;
    struct weft_registry registry;
    struct weft_loop *loop;
    struct weft_client *connection;
    struct weft_kv_client client;
    size_t made, done;
    struct entry {
        struct weft_kv_call call;
        struct fixture *fixture;
        int status;
        char text[TEXT_SIZE];
    } calls[CALLS_MAX];
};

static void write_value(char *text, const struct weft_kv_value *value)
{
    size_t used = strlen(text);
    if (value->type == WEFT_KV_STRING || value->type == WEFT_KV_BINARY)
        snprintf(text + used, TEXT_SIZE - used, " '%.*s'", (int)value->bytes.size,
                 (const char *)value->bytes.data);
    else if (value->type == WEFT_KV_INTEGER)
        snprintf(text + used, TEXT_SIZE - used, " %lld", (long long)value->integer);
    else if (value->type == WEFT_KV_FLOAT)
        snprintf(text + used, TEXT_SIZE - used, " %g", value->number);
    else
        snprintf(text + used, TEXT_SIZE - used, " %s",
                 value->type == WEFT_KV_EMPTY ? "-"
                 : value->boolean             ? "true"
                                              : "false");
}

/* "(16)": a version and no expiry; "(0 timed)": none, and an expiry; "(0 unmet)". */
static void write_state(char *text, const struct weft_kv_state *state)
{
    size_t used = strlen(text);
    snprintf(text + used, TEXT_SIZE - used, " (%zu%s%s)", state->version.size,
             state->expires > 0 && state->left > 0 ? " timed" : "", state->unmet ? " unmet" : "");
}

static void write_table(char *text, const struct weft_kv_table *table)
{
    size_t used = strlen(text);
    snprintf(text + used, TEXT_SIZE - used, " %.*s=%llu", (int)table->name.size,
             (const char *)table->name.data, (unsigned long long)table->count);
}

static void on_done(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply)
{
    struct entry *entry = weft_container_of(call, struct entry, call);
    struct fixture *fixture = entry->fixture;
    entry->status = status;
    if (status == 0) {
        snprintf(entry->text, sizeof entry->text, "%u", reply->status);
        for (size_t i = 0; i < reply->value_count; i++)
            write_value(entry->text, &reply->values[i]);
        for (size_t i = 0; i < reply->pair_count; i++)
            write_value(entry->text, &reply->pairs[i].value);
        for (size_t i = 0; i < reply->state_count; i++)
            write_state(entry->text, &reply->states[i]);
        for (size_t i = 0; i < reply->table_count; i++)
            write_table(entry->text, &reply->tables[i]);
    }
    if (++fixture->done == fixture->made)
        weft_loop_stop(fixture->loop);
}

/* The next call. */
static struct weft_kv_call *call(struct fixture *fixture)
{
    assert_true(fixture->made < CALLS_MAX);
    struct entry *entry = &fixture->calls[fixture->made++];
    *entry = (struct entry){.call = {.done = on_done, .timeout = (int64_t)WEFT_SECONDS(100)},
                            .fixture = fixture};
    return &entry->call;
}

static void start(struct fixture *fixture, const char *codec)
{
    struct weft_error error = {0};
    *fixture = (struct fixture){0};
    kvs_start(&fixture->kvs, WORDS("--listen", KVS_ANY_PORT, "--codec", codec));
    assert_int_equal(weft_registry_add_codec(&fixture->registry, &weft_codec_raw), 0);
    assert_int_equal(weft_registry_add_codec(&fixture->registry, &weft_codec_length_delimited_gzip),
                     0);
    assert_int_equal(weft_registry_add_transport(&fixture->registry, &weft_transport_tcp), 0);
    assert_int_equal(weft_loop_new(&fixture->loop, FD_LIMIT), 0);
    const struct weft_client_options options = {.registry = &fixture->registry,
                                                .loop = fixture->loop,
                                                .url = fixture->kvs.urls[0],
                                                .codec = codec,
                                                .limits = weft_limits_default()};
    if (weft_client_new(&fixture->connection, &options, &error) < 0)
        fail_msg("%s", error.text);
    weft_kv_client_init(&fixture->client, fixture->connection, BUDGET);
}

static void stop(struct fixture *fixture)
{
    weft_client_close(fixture->connection);
    weft_kv_client_fini(&fixture->client);
    weft_loop_free(fixture->loop);
    kvs_end(&fixture->kvs);
}

static void make_every_call(struct fixture *fixture)
{
    struct weft_kv_client *client = &fixture->client;
    const struct weft_view t = weft_view_str("t"), a = weft_view_str("a"), b = weft_view_str("b");
    const struct weft_view keys[] = {b, a};
    const struct weft_kv_pair one = {a, {.type = WEFT_KV_STRING, .bytes = weft_view_str("one")}};
    const struct weft_kv_pair two[] = {{a, {.type = WEFT_KV_INTEGER, .integer = -1}},
                                       {b, {.type = WEFT_KV_FLOAT, .number = 2.5}}};
    struct weft_error error;
    assert_int_equal(weft_kv_client_hget(client, call(fixture), t, a, &error), 0);
    assert_int_equal(weft_kv_client_hset(client, call(fixture), t, &one, &error), 0);
    assert_int_equal(weft_kv_client_hget(client, call(fixture), t, a, &error), 0);
    assert_int_equal(weft_kv_client_hmset(client, call(fixture), t, two, 2, &error), 0);
    assert_int_equal(weft_kv_client_hmget(client, call(fixture), t, keys, 2, &error), 0);
    assert_int_equal(weft_kv_client_hdel(client, call(fixture), t, a, &error), 0);
    assert_int_equal(weft_kv_client_hexist(client, call(fixture), t, a, &error), 0);
    assert_int_equal(weft_kv_client_hmexist(client, call(fixture), t, keys, 2, &error), 0);
    assert_int_equal(weft_kv_client_hgetall(client, call(fixture), t, &error), 0);
    assert_int_equal(weft_kv_client_hscan(client, call(fixture), t, weft_view(NULL, 0), 10, &error),
                     0);
    assert_int_equal(weft_kv_client_hmdel(client, call(fixture), t, keys, 2, &error), 0);
}

static void make_calls_that_change(struct fixture *fixture)
{
    struct weft_kv_client *client = &fixture->client;
    const struct weft_view t = weft_view_str("u"), n = weft_view_str("n"), none = {0};
    const struct weft_view keys[] = {n, weft_view_str("gone")};
    const struct weft_kv_expiry soon = {WEFT_KV_EXPIRE_AFTER, 3600000}, ask = {0};
    const struct weft_kv_change put[] = {
        {.key = n,
         .what = WEFT_KV_STORE,
         .value = {.type = WEFT_KV_INTEGER, .integer = 1},
         .condition = WEFT_KV_IF_ABSENT},
        {.key = keys[1], .what = WEFT_KV_REMOVE},
    };
    struct weft_error error;
    assert_int_equal(weft_kv_client_hput(client, call(fixture), t, put, 2, true, &error), 0);
    assert_int_equal(weft_kv_client_hput(client, call(fixture), t, put, 2, true, &error), 0);
    assert_int_equal(weft_kv_client_hincr(client, call(fixture), t, n, -3, &error), 0);
    assert_int_equal(weft_kv_client_hincr_float(client, call(fixture), t, n, 0.5, &error), 0);
    assert_int_equal(weft_kv_client_hexpire(client, call(fixture), t, keys, 2, soon, &error), 0);
    assert_int_equal(weft_kv_client_hexpire(client, call(fixture), t, keys, 1, ask, &error), 0);
    assert_int_equal(weft_kv_client_tables(client, call(fixture), t, none, 0, &error), 0);
    assert_int_equal(weft_kv_client_count(client, call(fixture), t, &error), 0);
    assert_int_equal(weft_kv_client_drop(client, call(fixture), t, &error), 0);
    assert_int_equal(weft_kv_client_count(client, call(fixture), t, &error), 0);
}

static void run_every_call(const char *codec)
{
    static const char *const wanted[] = {"404",
                                         "200 -",
                                         "200 'one'",
                                         "200 'one' -",
                                         "200 2.5 -1",
                                         "200 -1",
                                         "200 false",
                                         "200 true false",
                                         "200 2.5",
                                         "200 2.5",
                                         "200 2.5 -",
                                         "200 - - (16) (0)",
                                         "412 (16 unmet) (0)",
                                         "200 -2",
                                         "200 -1.5",
                                         "200 true false (0 timed) (0)",
                                         "200 true (0 timed)",
                                         "200 u=1",
                                         "200 1",
                                         "200 1",
                                         "200 0"};
    struct fixture fixture;
    start(&fixture, codec);
    make_every_call(&fixture);
    make_calls_that_change(&fixture);
    weft_loop_run(fixture.loop);
    for (size_t i = 0; i < fixture.made; i++) {
        assert_int_equal(fixture.calls[i].status, 0);
        assert_string_equal(fixture.calls[i].text, wanted[i]);
    }
    stop(&fixture);
}

static void test_every_call_in_length_delimited_gzip(void **state)
{
    (void)state;
    run_every_call("length-delimited-gzip");
}

static void test_every_call_in_raw(void **state)
{
    (void)state;
    run_every_call("raw");
}

static void test_bad_arguments_are_refused_before_they_are_sent(void **state)
{
    (void)state;
    struct fixture fixture;
    struct weft_error error;
    start(&fixture, "raw");
    assert_int_equal(weft_kv_client_hget(&fixture.client, call(&fixture), weft_view_str("\xff"),
                                         weft_view_str("k"), &error),
                     -EINVAL);
    assert_int_equal(weft_client_pending(fixture.connection), 0);
    stop(&fixture);
}

static void test_close_cancels_calls_in_flight(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, "raw");
    make_every_call(&fixture);
    weft_client_close(fixture.connection);
    assert_int_equal(fixture.done, fixture.made);
    for (size_t i = 0; i < fixture.made; i++)
        assert_int_equal(fixture.calls[i].status, -ECANCELED);
    fixture.connection = NULL;
    stop(&fixture);
}

static void test_reply_over_the_budget_is_too_big(void **state)
{
    (void)state;
    struct fixture fixture;
    struct weft_error error;
    const struct weft_view keys[64] = {{0}};
    start(&fixture, "raw");
    weft_kv_client_fini(&fixture.client);
    weft_kv_client_init(&fixture.client, fixture.connection, 256);
    assert_int_equal(
        weft_kv_client_hmget(&fixture.client, call(&fixture), weft_view_str("t"), keys, 64, &error),
        0);
    weft_loop_run(fixture.loop);
    assert_int_equal(fixture.calls[0].status, WEFT_ETOOBIG);
    assert_string_equal(fixture.calls[0].call.why, "the reply has too many items");
    stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_call_in_length_delimited_gzip),
        cmocka_unit_test(test_every_call_in_raw),
        cmocka_unit_test(test_bad_arguments_are_refused_before_they_are_sent),
        cmocka_unit_test(test_close_cancels_calls_in_flight),
        cmocka_unit_test(test_reply_over_the_budget_is_too_big),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
