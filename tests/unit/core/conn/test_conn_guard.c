/* SPDX-License-Identifier: MIT
 *
 * Guards: layers that answer later, and peers that are unknown until they have a user. The guard here waits
 * for requests whose name is `w`, and asks for the secret `sesame`. */
#include <errno.h>

#include "core/layer.h"
#include "lib/fault.h"
#include "server_fixture.h"

static struct weft_request *waiting;
static int begins, ends, meets, known_result, knowns;
static bool is_trusted, may_pass, may_ask;
static const char *asked;

static void meet(void *loop_state, struct weft_peer *peer)
{
    (void)loop_state;
    meets++;
    if (is_trusted)
        assert_int_equal(weft_peer_set_user(peer, weft_view_str("ann")), 0);
}

/* Judges the credentials of the codec "claim", and overwrites them: "sesame" is right, "silent" passes without a
 * user, and "later" depends on may_pass. */
static bool begin_claim(bool *waited, struct weft_request *request, struct weft_rejection *why)
{
    struct weft_view claim = request->credentials;
    struct weft_peer *peer = weft_request_peer(request);

    why->cause = WEFT_REJECT_NOT_KNOWN;
    if (peer->user || weft_view_equal(claim, weft_view_str("silent  ")))
        return true;
    if (!*waited && weft_view_equal(claim, weft_view_str("later   "))) {
        *waited = weft_layer_wait(request) == 0;
        why->cause = WEFT_REJECT_NO_MEMORY;
        waiting = *waited ? request : NULL;
        return false;
    }
    bool is_right = *waited ? may_pass : weft_view_equal(claim, weft_view_str("sesame  "));
    memset((void *)(uintptr_t)claim.data, '*', claim.size);
    return is_right && weft_peer_set_user(peer, weft_view_str("ann")) == 0;
}

static bool begin(void *loop_state, void *state, struct weft_request *request,
                  struct weft_rejection *why)
{
    bool *waited = state;

    (void)loop_state;
    begins++;
    if (request->credentials.size > 0)
        return begin_claim(waited, request, why);
    if (!*waited && weft_view_equal(request->payload, weft_view_str("now w"))) {
        if (weft_layer_wait(request) < 0) {
            why->cause = WEFT_REJECT_NO_MEMORY;
            return false;
        }
        *waited = true;
        waiting = request;
        return false;
    }
    return !*waited || may_pass;
}

static bool ask(void *loop_state, void *state, struct weft_request *request,
                const struct weft_action *action, struct weft_rejection *why)
{
    (void)loop_state, (void)state, (void)request;
    asked = action->name;
    why->cause = WEFT_REJECT_NOT_KNOWN;
    return may_ask;
}

static int authenticate(void *loop_state, struct weft_request *request, struct weft_view user,
                        struct weft_view secret)
{
    (void)loop_state, (void)user;
    if (weft_view_equal(secret, weft_view_str("sesame")))
        return weft_peer_set_user(weft_request_peer(request), weft_view_str("ann")) < 0 ? -ENOMEM
                                                                                        : 1;
    if (!weft_view_equal(secret, weft_view_str("later")))
        return 0;
    if (weft_layer_wait(request) < 0)
        return -ENOMEM;
    waiting = request;
    return -EINPROGRESS;
}

static void end(void *loop_state, void *state, const struct weft_request *request, uint64_t bytes)
{
    (void)loop_state, (void)state, (void)request, (void)bytes;
    ends++;
}

static const struct weft_layer guard = {
    .name = "guard",
    .request_size = sizeof(bool),
    .meet = meet,
    .begin = begin,
    .ask = ask,
    .authenticate = authenticate,
    .end = end,
};

static void known(struct weft_request *request, int result)
{
    (void)request;
    known_result = result;
    knowns++;
}

/* A codec whose messages have a head: the size in eight digits and credentials of eight characters. Its replies are
 * those of raw. */
enum { HEAD_SIZE = 16, CLAIM_SIZE = 8 };

static int finishes;

static int claim_configure(void *config, const struct weft_option_set *set,
                           const struct weft_limits *limits, struct weft_error *error)
{
    (void)config, (void)set, (void)limits, (void)error;
    return 0;
}

static ssize_t claim_decode(const struct weft_codec_state *state, struct weft_view in,
                            struct weft_message *message, struct weft_decode_io *io)
{
    struct weft_view claim = weft_view(in.data + CLAIM_SIZE, CLAIM_SIZE);
    size_t size = 0;

