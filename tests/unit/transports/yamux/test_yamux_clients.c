/* SPDX-License-Identifier: MIT
 *
 * A server and its clients over yamux, on one virtual loop: sessions and streams as connections, several clients over one
 * session, limits, deadlines, drains and failing allocations. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "core/client.h"
#include "core/connections.h"

#include "core/dialer.h"
#include "core/inspect.h"
#include "core/server/server_private.h"
#include "lib/fault.h"
#include "lib/script_transport.h"
#include "lib/virtual_loop.h"
#include "services/echo/echo.h"
#include "transports/transports.h"

enum { CLIENTS = 4, CALLS = 64, MANY_STREAMS = WEFT_WALK_SHARE + 4 };

#define SECOND INT64_C(1000000000)

struct world;

struct caller {
    struct weft_call call;
    struct user *user;
};

struct user {
    struct world *world;
    struct weft_client *client; /* NULL: closed */
    struct caller calls[CALLS];
    size_t made, done;
    int connected; /* the status of on_connect; 1: none */
    char heard[512];
    int status;  /* of the last call that failed */
    bool closes; /* from within the next answer */
};

struct world {
    struct weft_registry registry;
    struct weft_server *server;
    struct weft_server_options options;
    struct weft_loop *loop;
    struct user users[CLIENTS];
    struct weft_error error;
};

static void fill_registry(struct weft_registry *registry)
{
    assert_int_equal(weft_registry_add_transport(registry, &script_transport), 0);
    assert_int_equal(weft_registry_add_transport(registry, &weft_transport_yamux), 0);
    assert_int_equal(weft_registry_add_codec(registry, &weft_codec_raw), 0);
    assert_int_equal(weft_registry_add_service(registry, &echo_service, NULL), 0);
}

static int try_start_with(struct world *world, const char *url, uint32_t max_connections)
{
    const char *const urls[] = {url};

    script_begin(1);
    *world = (struct world){.server = NULL};
    fill_registry(&world->registry);
    world->options = (struct weft_server_options){
        .registry = &world->registry,
        .urls = urls,
        .url_count = 1,
        .codec = "raw",
        .service = "echo",
        .limits = weft_limits_default(),
        .threads = 1,
    };
    world->options.limits.max_connections = max_connections;
    int err = weft_server_new(&world->server, &world->options, &world->error);
    if (err == 0)
        err = weft_server_listen(world->server, &world->error);
    if (err < 0)
        return err;
    weft__server_begin(world->server);
    world->loop = weft_server_loop(world->server);
    return 0;
}

static int try_start_url(struct world *world, const char *url)
{
    return try_start_with(world, url, 4);
}

static int try_start(struct world *world, const char *options)
{
    static char url[128];

    snprintf(url, sizeof url, "yamux+script:kv%s%s", *options ? "?" : "", options);
    return try_start_url(world, url);
}

static void start(struct world *world, const char *options)
{
    if (try_start(world, options) < 0)
        fail_msg("%s", world->error.text);
}

static void run(struct world *world)
{
    assert_true(virtual_loop_run_until_idle(world->loop));
}

static void on_connect(struct weft_client *client, int status, const struct weft_error *error)
{
    struct user *user = weft_client_data(client);
    (void)error;
    user->connected = status;
}

static int try_connect_url(struct world *world, const char *url, size_t i,
                           struct weft_client *beside)
{
    struct user *user = &world->users[i];
    const struct weft_client_options options = {
        .registry = &world->registry,
        .loop = world->loop,
        .url = url,
        .beside = beside,
        .codec = "raw",
        .limits = weft_limits_default(),
        .on_connect = on_connect,
        .data = user,
    };

    user->world = world;
    user->connected = 1;
    return weft_client_new(&user->client, &options, &world->error);
}

static int try_connect(struct world *world, size_t i, struct weft_client *beside)
{
    return try_connect_url(world, "yamux+script:kv", i, beside);
}

static struct user *join(struct world *world, size_t i, struct weft_client *beside)
{
    if (try_connect(world, i, beside) < 0)
        fail_msg("%s", world->error.text);
    return &world->users[i];
}

