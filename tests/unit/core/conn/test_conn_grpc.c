/* SPDX-License-Identifier: MIT
 *
 * The codec grpc under a server's limits: clients that never open their windows, or reset all they ask for, cost what
 * the limits say and are closed. */
#include "codecs/codecs.h"
#include "lib/fault.h"
#include "lib/grpc_peer.h"
#include "server_fixture.h"

enum { HIGH = 100000, LOW = 40000, FRAME = 50000 };

static char url_grpc[] = "script:server?codec=grpc&threshold=off&service=probe";
static const char path[] = "/probe/Do";

struct world {
    struct server_fixture *f;
    struct test_peer *peer;
    struct grpc_peer client;
};

static struct world world;

static int setup(void **state)
{
    if (server_fixture_setup_fault(state) < 0)
        return -1;
    struct server_fixture *f = *state;
    f->options.limits.output_high = HIGH;
    f->options.limits.output_low = LOW;
    f->options.limits.max_frame = f->options.limits.max_message = FRAME;
    world = (struct world){.f = f};
    return weft_registry_add_codec(&f->registry, &weft_codec_grpc);
}

static int teardown(void **state)
{
    grpc_peer_fini(&world.client);
    return server_fixture_teardown_fault(state);
}

/* A client whose windows have this size and open by themselves or not at all. */
static void dial(uint32_t window, bool auto_window)
{
    world.peer = serve_one(world.f);
    grpc_peer_init(&world.client, window, auto_window);
}

static void hear(void)
{
    size_t size;
    const uint8_t *data = script_received(world.peer->end, &size);
    grpc_peer_hear(&world.client, data, size);
    script_consume(world.peer->end, size);
}

static void talk(void)
{
    do {
        grpc_peer_make(&world.client);
        peer_send(world.peer, world.client.out, world.client.out_size);
        grpc_peer_sent(&world.client);
        turns(world.f);
        hear();
        grpc_peer_make(&world.client);
    } while (world.client.out_size > 0);
}

static struct grpc_peer_call *say(const char *text)
{
    struct grpc_peer_call *call = grpc_peer_say(&world.client, path, text);
    talk();
    return call;
}

static void expect(const struct grpc_peer_call *call, const char *message, int code)
{
    size_t size = 0;
    bool compressed;
    const uint8_t *found = grpc_peer_message(call, 0, &size, &compressed);
    assert_true(call->closed);
    assert_int_equal(call->code, code);
    assert_int_equal(size, strlen(message));
    assert_true(size == 0 || memcmp(found, message, size) == 0);
}

static void test_calls_are_answered_in_any_order(void **state)
{
    struct server_fixture *f = *state;
    dial(0, true);
    struct grpc_peer_call *a = say("wait a"), *b = say("now b"), *c = say("stream c 3 1");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    talk();
    expect(a, "A", 0);
    expect(b, "b", 0);
    expect(c, "c", 0);
    assert_int_equal(c->reply_size, 3 * 6);
}

static void test_deadline_is_told_to_both_sides(void **state)
{
    struct server_fixture *f = *state;
    const struct grpc_peer_field fields[] = {{"grpc-timeout", "100m"}, {NULL, NULL}};
    uint8_t bytes[32];
    dial(0, true);
    struct grpc_peer_call *a = grpc_peer_ask(&world.client, path, fields, bytes,
                                             grpc_prefixed(bytes, "wait a", 6, false), false);
    talk();
    advance(f, MILLISECONDS(100));
    talk();
    expect(a, "", 4);
    assert_string_equal(a->words, "Deadline exceeded");
    assert_noted(f, "open a a!deadline");
    probe_end_silently(&f->probe, "a");
}

static void test_cancel_is_told(void **state)
{
    struct server_fixture *f = *state;
    dial(0, true);
    struct grpc_peer_call *a = say("wait a");
    (void)nghttp2_submit_rst_stream(world.client.session, 0, a->id, NGHTTP2_CANCEL);
    talk();
    assert_noted(f, "open a a!stream-reset");
    probe_end_silently(&f->probe, "a");
    expect(say("now b"), "b", 0);
}