    (void)state;
    io->need = HEAD_SIZE;
    if (in.size < HEAD_SIZE)
        return 0;
    for (size_t i = 0; i < HEAD_SIZE - CLAIM_SIZE; i++)
        size = 10 * size + (size_t)(in.data[i] - '0');
    claim.size = *claim.data == ' ' ? 0 : CLAIM_SIZE;
    io->need = HEAD_SIZE + size;
    io->credentials = claim;
    if (in.size < io->need)
        return 0;
    *message = (struct weft_message){.kind = WEFT_MESSAGE_DATA,
                                     .payload = weft_view(in.data + HEAD_SIZE, size),
                                     .credentials = claim};
    return HEAD_SIZE + (ssize_t)size;
}

static int claim_encode(const struct weft_codec_state *state, const struct weft_body *body,
                        struct weft_encode_io *io)
{
    uint8_t *dst = weft_chain_reserve(io->out, 4 + body->size);

    (void)state;
    if (!dst)
        return -ENOMEM;
    for (int i = 0; i < 4; i++)
        dst[i] = (uint8_t)(body->size >> 8 * (3 - i));
    weft_body_write(body, dst + 4);
    weft_chain_commit(io->out, 4 + body->size);
    return 0;
}

static int claim_finish(const struct weft_codec_state *state, struct weft_encode_io *io)
{
    (void)state, (void)io;
    finishes++;
    return 0;
}

static const struct weft_codec claim_codec = {
    .name = "claim",
    .speaks = "*",
    .configure = claim_configure,
    .decode = claim_decode,
    .encode = claim_encode,
    .finish = claim_finish,
};

static void peer_claim(struct test_peer *peer, const char *claim, const char *text, size_t size)
{
    static char bytes[HEAD_SIZE + 4 * WEFT_UNKNOWN_MAX];
    (void)snprintf(bytes, sizeof bytes, "%08zu%-8s%-*s", size, claim, (int)size, text);
    peer_send(peer, bytes, HEAD_SIZE + size);
}

static int released;

static void release(void *grant)
{
    released += *(int *)grant;
}

static char url_raw[] = "script:server?codec=raw&service=probe&layers=guard";
static char url_claim[] = "script:server?codec=claim&service=probe&layers=guard";
static char url_gzip[] = "script:server?codec=length-delimited-gzip&service=probe&layers=guard";

static int setup(void **state)
{
    waiting = NULL;
    begins = ends = meets = finishes = known_result = knowns = released = 0;
    is_trusted = false;
    may_pass = may_ask = true;
    asked = NULL;
    if (server_fixture_setup_fault(state) < 0)
        return -1;
    struct weft_registry *registry = &((struct server_fixture *)*state)->registry;
    if (weft_registry_add_codec(registry, &claim_codec) < 0)
        return -1;
    return weft_registry_add_layer(registry, &guard, NULL);
}

static void test_request_goes_on_once_the_layer_can_say(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now a", "now w", "now b");
    assert_noted(f, "open a");
    assert_heard(peer, "a");
    weft_layer_resume(waiting, 0);
    turns(f);
    assert_noted(f, "w b");
    assert_heard(peer, "w b");
    assert_int_equal(begins, 4);
    assert_int_equal(ends, 3);
}

static void test_layer_may_refuse_later(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now w", "now b");
    may_pass = false;
    weft_layer_resume(waiting, 0);
    assert_heard(peer, "denied b");
    assert_noted(f, "open b");
    assert_int_equal(ends, 2);
}

static void test_request_that_waits_keeps_its_place_in_the_order(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a", "now w", "now b");
    weft_layer_resume(waiting, 0);
    assert_heard(peer, "");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A w b");
}

static void test_peer_that_goes_while_the_layer_waits_is_not_served(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now w", "now b");
    peer_reset(peer);
    turns(f);
    weft__worker_cut(f->worker);
    turns(f);
    assert_int_equal(ends, 0);
    weft_layer_resume(waiting, 0);
    turns(f);
    assert_int_equal(ends, 1);
    assert_noted(f, "open close");
    assert_int_equal(closed(f), 1);
}

static void test_end_of_the_peers_side_waits_for_the_layer(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now w");
    peer_shutdown(peer);
    turns(f);
    weft_layer_resume(waiting, 0);
    assert_heard(peer, "w EOF");
}

static void test_drain_waits_for_the_layer(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now w");
    weft__worker_drain(f->worker);
    turns(f);
    assert_int_equal(closed(f), 0);
    weft_layer_resume(waiting, 0);
    assert_heard(peer, "w EOF");
}

static void test_wait_without_memory_is_refused(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now a");
    peer_queue(peer, "now w");
    fault_arm(FAULT_FROM, 0);
    turns(f);
    fault_disarm();
    assert_heard(peer, "a no-memory");
    assert_null(waiting);
}