static void on_done(struct weft_call *call, int status, struct weft_view payload, bool last)
{
    struct user *user = ((struct caller *)(void *)call)->user;
    size_t used = strlen(user->heard);

    assert_true(last);
    user->done++;
    if (status < 0)
        user->status = status;
    else
        snprintf(user->heard + used, sizeof user->heard - used, "%.*s ", (int)payload.size,
                 (const char *)payload.data);
    if (user->closes) {
        struct weft_client *client = user->client;
        user->client = NULL;
        user->closes = false;
        weft_client_close(client);
    }
}

static int say(struct user *user, const char *text)
{
    struct weft_body_bytes body = weft_body_from_view(weft_view_str(text));
    struct caller *caller = &user->calls[user->made];

    assert_true(user->made < CALLS);
    caller->call.done = on_done;
    caller->user = user;
    int err = weft_client_call(user->client, &caller->call, &body.body, &user->world->error);
    user->made += err == 0;
    return err;
}

static void leave(struct user *user)
{
    weft_client_close(user->client);
    user->client = NULL;
}

static void end(struct world *world)
{
    for (size_t i = CLIENTS; i-- > 0;)
        leave(&world->users[i]); /* those beside the first one go before it */
    if (world->server && world->loop) {
        if (!world->server->draining)
            weft_server_stop(world->server);
        assert_true(virtual_loop_advance(world->loop, 30 * SECOND));
        assert_null(world->server->threads[0].worker.sessions);
        assert_null(world->server->threads[0].worker.conns);
    }
    weft_server_free(world->server);
    assert_int_equal(script_finish(), 0);
}

static struct weft_server_counts counts_of(struct world *world)
{
    struct weft_server_counts counts;
    weft_server_count(world->server, 0, &counts);
    return counts;
}

static void test_clients_share_a_session_and_have_orders_of_their_own(void **state)
{
    struct world world;
    (void)state;
    start(&world, "");
    struct user *first = join(&world, 0, NULL);
    struct user *second = join(&world, 1, first->client);
    for (int i = 0; i < 3; i++) {
        char text[16];
        snprintf(text, sizeof text, "a%d", i);
        assert_int_equal(say(first, text), 0);
        snprintf(text, sizeof text, "b%d", i);
        assert_int_equal(say(second, text), 0);
    }
    run(&world);
    assert_string_equal(first->heard, "a0 a1 a2 ");
    assert_string_equal(second->heard, "b0 b1 b2 ");
    assert_int_equal(first->connected, 0);
    assert_int_equal(second->connected, 0);
    /* A session and two streams. */
    assert_int_equal(counts_of(&world).accepted, 3);
    assert_int_equal(counts_of(&world).open, 3);
    assert_int_equal(world.server->threads[0].worker.living, 3);
    leave(second);
    run(&world);
    assert_int_equal(say(first, "still"), 0);
    run(&world);
    assert_string_equal(first->heard, "a0 a1 a2 still ");
    assert_int_equal(counts_of(&world).open, 2);
    leave(first);
    run(&world);
    assert_int_equal(counts_of(&world).open, 0);
    assert_int_equal(counts_of(&world).closed[WEFT_REASON_PEER_CLOSED], 3);
    assert_int_equal(world.server->threads[0].worker.living, 0);
    end(&world);
}

static void test_client_beside_one_without_a_session_is_refused(void **state)
{
    struct world world;
    (void)state;
    start(&world, "");
    struct user *first = join(&world, 0, NULL);
    struct user *second = join(&world, 1, first->client);
    assert_int_equal(try_connect(&world, 2, second->client), WEFT_ECONFIG);
    assert_string_equal(
        world.error.text,
        "'yamux+script:kv' is to be beside a client that has no session of its own");
    end(&world);
}

static void test_server_that_takes_no_more_streams_refuses_clients_beside(void **state)
{
    struct world world;
    (void)state;
    start(&world, "");
    struct user *first = join(&world, 0, NULL);
    assert_int_equal(say(first, "one"), 0);
    run(&world);
    weft_server_stop(world.server);
    run(&world);
    assert_int_equal(try_connect(&world, 1, first->client), -ECONNREFUSED);
    assert_string_equal(world.error.text, "the yamux session opens no further stream: the server "
                                          "takes none, or the session has ended");
    assert_int_not_equal(weft_client_status(first->client), 0);
    end(&world);
}

