/* SPDX-License-Identifier: MIT
 *
 * Layers: which of them see a request, in which order, what they may refuse, and that each begin has one
 * end, however the request ends. A layer here writes down what it sees: `+x` for a begin, `?x` for an
 * ask, `-x:STATUS:BYTES` for an end, where x is the first letter of its name. */
#include <errno.h>
#include <stdio.h>

#include "core/layer.h"
#include "lib/fault.h"
#include "server_fixture.h"

static char seen[4096];
static int starts, stops, start_error;
static char refuse_begin, refuse_ask; /* the layer that does; 0: none */
static enum weft_reject_cause cause;

struct mark {
    char letter;
    uint8_t rest[23];
};

struct layer_loop {
    char letter;
};

static void note(char what, char letter)
{
    size_t used = strlen(seen);

    snprintf(seen + used, sizeof seen - used, "%s%c%c", used > 0 ? " " : "", what, letter);
}

static int start(void *loop_state, const void *config, struct weft_loop *loop)
{
    (void)config, (void)loop;
    ((struct layer_loop *)loop_state)->letter = 'o';
    starts += start_error == 0;
    return start_error;
}

static int start_inner(void *loop_state, const void *config, struct weft_loop *loop)
{
    (void)config, (void)loop;
    ((struct layer_loop *)loop_state)->letter = 'i';
    starts++;
    return 0;
}

static void stop(void *loop_state)
{
    (void)loop_state;
    stops++;
}

static bool answer(char letter, char who, struct weft_rejection *why)
{
    why->cause = cause;
    why->what = "because";
    why->limit = 7;
    return letter != who;
}

static bool begin(void *loop_state, void *state, struct weft_request *request,
                  struct weft_rejection *why)
{
    static const struct mark zeros;
    struct mark *mark = state;
    char letter = ((struct layer_loop *)loop_state)->letter;

    assert_memory_equal(mark, &zeros, sizeof zeros);
    assert_non_null(request->layers);
    memset(mark, letter, sizeof *mark);
    note('+', letter);
    return answer(letter, refuse_begin, why);
}

static bool ask(void *loop_state, void *state, struct weft_request *request,
                const struct weft_action *action, struct weft_rejection *why)
{
    char letter = ((struct layer_loop *)loop_state)->letter;

    assert_int_equal(((struct mark *)state)->letter, letter);
    assert_non_null(request->layers);
    assert_string_equal(action->name, "obey");
    note('?', letter);
    return answer(letter, refuse_ask, why);
}

static int authenticate(void *loop_state, struct weft_request *request, struct weft_view user,
                        struct weft_view secret)
{
    struct weft_peer *peer = weft_request_peer(request);
    (void)loop_state;
    assert_string_equal(peer->scheme, "script");
    if (!weft_view_equal(user, weft_view_str("ann")))
        return -ENOTSUP;
    if (!weft_view_equal(secret, weft_view_str("sesame")))
        return 0;
    return weft_peer_set_user(peer, user) < 0 ? -ENOMEM : 1;
}

static void end(void *loop_state, void *state, const struct weft_request *request, uint64_t bytes)
{
    struct mark *mark = state;
    size_t used = strlen(seen);

    assert_int_equal(mark->letter, ((struct layer_loop *)loop_state)->letter);
    assert_int_equal(mark->rest[22], mark->letter);
    snprintf(seen + used, sizeof seen - used, "%s-%c:%u:%u", used > 0 ? " " : "", mark->letter,
             (unsigned)request->status, (unsigned)bytes);
    memset(mark, 0xee, sizeof *mark);
}

static const struct weft_option options[] = {{"colour", "any", "of no use"}, {.name = NULL}};

static const struct weft_layer outer = {
    .name = "outer",
    .options = options,
    .loop_size = sizeof(struct layer_loop),
    .request_size = sizeof(struct mark),
    .start = start,
    .stop = stop,
    .begin = begin,
    .ask = ask,
    .end = end,
};

static const struct weft_layer inner = {
    .name = "inner",
    .loop_size = sizeof(struct layer_loop),
    .request_size = sizeof(struct mark),
    .start = start_inner,
    .stop = stop,
    .begin = begin,
    .ask = ask,
    .authenticate = authenticate,
    .end = end,
};