static void test_service_hears_later_if_a_secret_is_right(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    struct weft_view ann = weft_view_str("ann");
    peer_say(peer, "wait a");
    struct weft_request *a = f->probe.calls[0].request;
    assert_int_equal(weft_request_authenticate(a, ann, weft_view_str("wrong"), known), 0);
    assert_int_equal(weft_request_authenticate(a, ann, weft_view_str("later"), known),
                     -EINPROGRESS);
    assert_int_equal(weft_request_authenticate(a, ann, weft_view_str("later"), known), -EBUSY);
    peer_say(peer, "now b");
    assert_noted(f, "open a");
    weft_layer_resume(a, 1);
    assert_int_equal(knowns, 0); /* it comes from the pump */
    turns(f);
    assert_int_equal(knowns, 1);
    assert_int_equal(known_result, 1);
    assert_noted(f, "b");
    probe_end_silently(&f->probe, "a");
    assert_heard(peer, "b");
}

static void test_service_hears_also_if_the_peer_has_gone(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a");
    struct weft_request *a = f->probe.calls[0].request;
    assert_int_equal(
        weft_request_authenticate(a, weft_view_str("ann"), weft_view_str("later"), known),
        -EINPROGRESS);
    peer_reset(peer);
    weft__worker_cut(f->worker);
    turns(f);
    assert_int_equal(closed(f), 1);
    weft_layer_resume(a, 0);
    turns(f);
    assert_int_equal(knowns, 1);
    probe_end_silently(&f->probe, "a");
}

static void test_service_that_does_not_ask_is_asked_about_as_a_whole(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    may_ask = false;
    peer_say(peer, "now a");
    assert_heard(peer, "not-known");
    assert_string_equal(asked, "probe");
    may_ask = true;
    peer_say(peer, "now a");
    assert_heard(peer, "a");
}

static void test_unknown_peer_may_send_small_messages_alone(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_send_frame(peer, "now a", WEFT_UNKNOWN_MAX + 1);
    peer_send_frame(peer, "now b", WEFT_UNKNOWN_MAX);
    assert_heard(peer, "too-big:the limit before login:16385:16384 b");
    assert_int_equal(meets, 1);
}

static void test_frame_of_an_unknown_peer_is_not_kept(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_send_header(peer, 1024 * 1024);
    assert_heard(peer, "too-big:the limit before login:1048580:16384 EOF");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_NOT_KNOWN), 1);
}

static void test_peer_that_a_layer_knows_when_they_meet_may_send_all(void **state)
{
    struct server_fixture *f = *state;
    is_trusted = true;
    struct test_peer *peer = serve_one(f);
    peer_send_frame(peer, "now a", WEFT_UNKNOWN_MAX + 1);
    assert_heard(peer, "a");
    assert_int_equal(meets, 1);
}

static void test_peer_may_send_all_once_it_has_a_user_and_no_more_without(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a");
    struct weft_request *a = f->probe.calls[0].request;
    assert_int_equal(
        weft_request_authenticate(a, weft_view_str("ann"), weft_view_str("sesame"), known), 1);
    peer_send_frame(peer, "now b", WEFT_UNKNOWN_MAX + 1);
    turns(f);
    assert_int_equal(weft_peer_set_user(weft_request_peer(a), weft_view(NULL, 0)), 0);
    peer_send_frame(peer, "now c", WEFT_UNKNOWN_MAX + 1);
    turns(f);
    assert_int_equal(probe_end(&f->probe, "a", "a"), 0);
    assert_heard(peer, "a b too-big:the limit before login:16385:16384");
}

static void test_nothing_of_an_unknown_peer_is_inflated(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_send_malformed(peer); /* inflating would find that out */
    assert_heard(peer, "not-known");
    is_trusted = true;
    peer = peer_dial(f);
    peer_send_malformed(peer);
    turns(f);
    assert_memory_equal(peer_hear(peer), "malformed", 9);
}

static void test_large_message_is_read_once_its_head_has_made_the_peer_known(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_claim(peer, "sesame", "now a", 3 * WEFT_UNKNOWN_MAX);
    peer_claim(peer, "", "now b", 3 * WEFT_UNKNOWN_MAX);
    assert_heard(peer, "a b");
    assert_noted(f, "open a b");
    assert_int_equal(begins, 3);
    assert_int_equal(ends, 3);
    assert_int_equal(finishes, 0); /* the codec hears nothing of the announcement */
}

static void test_head_may_be_judged_later(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_claim(peer, "", "wait a", 6);
    peer_claim(peer, "later", "now b", 3 * WEFT_UNKNOWN_MAX);
    turns(f);
    assert_noted(f, "open a");
    weft_layer_resume(waiting, 0);
    turns(f);
    assert_noted(f, "b");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A b");
}

static void test_large_message_is_not_read_if_its_head_is_refused(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_claim(peer, "wrong", "now a", 3 * WEFT_UNKNOWN_MAX);
    assert_heard(peer, "not-known EOF");
    peer = peer_dial(f);
    peer_claim(peer, "later", "now a", 3 * WEFT_UNKNOWN_MAX);
    turns(f);
    may_pass = false;
    weft_layer_resume(waiting, 0);
    assert_heard(peer, "not-known EOF");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_NOT_KNOWN), 2);
    assert_noted(f, "open open close close");
}