static void test_session_that_has_as_many_streams_as_it_may_refuses_a_client(void **state)
{
    struct world world;
    struct weft_client *first;
    const struct weft_client_options options = {
        .registry = &world.registry,
        .url = "yamux+script:kv?streams=1",
        .codec = "raw",
        .limits = weft_limits_default(),
    };
    (void)state;
    start(&world, "");
    struct weft_client_options own = options;
    own.loop = world.loop;
    assert_int_equal(weft_client_new(&first, &own, &world.error), 0);
    assert_int_equal(try_connect(&world, 1, first), -EAGAIN);
    assert_string_equal(world.error.text, "the yamux session opens no further stream: it has as "
                                          "many as it may have");
    weft_client_close(first);
    end(&world);
}

static void test_connect_to_nobody_says_so(void **state)
{
    struct world world;
    (void)state;
    start(&world, "");
    script_refuse_connects(1, true);
    struct user *user = join(&world, 0, NULL);
    run(&world);
    assert_int_equal(user->connected, -ECONNREFUSED);
    assert_non_null(strstr(weft_client_trouble(user->client), "cannot connect to yamux+script:kv"));
    leave(user);
    script_refuse_connects(1, false);
    assert_int_equal(try_connect(&world, 0, NULL), -ECONNREFUSED);
    end(&world);
}

/* A server of raw takes the first header for the length of a long message, and waits for the rest of it. */
static void test_client_of_a_server_without_yamux_hears_what_to_look_at(void **state)
{
    struct world world;
    (void)state;
    assert_int_equal(try_start_url(&world, "script:kv"), 0);
    struct user *user = join(&world, 0, NULL);
    user->calls[0].call.timeout = 5 * SECOND;
    assert_int_equal(say(user, "hello"), 0);
    assert_true(virtual_loop_advance(world.loop, 5 * SECOND));
    assert_int_equal(user->status, -ETIMEDOUT);
    assert_string_equal(weft_client_trouble(user->client),
                        "no reply from yamux+script:kv within 5 s; nothing of yamux has come back, "
                        "so this may be the address of another protocol");
    weft_server_stop(world.server);
    assert_true(virtual_loop_advance(world.loop, 30 * SECOND));
    assert_string_equal(weft_client_trouble(user->client),
                        "yamux+script:kv closed the connection; nothing of yamux has come back, "
                        "so this may be the address of another protocol");
    end(&world);
}

static void test_client_that_left_out_yamux_hears_that_the_server_speaks_it(void **state)
{
    struct world world;
    (void)state;
    start(&world, "");
    assert_int_equal(try_connect_url(&world, "script:kv", 0, NULL), 0);
    assert_int_equal(say(&world.users[0], "hello!"), 0);
    assert_true(virtual_loop_advance(world.loop, 2 * SECOND));
    assert_int_equal(world.users[0].status, WEFT_EFOREIGN);
    assert_string_equal(weft_client_trouble(world.users[0].client),
                        "the server answered in yamux, not in codec 'raw': is script:kv the right "
                        "address?");
    assert_int_equal(counts_of(&world).closed[WEFT_REASON_PROTOCOL], 1);
    end(&world);
}

static void test_client_may_close_within_an_answer(void **state)
{
    struct world world;
    (void)state;
    start(&world, "");
    struct user *first = join(&world, 0, NULL);
    assert_int_equal(say(first, "x"), 0);
    assert_int_equal(say(first, "y"), 0);
    first->closes = true;
    run(&world);
    assert_null(first->client);
    assert_int_equal(first->done, 2);
    assert_int_equal(counts_of(&world).open, 0);
    end(&world);
}

static void test_stream_over_max_connections_is_turned_away(void **state)
{
    struct world world;
    (void)state;
    start(&world, "");
    struct user *users[4];
    users[0] = join(&world, 0, NULL);
    for (size_t i = 1; i < 4; i++)
        users[i] = join(&world, i, users[0]->client);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(say(users[i], "hi"), 0);
    run(&world);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(users[i]->heard, "hi ");
    /* echo has no words for it. */
    assert_int_not_equal(users[3]->status, 0);
    assert_int_equal(counts_of(&world).closed[WEFT_REASON_TOO_MANY], 1);
    assert_int_equal(counts_of(&world).open, 4);
    leave(users[3]);
    leave(users[2]);
    run(&world);
    join(&world, 3, users[0]->client);
    users[3]->heard[0] = '\0';
    assert_int_equal(say(users[3], "now"), 0);
    run(&world);
    assert_string_equal(users[3]->heard, "now ");
    end(&world);
}