/* A layer may leave every slot out. */
static const struct weft_layer nothing = {.name = "nothing"};

static char url_layers[] = "script:server?codec=raw&service=probe&layers=outer,nothing,inner";
static char url_mute[] = "script:server?codec=raw&service=mute&layers=outer,nothing,inner";

static int setup(void **state)
{
    seen[0] = refuse_begin = refuse_ask = 0;
    starts = stops = start_error = 0;
    cause = WEFT_REJECT_DENIED;
    if (server_fixture_setup_fault(state) < 0)
        return -1;
    struct weft_registry *registry = &((struct server_fixture *)*state)->registry;
    return weft_registry_add_layer(registry, &outer, NULL) == 0 &&
                   weft_registry_add_layer(registry, &inner, NULL) == 0 &&
                   weft_registry_add_layer(registry, &nothing, NULL) == 0
               ? 0
               : -1;
}

static int teardown(void **state)
{
    int err = server_fixture_teardown_fault(state);

    return starts == stops ? err : -1;
}

#define assert_seen(text)                                                                          \
    do {                                                                                           \
        assert_string_equal(seen, text);                                                           \
        seen[0] = '\0';                                                                            \
    } while (0)

static void test_layers_see_each_request_from_outside_in_and_back(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now a", "size b 700");
    assert_heard(peer, "a b700");
    assert_seen("+o +i -i:0:1 -o:0:1 +o +i -i:0:700 -o:0:700");
}

static void test_each_begin_has_an_end_when_the_request_ends(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a", "keep b", "loose c");
    assert_seen("+o +i +o +i +o +i");
    f->probe.calls[1].request->status = 42;
    assert_int_equal(probe_end(&f->probe, "b", "bb"), 0);
    assert_seen("-i:42:2 -o:42:2");
    assert_int_equal(probe_send(&f->probe, "a", "aaa"), 0);
    assert_int_equal(probe_end(&f->probe, "a", "aa"), 0);
    assert_int_equal(probe_send(&f->probe, "c", "cccc"), 0);
    assert_heard(peer, "aaa aa bb cccc");
    probe_end_silently(&f->probe, "c");
    assert_seen("-i:0:5 -o:0:5 -i:0:4 -o:0:4");
}

static void test_requests_of_a_lost_connection_end_for_layers(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a", "wait s");
    peer_reset(peer);
    assert_noted(f, "open a s a!peer-reset s!peer-reset");
    probe_end_all(&f->probe);
    turns(f);
    size_t ends = 0;
    for (const char *at = seen; (at = strstr(at, "-i:0:")); at++)
        ends++;
    assert_int_equal(ends, 2);
}

static void test_refused_request_is_answered_in_its_place(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a");
    refuse_begin = 'i';
    peer_say(peer, "now b");
    refuse_begin = 0;
    peer_say(peer, "now c");
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A denied c");
    assert_noted(f, "open a c");
    assert_seen("+o +i +o +i -i:0:6 -o:0:6 +o +i -i:0:1 -o:0:1 -i:0:1 -o:0:1");
}