static void test_head_without_credentials_or_a_user_lets_no_large_message_in(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_claim(peer, "", "now a", 2 * WEFT_UNKNOWN_MAX);
    assert_heard(peer, "too-big:the limit before login:32784:16384 EOF");
    peer = peer_dial(f);
    peer_claim(peer, "silent", "now a", 2 * WEFT_UNKNOWN_MAX);
    assert_heard(peer, "too-big:the limit before login:32784:16384 EOF");
}

static void test_message_just_over_the_limit_is_judged_by_its_credentials(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_claim(peer, "sesame", "now a", WEFT_UNKNOWN_MAX + 100);
    assert_heard(peer, "a");
    peer = peer_dial(f);
    peer_claim(peer, "wrong", "now a", WEFT_UNKNOWN_MAX + 100);
    assert_heard(peer, "not-known");
}

static void test_peer_may_go_while_its_head_is_judged(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_claim(peer, "later", "now a", 3 * WEFT_UNKNOWN_MAX);
    turns(f);
    peer_reset(peer);
    weft__worker_cut(f->worker);
    turns(f);
    weft_layer_resume(waiting, 0);
    turns(f);
    assert_int_equal(ends, 1);
    assert_int_equal(closed(f), 1);
}

static void test_head_is_judged_without_memory_or_refused(void **state)
{
    struct server_fixture *f = *state;
    serve_one(f);
    for (uint64_t i = 0; i < 8; i++) {
        struct test_peer *peer = peer_dial(f);
        peer_claim(peer, "later", "now a", 3 * WEFT_UNKNOWN_MAX);
        waiting = NULL;
        fault_arm(FAULT_FROM, i);
        turns(f);
        fault_disarm();
        if (waiting)
            weft_layer_resume(waiting, 0);
        turns(f);
        peer_reset(peer);
        turns(f);
    }
}

static void test_grant_of_a_peer_is_released_once(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    int one = 1, ten = 10;
    peer_say(peer, "wait a");
    struct weft_peer *who = weft_request_peer(f->probe.calls[0].request);
    weft_peer_set_grant(who, &one, release);
    weft_peer_set_grant(who, &ten, release);
    assert_int_equal(released, 1);
    probe_end_silently(&f->probe, "a");
    peer_reset(peer);
    turns(f);
    assert_int_equal(released, 11);
}

#define TEST_GUARD_OF(test, url)                                                                   \
    {                                                                                              \
#test, test, setup, server_fixture_teardown_fault, url                                     \
    }
#define TEST_GUARD(test) TEST_GUARD_OF(test, url_raw)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_GUARD(test_request_goes_on_once_the_layer_can_say),
        TEST_GUARD(test_layer_may_refuse_later),
        TEST_GUARD(test_request_that_waits_keeps_its_place_in_the_order),
        TEST_GUARD(test_peer_that_goes_while_the_layer_waits_is_not_served),
        TEST_GUARD(test_end_of_the_peers_side_waits_for_the_layer),
        TEST_GUARD(test_drain_waits_for_the_layer),
        TEST_GUARD(test_wait_without_memory_is_refused),
        TEST_GUARD(test_service_hears_later_if_a_secret_is_right),
        TEST_GUARD(test_service_hears_also_if_the_peer_has_gone),
        TEST_GUARD(test_service_that_does_not_ask_is_asked_about_as_a_whole),
        TEST_GUARD(test_unknown_peer_may_send_small_messages_alone),
        TEST_GUARD(test_frame_of_an_unknown_peer_is_not_kept),
        TEST_GUARD(test_peer_that_a_layer_knows_when_they_meet_may_send_all),
        TEST_GUARD(test_peer_may_send_all_once_it_has_a_user_and_no_more_without),
        TEST_GUARD_OF(test_nothing_of_an_unknown_peer_is_inflated, url_gzip),
        TEST_GUARD_OF(test_large_message_is_read_once_its_head_has_made_the_peer_known, url_claim),
        TEST_GUARD_OF(test_head_may_be_judged_later, url_claim),
        TEST_GUARD_OF(test_large_message_is_not_read_if_its_head_is_refused, url_claim),
        TEST_GUARD_OF(test_head_without_credentials_or_a_user_lets_no_large_message_in, url_claim),
        TEST_GUARD_OF(test_message_just_over_the_limit_is_judged_by_its_credentials, url_claim),
        TEST_GUARD_OF(test_peer_may_go_while_its_head_is_judged, url_claim),
        TEST_GUARD_OF(test_head_is_judged_without_memory_or_refused, url_claim),
        TEST_GUARD(test_grant_of_a_peer_is_released_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