static void test_session_over_max_connections_is_closed(void **state)
{
    struct world world;
    (void)state;
    start(&world, "");
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(say(join(&world, i, NULL), "hi"), 0);
    run(&world);
    struct user *third = join(&world, 2, NULL);
    run(&world);
    assert_int_not_equal(weft_client_status(third->client), 0);
    assert_int_equal(counts_of(&world).closed[WEFT_REASON_TOO_MANY], 1);
    end(&world);
}

static void test_drain_answers_what_came_and_ends_the_session(void **state)
{
    struct world world;
    (void)state;
    start(&world, "");
    struct user *first = join(&world, 0, NULL);
    struct user *second = join(&world, 1, first->client);
    run(&world);
    assert_int_equal(say(first, "last"), 0);
    virtual_loop_turn(world.loop); /* it is on its way */
    virtual_loop_turn(world.loop);
    weft_server_stop(world.server);
    run(&world);
    assert_string_equal(first->heard, "last ");
    assert_int_not_equal(weft_client_status(first->client), 0);
    assert_int_not_equal(weft_client_status(second->client), 0);
    assert_true(virtual_loop_advance(world.loop, 2 * SECOND));
    assert_int_equal(counts_of(&world).open, 0);
    assert_int_equal(counts_of(&world).closed[WEFT_REASON_DRAINED], 3);
    assert_int_equal(weft_server_cut(world.server), 0);
    end(&world);
}

static void test_cut_ends_streams_and_sessions_at_once(void **state)
{
    struct world world;
    struct script_end *peer;
    static const uint8_t hello[] = {0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0,
                                    0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0};
    (void)state;
    start(&world, "");
    peer = script_dial("kv");
    script_send(peer, hello, sizeof hello);
    run(&world);
    assert_int_equal(counts_of(&world).open, 2);
    weft_server_stop(world.server);
    weft_server_stop(world.server);
    run(&world);
    assert_true(script_is_gone(peer));
    assert_int_equal(counts_of(&world).closed[WEFT_REASON_CUT], 2);
    script_close(peer);
    end(&world);
}

static void test_session_without_streams_idles_out(void **state)
{
    struct world world;
    struct script_end *peer;
    struct weft_limits limits;
    struct weft_limits_change *change;
    (void)state;
    start(&world, "session-keepalive=0");
    limits = world.options.limits;
    limits.idle_timeout = WEFT_SECONDS(5);
    assert_int_equal(weft_server_prepare_limits(world.server, &limits, &change, &world.error), 0);
    weft_server_commit_limits(world.server, change);
    run(&world);
    peer = script_dial("kv");
    assert_true(virtual_loop_advance(world.loop, SECOND));
    assert_int_equal(counts_of(&world).open, 1);
    assert_true(virtual_loop_advance(world.loop, 10 * SECOND));
    assert_int_equal(counts_of(&world).open, 0);
    assert_int_equal(counts_of(&world).closed[WEFT_REASON_IDLE_TIMEOUT], 1);
    script_close(peer);
    end(&world);
}

static void test_broken_rule_is_the_reason_of_the_session_and_its_streams(void **state)
{
    struct world world;
    struct script_end *peer;
    static const uint8_t hello[] = {0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0};
    (void)state;
    start(&world, "");
    peer = script_dial("kv");
    script_send(peer, hello, sizeof hello);
    run(&world);
    script_send(peer, "GET / HTTP/1.1\r\n\r\n", 18);
    assert_true(virtual_loop_advance(world.loop, 2 * SECOND));
    assert_int_equal(counts_of(&world).closed[WEFT_REASON_PROTOCOL], 2);
    script_close(peer);
    end(&world);
}

/* A walk, and what it has seen. */
struct look {
    struct weft_walk walk;
    uint64_t end; /* what is to end; 0: nothing */
    uint64_t session;
    size_t streams, of_session, sessions, shown_streams;
    bool is_done;
};

static unsigned look_at(struct weft_walk *walk, const struct weft_connection *row)
{
    struct look *look = weft_container_of(walk, struct look, walk);

    if (row->is_session) {
        assert_null(row->codec);
        assert_string_equal(row->transport, "yamux+script");
        look->sessions++;
        look->session = row->id;
        look->shown_streams += row->streams;
    } else {
        look->streams++;
        look->of_session = row->session;
    }
    return row->id == look->end ? WEFT_VISIT_END : WEFT_VISIT_NEXT;
}