static void test_layers_within_one_that_refuses_see_nothing(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    refuse_begin = 'o';
    static const struct {
        enum weft_reject_cause cause;
        const char *words;
    } rows[] = {{WEFT_REJECT_NOT_KNOWN, "not-known"}, {WEFT_REJECT_RATE, "rate"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cause = rows[i].cause;
        peer_say(peer, "now a");
        assert_heard(peer, rows[i].words);
    }
    assert_seen("+o -o:0:9 +o -o:0:4");
}

static void test_refusal_without_words_closes(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    refuse_begin = 'o';
    peer_say(peer, "now a");
    assert_heard(peer, "EOF");
    advance(f, SECONDS(1));
    assert_int_equal(closed_for(f, WEFT_REASON_UNWORDED), 1);
    assert_seen("+o -o:0:0");
}

static const struct weft_action obey = {.name = "obey"};

static void test_service_asks_all_layers_and_answers_itself(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    struct weft_rejection why;
    peer_say(peer, "wait a", "wait b");
    struct weft_request *b = f->probe.calls[1].request;
    seen[0] = 0;
    assert_true(weft_request_ask(b, &obey, &why));
    assert_seen("?o ?i");
    refuse_ask = 'o';
    cause = WEFT_REJECT_RATE;
    assert_false(weft_request_ask(b, &obey, &why));
    assert_int_equal(why.cause, WEFT_REJECT_RATE);
    assert_int_equal(why.limit, 7);
    assert_seen("?o");
    assert_int_equal(probe_end(&f->probe, "b", "B"), 0);
    assert_int_equal(probe_end(&f->probe, "a", "A"), 0);
    assert_heard(peer, "A B");
}

static void test_peer_lives_as_long_as_its_connection(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a", "wait b");
    struct weft_request *a = f->probe.calls[0].request, *b = f->probe.calls[1].request;
    struct weft_peer *who = weft_request_peer(a);
    assert_non_null(who);
    assert_ptr_equal(weft_request_peer(b), who);
    assert_int_equal(who->connection, weft_request_connection(a));
    assert_string_equal(who->scheme, "script");
    assert_true(who->address && !who->user && !who->label);
    assert_true(who->uid == -1 && who->gid == -1 && who->pid == -1);
    assert_int_equal(weft_peer_set_label(who, weft_view_str("a client")), 0);
    assert_int_equal(weft_request_authenticate(a, weft_view_str("bob"), weft_view_str("x"), NULL),
                     -ENOTSUP);
    assert_int_equal(weft_request_authenticate(a, weft_view_str("ann"), weft_view_str("x"), NULL),
                     0);
    assert_null(who->user);
    assert_int_equal(
        weft_request_authenticate(a, weft_view_str("ann"), weft_view_str("sesame"), NULL), 1);
    assert_string_equal(who->user, "ann");
    peer_reset(peer);
    probe_end_silently(&f->probe, "a");
    assert_string_equal(who->label, "a client");
    assert_int_equal(weft_peer_set_label(who, weft_view(NULL, 0)), 0);
    assert_null(who->label);
    probe_end_silently(&f->probe, "b");
}

/* The fixture counts blocks that are left. */
static void test_texts_of_a_peer_go_with_it(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a");
    struct weft_peer *who = weft_request_peer(f->probe.calls[0].request);
    size_t before = fault_live();
    assert_int_equal(weft_peer_set_user(who, weft_view_str("ann")), 0);
    assert_int_equal(weft_peer_set_label(who, weft_view_str("a client")), 0);
    assert_int_equal(fault_live(), before + 2);
    peer_reset(peer);
    probe_end_silently(&f->probe, "a");
    turns(f);
    assert_in_range(fault_live(), 0, before - 2); /* the connection and its peer went as well */
}

static void test_peer_without_memory_is_none(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "wait a");
    struct weft_request *a = f->probe.calls[0].request;
    fault_arm(FAULT_ONE, 0);
    assert_null(weft_request_peer(a));
    fault_arm(FAULT_ONE, 0);
    assert_int_equal(
        weft_request_authenticate(a, weft_view_str("ann"), weft_view_str("sesame"), NULL), -ENOMEM);
    fault_disarm();
    struct weft_peer *who = weft_request_peer(a);
    assert_int_equal(weft_peer_set_user(who, weft_view_str("ann")), 0);
    fault_arm(FAULT_ONE, 0);
    assert_int_equal(weft_peer_set_user(who, weft_view_str("bob")), -ENOMEM);
    fault_disarm();
    assert_string_equal(who->user, "ann");
    probe_end_silently(&f->probe, "a");
}

static void test_what_a_transport_knows_outlives_its_stream(void **state)
{
    char subject[] = "ann", credentials[] = "Bearer ann.sesame";
    struct server_fixture *f = *state;
    server_fixture_start(f);
    script_set_default_rules(&(struct script_rules){
        .subject = subject, .credentials = credentials, .protocol = "hello/1"});
    struct test_peer *peer = peer_dial(f);
    peer_say(peer, "wait a");
    struct weft_request *a = f->probe.calls[0].request;
    for (size_t n = 0; n < 3; n++) {
        fault_arm(FAULT_ONE, n);
        assert_null(weft_request_peer(a));
    }
    fault_disarm();
    struct weft_peer *who = weft_request_peer(a);
    peer_reset(peer);
    memset(subject, 'x', sizeof subject);
    memset(credentials, 'x', sizeof credentials);
    assert_string_equal(who->subject, "ann");
    assert_string_equal(who->credentials, "Bearer ann.sesame");
    assert_string_equal(who->protocol, "hello/1");
    assert_true(!who->names && !who->server_name);
    probe_end_silently(&f->probe, "a");
}

