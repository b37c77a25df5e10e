/* SPDX-License-Identifier: MIT
 *
 * Tests that each counter of a server moves, and walks that no connection asks for. */
#include <string.h>
#include <zlib.h>

#include "core/base/compiler.h"
#include "core/inspect.h"
#include "core/loop/turn.h"
#include "lib/sample_text.h"
#include "server_fixture.h"

static struct sample_text text;

#define WITH(...) ((const char *const[]){__VA_ARGS__, NULL})

static double sum(struct server_fixture *f, const char *name, const char *const *with)
{
    sample_text_init(&text);
    weft_server_collect(f->server, &text.samples);
    return sample_text_sum(&text, name, with);
}

#define assert_sum(f, expected, name, ...)                                                         \
    do {                                                                                           \
        double seen_sum = sum(f, name, WITH(__VA_ARGS__));                                         \
        if (seen_sum != (double)(expected))                                                        \
            fail_msg("%s is %g, not %g, in\n%s", name, seen_sum, (double)(expected), text.text);   \
    } while (0)

static void test_connections_are_counted_by_endpoint_state_and_reason(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *first = serve_one(f), *second = peer_dial(f);
    peer_say(first, "now a", "wait b");
    assert_sum(f, 2, "weft_connections_accepted", "endpoint=script:server,codec=raw,service=probe");
    assert_sum(f, 2, "weft_connections_open", "");
    assert_sum(f, 2, "weft_connections", "state=open");
    assert_sum(f, 2, "weft_loop_connections", "loop=0");
    peer_shutdown(first);
    turns(f);
    assert_sum(f, 1, "weft_connections", "state=open");
    assert_sum(f, 1, "weft_connections", "state=closing");
    peer_close(second);
    turns(f);
    assert_sum(f, 1, "weft_connections_closed", "reason=peer-closed");
    assert_sum(f, 0, "weft_connections_closed", "reason=cut");
    assert_int_equal(probe_end(&f->probe, "b", "x"), 0);
    turns(f);
    assert_sum(f, 0, "weft_connections_open", "");
    assert_sum(f, 0, "weft_connections", "");
}

static void test_every_reason_of_an_end_has_a_sample(void **state)
{
    struct server_fixture *f = *state;
    (void)serve_one(f);
    for (int reason = WEFT_REASON_NONE + 1; reason < WEFT_REASON_COUNT; reason++) {
        char label[64];
        snprintf(label, sizeof label, "reason=%s}", weft_reason_name((enum weft_reason)reason));
        weft__count(&weft__port_binding(weft__server_port(f->server, 0), 0)->counts.closed[reason],
                    7);
        assert_sum(f, 7, "weft_connections_closed", label);
        weft__count(&weft__port_binding(weft__server_port(f->server, 0), 0)->counts.closed[reason],
                    (uint64_t)-7);
    }
}

static void test_paused_connections_are_counted_as_such(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_pending = 1;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a");
    assert_sum(f, 1, "weft_connections", "state=paused");
    assert_int_equal(probe_end(&f->probe, "a", "x"), 0);
    turns(f);
    assert_sum(f, 1, "weft_connections", "state=open");
}

static void test_frames_and_bytes_are_counted(void **state)
{
    struct server_fixture *f = *state;
    f->options.limits.max_frame = 100;
    f->options.limits.max_message = 100;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now a");
    peer_send_header(peer, 200);
    turns(f);
    assert_sum(f, 2, "weft_frames_decoded", "");
    assert_sum(f, 1, "weft_rejections", "");
    assert_sum(f, peer_frame(NULL, "now a", 5) + 4, "weft_received_bytes", "");
    assert_true(sum(f, "weft_sent_bytes", WITH("")) > 5);
}

/* A frame whose payload is a gzip member. */
static void peer_send_deflated(struct test_peer *peer, const char *message)
{
    uint8_t member[256];
    z_stream z = {.next_in = (Bytef *)(uintptr_t)message,
                  .avail_in = (uInt)strlen(message),
                  .next_out = member,
                  .avail_out = sizeof member};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    peer_send_header(peer, UINT32_C(0x80000000) | (uint32_t)z.total_out);
    peer_send(peer, member, z.total_out);
    assert_int_equal(deflateEnd(&z), Z_OK);
    turns(peer->fixture);
}

static void test_compression_and_kept_frames_are_counted(void **state)
{
    struct server_fixture *f = *state;
    f->options.measure = true;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "size a 5000");
    peer_send_deflated(peer, "now b");
    assert_sum(f, 1, "weft_deflated_messages", "");
    assert_sum(f, 5000, "weft_deflated_message_bytes", "");
    double frame = sum(f, "weft_deflated_frame_bytes", WITH(""));
    assert_true(frame > 10 && frame < 500);
    assert_true(sum(f, "weft_deflate_seconds", WITH("")) >= 0);
    assert_sum(f, 1, "weft_inflated_messages", "");
    assert_true(sum(f, "weft_inflated_frame_bytes", WITH("")) > 20);
    assert_sum(f, 5, "weft_inflated_message_bytes", "");
}