static void look_done(struct weft_walk *walk)
{
    weft_container_of(walk, struct look, walk)->is_done = true;
}

static struct look look_around(struct world *world, bool sessions, uint64_t ends)
{
    struct look look = {.walk = {.visit = look_at, .done = look_done, .sessions = sessions},
                        .end = ends};

    weft_server_walk(world->server, world->loop, &look.walk);
    run(world);
    assert_true(look.is_done);
    return look;
}

static void test_walk_shows_sessions_if_asked_and_ends_them(void **state)
{
    struct world world;
    (void)state;
    start(&world, "");
    struct user *first = join(&world, 0, NULL);
    struct user *second = join(&world, 1, first->client);
    run(&world);
    struct look look = look_around(&world, false, 0);
    assert_int_equal(look.streams, 2);
    assert_int_equal(look.sessions, 0);
    uint64_t session = look.of_session;
    look = look_around(&world, true, session);
    assert_int_equal(look.streams, 2);
    assert_int_equal(look.sessions, 1);
    assert_int_equal(look.session, session);
    assert_int_equal(look.shown_streams, 2);
    assert_int_equal(counts_of(&world).closed[WEFT_REASON_KILLED], 1);
    assert_int_equal(counts_of(&world).open, 0);
    assert_int_not_equal(weft_client_status(second->client), 0);
    end(&world);
}

/* A walk that has shown its share of streams waits for the next turn, and a session may go meanwhile. */
static void test_walk_passes_over_a_session_that_goes_meanwhile(void **state)
{
    struct world world;
    struct look look = {.walk = {.visit = look_at, .done = look_done, .sessions = true}};
    uint8_t syn[] = {0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0};
    (void)state;
    assert_int_equal(try_start_with(&world, "yamux+script:kv?streams=1000&backlog=1000", 1000), 0);
    struct script_end *many = script_dial("kv"), *goes = script_dial("kv");
    for (unsigned i = 0; i < MANY_STREAMS; i++) {
        syn[6] = (uint8_t)((1 + 2 * i) >> 8);
        syn[7] = (uint8_t)(1 + 2 * i);
        script_send(many, syn, sizeof syn);
    }
    run(&world);
    assert_int_equal(counts_of(&world).open, MANY_STREAMS + 2);
    weft_server_walk(world.server, world.loop, &look.walk);
    script_close(goes);
    run(&world);
    assert_true(look.is_done);
    assert_int_equal(look.streams, MANY_STREAMS);
    assert_int_equal(look.sessions, 1);
    assert_int_equal(look.shown_streams, MANY_STREAMS);
    script_close(many);
    end(&world);
}

static void test_schemes_say_where_a_multiplexer_belongs(void **state)
{
    struct weft_registry registry = {.frozen = false};
    struct weft__stack stack;
    struct weft_error error;
    (void)state;
    fill_registry(&registry);
    assert_int_equal(weft__stack_find(&stack, &registry, "script+yamux", &error), WEFT_ECONFIG);
    assert_int_equal(weft__stack_find(&stack, &registry, "yamux+yamux+script", &error),
                     WEFT_ECONFIG);
    assert_string_equal(
        error.text,
        "scheme 'yamux+yamux+script': a multiplexer is the first stage, as in yamux+tls");
    assert_int_equal(weft__stack_find(&stack, &registry, "yamux+tpc", &error), WEFT_ECONFIG);
    assert_int_equal(weft__stack_find(&stack, &registry, "yamux+script", &error), 0);
    assert_ptr_equal(stack.mux, &weft_transport_yamux);
    assert_ptr_equal(stack.transport, &script_transport);
    weft__stack_fini(&stack);
    /* Short names hold behind a multiplexer, too: this one stands for ws+tls+tcp. */
    assert_int_equal(weft__stack_find(&stack, &registry, "yamux+wss", &error), WEFT_ECONFIG);
    assert_non_null(strstr(error.text, "'ws+tls+tcp'"));
}

static void test_dialer_has_no_use_for_a_multiplexer(void **state)
{
    struct weft_registry registry = {.frozen = false};
    struct weft_dialer *dialer;
    struct weft_error error;
    (void)state;
    fill_registry(&registry);
    assert_int_equal(weft_dialer_new(&dialer, &registry, "yamux+script:kv", &error), WEFT_ECONFIG);
    assert_string_equal(error.text, "'yamux+script:kv': streams of a session are for clients and "
                                    "servers of weft");
}

