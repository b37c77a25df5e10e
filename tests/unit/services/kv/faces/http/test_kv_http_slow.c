/* SPDX-License-Identifier: MIT
 *
 * A whole server of kv over HTTP, on a scripted stream and virtual time: peers that send little, slowly and for
 * ever. Each is closed at its limit, and takes no more memory on the way than what it sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "core/server/server_private.h"
#include "lib/fault.h"
#include "lib/script_transport.h"
#include "lib/virtual_loop.h"
#include "services/kv/service.h"
#include "services/kv/stores/stores.h"

#define SECONDS(n) ((int64_t)WEFT_SECONDS(n))

struct world {
    struct weft_registry registry;
    struct weft_kv_context kv;
    struct weft_server *server;
    struct weft_loop *loop;
};

static void world_init(struct world *world)
{
    static const char *const urls[] = {"script:http?codec=http"};
    static const char *const *url = urls;
    const struct weft_kv_limits limits = weft_kv_limits_default();
    struct weft_error error;
    *world = (struct world){0};
    script_begin(1);
    assert_int_equal(weft_kv_context_init(&world->kv, &weft_kv_store_memory, &limits, NULL, &error),
                     0);
    assert_int_equal(weft_registry_add_transport(&world->registry, &script_transport), 0);
    assert_int_equal(weft_registry_add_codec(&world->registry, &weft_codec_http), 0);
    assert_int_equal(weft_registry_add_service(&world->registry, &weft_kv_http_service, &world->kv),
                     0);
    const struct weft_server_options options = {
        .registry = &world->registry,
        .urls = url,
        .url_count = 1,
        .codec = "http",
        .service = "kv",
        .limits = weft_limits_default(),
        .threads = 1,
    };
    assert_int_equal(weft_server_new(&world->server, &options, &error), 0);
    assert_int_equal(weft_server_listen(world->server, &error), 0);
    weft__server_begin(world->server);
    world->loop = weft_server_loop(world->server);
}

static void world_fini(struct world *world)
{
    weft_server_free(world->server);
    weft_kv_context_fini(&world->kv);
    assert_int_equal(script_finish(), 0);
}

static void say(struct world *world, struct script_end *peer, const char *text)
{
    script_send(peer, text, strlen(text));
    assert_true(virtual_loop_run_until_idle(world->loop));
}

/* True if the reply that has come begins with that status line's beginning. */
static bool heard(struct script_end *peer, const char *beginning)
{
    size_t size;
    const uint8_t *data = script_received(peer, &size);
    return size >= strlen(beginning) && memcmp(data, beginning, strlen(beginning)) == 0;
}

/* Says `piece` once a second. Returns the second at which the server has closed, or `most`. */
static int say_slowly(struct world *world, struct script_end *peer, const char *piece, int most)
{
    for (int second = 0; second < most; second++) {
        if (script_is_gone(peer))
            return second;
        say(world, peer, piece);
        assert_true(virtual_loop_advance(world->loop, SECONDS(1)));
    }
    return most;
}

static void test_slow_senders_are_closed_at_the_deadline_of_their_first_byte(void **state)
{
    (void)state;
    static const struct {
        const char *begin, *piece;
    } senders[] = {
        {"GET /he", "a"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: ", "a"},
        {"GET / HTTP/1.1\r\nHost: a\r\n", "X: a\r\n"},
        {"PUT /v1/tables/t/keys/k HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", "a"},
        {"PUT /v1/tables/t/keys/k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
         "1\r\na\r\n"},
        {"PUT /v1/tables/t/keys/k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
         "X: a\r\n"},
        {"PUT /v1/tables/t/keys/k HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n", "a"},
    };
    for (size_t i = 0; i < sizeof senders / sizeof *senders; i++) {
        struct world world;
        world_init(&world);
        struct script_end *peer = script_dial("http");
        say(&world, peer, senders[i].begin);
        int closed = say_slowly(&world, peer, senders[i].piece, 1000);
        /* A body that says that it is large may take its time at 16 KiB a second. */
        assert_in_range(closed, 30, i == 6 ? 551 : 31);
        script_close(peer);
        world_fini(&world);
    }
}

static void test_connection_that_was_answered_may_rest(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct script_end *peer = script_dial("http");
    say(&world, peer, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(virtual_loop_advance(world.loop, SECONDS(3600)));
    assert_false(script_is_gone(peer));
    assert_true(heard(peer, "HTTP/1.1 200 OK\r\n"));
    script_close(peer);
    assert_true(virtual_loop_run_until_idle(world.loop));
    world_fini(&world);
}

/* Sends `piece` until the server closes. Returns the most bytes that were alive meanwhile. */
static size_t flood(struct world *world, const char *begin, const char *piece, const char *reply)
{
    struct script_end *peer = script_dial("http");
    say(world, peer, begin);
    int said = 0;
    for (; said < 1000000 && !heard(peer, "HTTP/1.1 4"); said++)
        say(world, peer, piece);
    size_t most = fault_bytes_most();
    assert_true(said < 1000000);
    assert_true(heard(peer, reply));
    script_shutdown(peer);
    assert_true(virtual_loop_advance(world->loop, SECONDS(2)));
    assert_true(script_is_gone(peer));
    script_close(peer);
    return most;
}

static void test_endless_requests_are_refused_and_take_the_memory_of_their_limit(void **state)
{
    (void)state;
    static const char post[] =
        "POST /v1/batch HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    struct world world;
    fault_install();
    world_init(&world);
    size_t before = fault_bytes();
    size_t most = flood(&world, "GET / HTTP/1.1\r\n", "X:\r\n", "HTTP/1.1 431 ");
    assert_true(most < before + (64 << 10));
    most = flood(&world, "GET / HTTP/1.1\r\nX: ", "0123456789", "HTTP/1.1 431 ");
    assert_true(most < before + (64 << 10));
    most = flood(&world, "GET /", "0123456789", "HTTP/1.1 414 ");
    assert_true(most < before + (64 << 10));
    most = flood(&world, post, "1;x\r\na\r\n", "HTTP/1.1 400 ");
    assert_true(most < before + (128 << 10));
    world_fini(&world);
    fault_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_senders_are_closed_at_the_deadline_of_their_first_byte),
        cmocka_unit_test(test_connection_that_was_answered_may_rest),
        cmocka_unit_test(test_endless_requests_are_refused_and_take_the_memory_of_their_limit),
    };
    return cmocka_run_group_tests_name("kv, HTTP, slow and endless peers", tests, NULL, NULL);
}