static void test_kept_frames_are_counted(void **state)
{
    struct server_fixture *f = *state;
    struct weft_blob *blob;
    struct test_peer *peer = serve_one(f);
    uint8_t *data;
    assert_sum(f, 0, "weft_frame_cache_bytes", "");
    blob = weft_blob_new(5000, &data);
    assert_non_null(blob);
    memset(data, 'x', 5000);
    weft_frame_cache_put(f->server->frames, blob, 0, blob);
    peer_say(peer, "wait a");
    assert_int_equal(probe_end_blob(&f->probe, "a", blob), 0);
    turns(f);
    assert_sum(f, 1, "weft_frame_cache_hits", "");
    assert_true(sum(f, "weft_frame_cache_bytes", WITH("")) > 5000);
    peer_say(peer, "blob b 5000");
    assert_sum(f, 1, "weft_frame_cache_misses", "");
    weft_blob_unref(blob);
}

static void test_loops_count_turns_and_posts_and_are_measured_only_if_asked(void **state)
{
    struct server_fixture *f = *state;
    (void)serve_one(f);
    assert_true(sum(f, "weft_loop_turns", WITH("loop=0")) > 0);
    assert_sum(f, -1, "weft_loop_turn_duration_seconds", "");
    assert_sum(f, -1, "weft_loop_turn_longest_seconds", "");
}

static void grow_old(struct probe *probe, const char *name)
{
    struct server_fixture *f = probe->data;
    (void)name;
    virtual_loop_spend(f->loop, SECONDS(1));
}

static void test_turns_are_measured_and_the_longest_is_forgotten_after_a_while(void **state)
{
    struct server_fixture *f = *state;
    f->options.measure = true;
    f->probe.data = f;
    struct test_peer *peer = serve_one(f);
    assert_sum(f, 0, "weft_loop_turn_longest_seconds", "loop=0");
    f->probe.on_call = grow_old;
    peer_say(peer, "now a");
    f->probe.on_call = NULL;
    assert_sum(f, 1, "weft_loop_turn_longest_seconds", "loop=0");
    assert_true(sum(f, "weft_loop_turn_duration_seconds", WITH("loop=0")) > 1);
    for (int i = 0; i < 3; i++) {
        advance(f, SECONDS(WEFT__WINDOW_SECONDS + 1));
        peer_say(peer, "now a");
    }
    assert_sum(f, 0, "weft_loop_turn_longest_seconds", "loop=0");
}

/* --- walks ----------------------------------------------------------------------------------------- */

struct seen {
    struct weft_walk walk;
    size_t count;
    bool done;
};

static unsigned visit(struct weft_walk *walk, const struct weft_connection *row)
{
    struct seen *seen = weft_container_of(walk, struct seen, walk);
    assert_false(row->asks);
    seen->count++;
    return row->id == 2 ? WEFT_VISIT_END : WEFT_VISIT_NEXT;
}

static void done(struct weft_walk *walk)
{
    weft_container_of(walk, struct seen, walk)->done = true;
}

static void test_walk_without_a_request_sees_all_and_ends_what_it_is_told_to(void **state)
{
    struct server_fixture *f = *state;
    struct seen seen = {.walk = {.visit = visit, .done = done}};
    f->options.threads = 3;
    server_fixture_start(f);
    for (int i = 0; i < 7; i++)
        (void)peer_dial(f);
    weft_server_walk(f->server, f->loop, &seen.walk);
    turns(f);
    assert_true(seen.done);
    assert_int_equal(seen.count, 7);
    assert_int_equal(closed_for(f, WEFT_REASON_KILLED), 1);
}

static void test_walk_of_a_server_whose_loops_have_stopped_is_done(void **state)
{
    struct server_fixture *f = *state;
    struct seen seen = {.walk = {.visit = visit, .done = done}};
    struct weft_loop *home;
    f->options.threads = 2;
    server_fixture_start(f);
    assert_int_equal(weft_loop_new(&home, 16), 0);
    for (size_t i = 0; i < 2; i++)
        weft__turn_close(f->server->threads[i].worker.loop);
    weft_server_walk(f->server, home, &seen.walk);
    assert_true(virtual_loop_run_until_idle(home));
    assert_true(seen.done);
    assert_int_equal(seen.count, 0);
    weft_loop_free(home);
}

static void test_labels_of_a_line_are_its_words(void **state)
{
    (void)state;
    struct weft_endpoint_labels memory;
    struct weft_label labels[WEFT_ENDPOINT_LABELS];
    assert_int_equal(weft_endpoint_label(&memory, "tcp://127.0.0.1:1 codec=raw service=kv", labels),
                     WEFT_ENDPOINT_LABELS);
    assert_string_equal(labels[0].value, "tcp://127.0.0.1:1");
    assert_string_equal(labels[1].value, "raw");
    assert_string_equal(labels[2].value, "kv");
    (void)weft_endpoint_label(&memory, "", labels);
    assert_string_equal(labels[0].value, "");
    assert_string_equal(labels[2].value, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_RAW(test_connections_are_counted_by_endpoint_state_and_reason),
        TEST_RAW(test_every_reason_of_an_end_has_a_sample),
        TEST_RAW(test_frames_and_bytes_are_counted),
        TEST_RAW(test_paused_connections_are_counted_as_such),
        TEST_GZIP(test_compression_and_kept_frames_are_counted),
        TEST_GZIP(test_kept_frames_are_counted),
        TEST_RAW(test_loops_count_turns_and_posts_and_are_measured_only_if_asked),
        TEST_RAW(test_turns_are_measured_and_the_longest_is_forgotten_after_a_while),
        TEST_RAW(test_walk_without_a_request_sees_all_and_ends_what_it_is_told_to),
        TEST_RAW(test_walk_of_a_server_whose_loops_have_stopped_is_done),
        cmocka_unit_test(test_labels_of_a_line_are_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