/* Its answers wait within the limits, and the next requests wait uncalled. */
static void test_client_without_windows_costs_little_and_is_closed(void **state)
{
    struct server_fixture *f = *state;
    dial(1, false);
    talk();
    size_t before = fault_bytes();
    for (int i = 0; i < 100; i++)
        (void)say("size x 20000");
    /* Output-high and an answer wait; the rest of the requests is kept. */
    assert_in_range(fault_bytes() - before, HIGH, HIGH + 20000 + 100 * 6000);
    assert_int_equal(f->probe.call_count, HIGH / 20000);
    assert_int_equal(closed(f), 0);
    advance(f, SECONDS(31));
    assert_int_equal(closed_for(f, WEFT_REASON_WRITE_TIMEOUT), 1);
    /* Pools keep the small memory of requests for the next ones. */
    assert_in_range(fault_bytes(), 0, before + 100 * 3000);
}

static void test_stream_without_a_window_holds_up_no_other(void **state)
{
    struct server_fixture *f = *state;
    dial(100, true);
    struct grpc_peer_call *a = say("wait a");
    /* Only other streams' bytes open their windows: this client reads, but not this stream. */
    (void)nghttp2_session_set_local_window_size(world.client.session, 0, a->id, 0);
    talk();
    assert_int_equal(probe_send_size(&f->probe, "a", FRAME), 0);
    for (int i = 0; i < 20; i++)
        expect(say("now b"), "b", 0);
    probe_end_silently(&f->probe, "a");
}

static void test_rapid_resets_leave_memory_flat(void **state)
{
    struct server_fixture *f = *state;
    dial(0, true);
    (void)say("now a");
    size_t before = fault_bytes(), most = 0;
    int made = 0;
    while (closed(f) == 0 && world.client.goaways == 0 && made++ < 2000) {
        struct grpc_peer_call *call = grpc_peer_say(&world.client, path, "wait w");
        grpc_peer_make(&world.client);
        (void)nghttp2_submit_rst_stream(world.client.session, 0, call->id, NGHTTP2_CANCEL);
        talk();
        probe_end_all(&f->probe);
        most = fault_bytes() > most ? fault_bytes() : most;
    }
    /* nghttp2 allows 200 at once, and 100 more for each second of its own clock that a slow machine takes. */
    assert_in_range(made, 200, 1999);
    assert_in_range(most, 0, before + 20000);
}

static void test_drain_lets_calls_end(void **state)
{
    struct server_fixture *f = *state;
    dial(0, true);
    struct grpc_peer_call *a = say("wait a");
    weft_server_stop(f->server);
    talk();
    assert_int_equal(world.client.goaways, 2);
    assert_int_equal(closed(f), 0);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    talk();
    expect(a, "A", 0);
    assert_true(script_at_eof(world.peer->end));
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_DRAINED), 1);
}

static void test_too_large_reply_is_a_code(void **state)
{
    (void)state;
    dial(0, true);
    struct grpc_peer_call *a = say("size a 50001");
    expect(a, "", 8);
    assert_string_equal(a->words, "Reply is too big: 50001 bytes, max-message is 50000");
}

/* --- keepalive pings ---------------------------------------------------------------------------------- */

static char url_keepalive[] =
    "script:server?codec=grpc&threshold=off&service=probe&keepalive-time=10&keepalive-timeout=5";

/* Moves the time second by second, so that the client answers what comes in each. */
static void live(int seconds)
{
    while (seconds-- > 0) {
        advance(world.f, SECONDS(1));
        talk();
    }
}

static void test_client_that_answers_pings_lives_on(void **state)
{
    struct server_fixture *f = *state;
    dial(0, true);
    struct grpc_peer_call *a = say("wait a");
    live(100);
    assert_int_equal(world.client.pings, 10);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    talk();
    expect(a, "A", 0);
    assert_int_equal(closed(f), 0);
}