static void test_layer_that_does_not_start_fails_the_server(void **state)
{
    struct server_fixture *f = *state;
    start_error = -ENOMEM;
    assert_int_equal(server_fixture_try_start(f), -ENOMEM);
    assert_string_equal(f->error.text, "cannot start a plugin: Cannot allocate memory");
}

static void expect_refused(struct server_fixture *f, const char *url, const char *text)
{
    f->urls[0] = url;
    assert_int_equal(server_fixture_try_start(f), WEFT_ECONFIG);
    assert_string_equal(f->error.text, text);
}

static void test_endpoint_names_its_layers(void **state)
{
    struct server_fixture *f = *state;
    expect_refused(f, "script:server?codec=raw&service=probe&layers=other",
                   "unknown layer 'other'; there are: outer, inner, nothing");
}

static void test_endpoint_names_no_layer_twice(void **state)
{
    struct server_fixture *f = *state;
    expect_refused(f, "script:server?codec=raw&service=probe&layers=outer,outer",
                   "'script:server?codec=raw&service=probe&layers=outer,outer' names layer 'outer' "
                   "twice");
}

static void test_endpoint_names_few_layers(void **state)
{
    struct server_fixture *f = *state;
    static const struct weft_layer more[] = {{.name = "1"}, {.name = "2"}, {.name = "3"},
                                             {.name = "4"}, {.name = "5"}, {.name = "6"}};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        assert_int_equal(weft_registry_add_layer(&f->registry, &more[i], NULL), 0);
    expect_refused(f,
                   "script:server?codec=raw&service=probe&layers=outer,inner,nothing,1,2,3,4,5,6",
                   "'script:server?codec=raw&service=probe&layers=outer,inner,nothing,1,2,3,4,5,6' "
                   "names more than 8 layers");
}

static void test_options_of_absent_layers_are_unknown(void **state)
{
    struct server_fixture *f = *state;
    expect_refused(f, "script:server?codec=raw&service=probe&layers=inner&colour=red",
                   "unknown option 'colour' in "
                   "'script:server?codec=raw&service=probe&layers=inner&colour=red'; there are: "
                   "codec, service, layers");
}

#define TEST_LAYERS(test)                                                                          \
    {                                                                                              \
#test, test, setup, teardown, url_layers                                                   \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_LAYERS(test_layers_see_each_request_from_outside_in_and_back),
        TEST_LAYERS(test_each_begin_has_an_end_when_the_request_ends),
        TEST_LAYERS(test_requests_of_a_lost_connection_end_for_layers),
        TEST_LAYERS(test_refused_request_is_answered_in_its_place),
        TEST_LAYERS(test_layers_within_one_that_refuses_see_nothing),
        {"test_refusal_without_words_closes", test_refusal_without_words_closes, setup, teardown,
         url_mute},
        TEST_LAYERS(test_service_asks_all_layers_and_answers_itself),
        TEST_LAYERS(test_peer_lives_as_long_as_its_connection),
        TEST_LAYERS(test_texts_of_a_peer_go_with_it),
        TEST_LAYERS(test_peer_without_memory_is_none),
        TEST_LAYERS(test_what_a_transport_knows_outlives_its_stream),
        TEST_LAYERS(test_layer_that_does_not_start_fails_the_server),
        TEST_LAYERS(test_endpoint_names_its_layers),
        TEST_LAYERS(test_endpoint_names_no_layer_twice),
        TEST_LAYERS(test_endpoint_names_few_layers),
        TEST_LAYERS(test_options_of_absent_layers_are_unknown),
    };
    return cmocka_run_group_tests_name("conn layers", tests, NULL, NULL);
}