static void test_options_have_ranges(void **state)
{
    static const char *const bad[] = {
        "streams=0",         "streams=x",
        "streams=65537",     "backlog=0",
        "window=255KiB",     "window=17MiB",
        "session-memory=1",  "session-output=1KiB",
        "idle-frames=9",     "session-keepalive=0.5",
        "ping-timeout=0.05", "ping-timeout=2h",
    };
    static const char *const good[] = {
        "streams=65536",        "window=16MiB",       "session-keepalive=0",
        "session-keepalive=1m", "ping-timeout=100ms", "session-memory=1GiB",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct world world;
        assert_int_equal(try_start(&world, bad[i]), WEFT_ECONFIG);
        if (i == 0)
            assert_string_equal(
                world.error.text,
                "option streams=0: it takes 1 to 65536 in 'yamux+script:kv?streams=0'");
        end(&world);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct world world;
        start(&world, good[i]);
        end(&world);
    }
}

/* Whatever fails, a client hears its own answers in their order, though some may be missing. */
static void check_order(char *heard, const char *all)
{
    for (char *rest, *word = strtok_r(heard, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        all = strstr(all, word);
        assert_non_null(all);
        all += strlen(word);
    }
}

static void whole_life(void *arg)
{
    struct world world;
    (void)arg;
    if (try_start(&world, "session-output=16KiB") < 0) {
        assert_int_not_equal(fault_failed(), 0);
        end(&world);
        return;
    }
    bool first = try_connect(&world, 0, NULL) == 0;
    bool second = first && try_connect(&world, 1, world.users[0].client) == 0;
    for (int i = 0; i < 3; i++) {
        if (first)
            (void)say(&world.users[0], i == 0 ? "one" : i == 1 ? "two" : "three");
        if (second)
            (void)say(&world.users[1], i == 0 ? "uno" : i == 1 ? "due" : "tre");
        assert_true(virtual_loop_advance(world.loop, SECOND / 10));
    }
    if (fault_failed() == 0) {
        assert_string_equal(world.users[0].heard, "one two three ");
        assert_string_equal(world.users[1].heard, "uno due tre ");
    }
    check_order(world.users[0].heard, "one two three ");
    check_order(world.users[1].heard, "uno due tre ");
    fault_disarm();
    end(&world);
}

static void test_sessions_survive_every_failing_allocation(void **state)
{
    (void)state;
    fault_each(whole_life, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clients_share_a_session_and_have_orders_of_their_own),
        cmocka_unit_test(test_client_beside_one_without_a_session_is_refused),
        cmocka_unit_test(test_server_that_takes_no_more_streams_refuses_clients_beside),
        cmocka_unit_test(test_session_that_has_as_many_streams_as_it_may_refuses_a_client),
        cmocka_unit_test(test_connect_to_nobody_says_so),
        cmocka_unit_test(test_client_of_a_server_without_yamux_hears_what_to_look_at),
        cmocka_unit_test(test_client_that_left_out_yamux_hears_that_the_server_speaks_it),
        cmocka_unit_test(test_client_may_close_within_an_answer),
        cmocka_unit_test(test_stream_over_max_connections_is_turned_away),
        cmocka_unit_test(test_session_over_max_connections_is_closed),
        cmocka_unit_test(test_drain_answers_what_came_and_ends_the_session),
        cmocka_unit_test(test_cut_ends_streams_and_sessions_at_once),
        cmocka_unit_test(test_session_without_streams_idles_out),
        cmocka_unit_test(test_broken_rule_is_the_reason_of_the_session_and_its_streams),
        cmocka_unit_test(test_walk_shows_sessions_if_asked_and_ends_them),
        cmocka_unit_test(test_walk_passes_over_a_session_that_goes_meanwhile),
        cmocka_unit_test(test_schemes_say_where_a_multiplexer_belongs),
        cmocka_unit_test(test_dialer_has_no_use_for_a_multiplexer),
        cmocka_unit_test(test_options_have_ranges),
        cmocka_unit_test(test_sessions_survive_every_failing_allocation),
    };
    return cmocka_run_group_tests_name("yamux clients", tests, NULL, NULL);
}