static void test_silent_client_is_closed_and_its_calls_are_cancelled(void **state)
{
    struct server_fixture *f = *state;
    dial(0, true);
    (void)say("wait a");
    advance(f, SECONDS(15) - 1);
    assert_int_equal(closed(f), 0);
    advance(f, 1);
    hear();
    assert_int_equal(world.client.pings, 1);
    assert_noted(f, "open a a!peer-vanished");
    probe_end_silently(&f->probe, "a");
    turns(f);
    assert_int_equal(closed_for(f, WEFT_REASON_PEER_VANISHED), 1);
}

/* One that does not read the answers to its calls is what write-timeout is for. */
static void test_client_that_does_not_read_is_not_taken_for_silent(void **state)
{
    struct server_fixture *f = *state;
    dial(0, true);
    talk();
    script_set_rules(world.peer->end, &(struct script_rules){.window = 100});
    (void)say("size x 20000");
    script_set_rules(world.peer->end, &(struct script_rules){.window = 1});
    advance(f, SECONDS(29));
    assert_int_equal(closed(f), 0);
    advance(f, SECONDS(2));
    assert_int_equal(closed_for(f, WEFT_REASON_WRITE_TIMEOUT), 1);
}

static void test_pings_do_not_make_an_idle_client_busy(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.idle_timeout = WEFT_SECONDS(35);
    dial(0, true);
    talk();
    live(34);
    assert_int_equal(world.client.pings, 3);
    assert_int_equal(world.client.goaways, 0);
    live(1);
    assert_int_equal(world.client.goaways, 1);
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_IDLE_TIMEOUT), 1);
}

/* A call that is on its way is then made anew elsewhere: the client knows that nobody has heard it. */
static void test_idle_client_is_told_that_its_connection_ends(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.idle_timeout = WEFT_SECONDS(5);
    dial(0, true);
    struct grpc_peer_call *a = say("now a");
    expect(a, "a", 0);
    advance(f, SECONDS(5));
    (void)say("now b");
    assert_int_equal(world.client.goaways, 1);
    assert_int_equal(world.client.goaway_error, NGHTTP2_NO_ERROR);
    assert_int_equal(world.client.goaway_last, a->id);
    assert_true(script_at_eof(world.peer->end));
    advance(f, SECONDS(1));
    assert_noted(f, "open a close");
    assert_int_equal(closed_for(f, WEFT_REASON_IDLE_TIMEOUT), 1);
}

#define TEST_GRPC(test)                                                                            \
    {                                                                                              \
#test, test, setup, teardown, url_grpc                                                     \
    }

#define TEST_KEEPALIVE(test)                                                                       \
    {                                                                                              \
#test, test, setup, teardown, url_keepalive                                                \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_GRPC(test_calls_are_answered_in_any_order),
        TEST_GRPC(test_deadline_is_told_to_both_sides),
        TEST_GRPC(test_cancel_is_told),
        TEST_GRPC(test_client_without_windows_costs_little_and_is_closed),
        TEST_GRPC(test_stream_without_a_window_holds_up_no_other),
        TEST_GRPC(test_rapid_resets_leave_memory_flat),
        TEST_GRPC(test_drain_lets_calls_end),
        TEST_GRPC(test_too_large_reply_is_a_code),
        TEST_GRPC(test_idle_client_is_told_that_its_connection_ends),
        TEST_KEEPALIVE(test_client_that_answers_pings_lives_on),
        TEST_KEEPALIVE(test_silent_client_is_closed_and_its_calls_are_cancelled),
        TEST_KEEPALIVE(test_client_that_does_not_read_is_not_taken_for_silent),
        TEST_KEEPALIVE(test_pings_do_not_make_an_idle_client_busy),
    };
    return cmocka_run_group_tests_name("conn grpc", tests, NULL, NULL);
}
