/* SPDX-License-Identifier: MIT
 *
 * The layer over scripted connections: who is known, who may do what, what a wrong password costs and whom, what
 * a reload changes, and that a peer may go at any time. The pool is worked by hand, and time is the loop's.
 *
 * A message is `CREDENTIALS@MESSAGE` or `MESSAGE`, as in HTTP each may say whose it is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "codecs/codecs.h"
#include "core/layer.h"
#include "lib/fault.h"
#include "lib/scratch.h"
#include "server_fixture.h"
#include "services/layers/users/private.h"

/* The hash of "sesame". */
#define HASH "$5$rounds=1000$salt$rloU6KpfKKm9G.NUT4Kh3.lZ3eQ67D/GrlYTTZlly7."

static struct weft_users *users;
static struct weft_service asking;
static struct weft_codec telling;
static char folder[128], path[160];
static int knowns, known_result;

static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                      struct weft_message *msg, struct weft_decode_io *io)
{
    ssize_t n = weft_codec_raw.decode(state, in, msg, io);
    const uint8_t *at =
        msg->payload.size > 0 ? memchr(msg->payload.data, '@', msg->payload.size) : NULL;
    if (at) {
        size_t size = (size_t)(at - msg->payload.data);
        msg->credentials = weft_view(msg->payload.data, size);
        msg->payload = weft_view_skip(msg->payload, size + 1);
    }
    return n;
}

static void known(struct weft_request *request, int result)
{
    (void)request;
    knowns++;
    known_result = result;
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static char url[] = "script:server?codec=raw&service=asking&layers=users";
static char url_telling[] = "script:server?codec=telling&service=asking&layers=users";
static char url_whole[] = "script:server?codec=raw&service=probe&layers=users";

static int setup(void **state)
{
    struct weft_error error;
    knowns = known_result = 0;
    if (server_fixture_setup_fault(state) < 0)
        return -1;
    struct server_fixture *f = *state;
    scratch_make(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/users", folder);
    write_file("ann " HASH " read:* write:a-*\n"
               "adm " HASH " admin\n"
               "all " HASH " write\n"
               "box uid:7 read\n"
               "crt cert:client.example subscribe:news-*\n");
    if (weft_users_open(&users, path, &f->log, &error) < 0)
        return -1;
    users->pool.by_hand = true;
    asking = probe_service;
    asking.name = "asking";
    asking.asks = true;
    telling = weft_codec_raw;
    telling.name = "telling";
    telling.decode = decode;
    telling.probe = NULL;
    return weft_registry_add_service(&f->registry, &asking, &f->probe) == 0 &&
                   weft_registry_add_codec(&f->registry, &telling) == 0 &&
                   weft_registry_add_layer(&f->registry, &weft_users_layer, users) == 0
               ? 0
               : -1;
}

static int teardown(void **state)
{
    struct server_fixture *f = *state;
    while (users_pool_step(&users->pool)) {
    }
    if (f->server)
        advance(f, SECONDS(3));
    int err = server_fixture_teardown_fault(state);
    weft_users_close(users);
    scratch_remove(folder);
    return err;
}

static struct weft_request *pending(struct server_fixture *f, struct test_peer *peer)
{
    peer_say(peer, "wait a");
    return f->probe.calls[f->probe.call_count - 1].request;
}

/* Why the last question was answered with no. */
static const char *denied;

static bool may(struct weft_request *request, const char *object, unsigned flags,
                enum weft_reject_cause *cause)
{
    const struct weft_action action = {"act", weft_view_str(object), flags};
    struct weft_rejection why;
    bool yes = weft_request_ask(request, &action, &why);
    *cause = yes ? (enum weft_reject_cause)0 : why.cause;
    denied = yes ? NULL : why.what;
    return yes;
}

#define assert_may(request, object, flags)                                                         \
    do {                                                                                           \
        enum weft_reject_cause seen_cause;                                                         \
        assert_true(may(request, object, flags, &seen_cause));                                     \
    } while (0)
#define assert_may_not(request, object, flags, expected)                                           \
    do {                                                                                           \
        enum weft_reject_cause seen_cause;                                                         \
        assert_false(may(request, object, flags, &seen_cause));                                    \
        assert_int_equal(seen_cause, expected);                                                    \
    } while (0)

static int login(struct weft_request *request, const char *user, const char *secret)
{
    return weft_request_authenticate(request, weft_view_str(user), weft_view_str(secret), known);
}

/* Logs in, and has the pool and the loop do what that takes. */
static int login_now(struct server_fixture *f, struct weft_request *request, const char *user,
                     const char *secret)
{
    int result = login(request, user, secret);
    if (result != -EINPROGRESS)
        return result;
    int before = knowns;
    assert_true(users_pool_step(&users->pool));
    advance(f, SECONDS(3));
    assert_int_equal(knowns, before + 1);
    return known_result;
}

static void test_unknown_peer_may_do_what_is_open_alone(void **state)
{
    struct server_fixture *f = *state;
    struct weft_request *a = pending(f, serve_one(f));
    assert_may(a, "", WEFT_ACTION_OPEN);
    assert_may_not(a, "a-1", 0, WEFT_REJECT_NOT_KNOWN);
    assert_may_not(a, "", WEFT_ACTION_PLAIN, WEFT_REJECT_NOT_KNOWN);
}

static void test_user_may_do_what_its_rules_say(void **state)
{
    struct server_fixture *f = *state;
    struct weft_request *a = pending(f, serve_one(f));
    assert_int_equal(login_now(f, a, "ann", "sesame"), 1);
    assert_string_equal(weft_request_peer(a)->user, "ann");
    assert_may(a, "b", 0);
    assert_may(a, "", WEFT_ACTION_PLAIN);
    assert_may(a, "a-1", WEFT_ACTION_WRITES);
    assert_may_not(a, "b", WEFT_ACTION_WRITES, WEFT_REJECT_DENIED);
    assert_may_not(a, "", WEFT_ACTION_WRITES, WEFT_REJECT_DENIED);
    assert_may_not(a, "a-1", WEFT_ACTION_WRITES | WEFT_ACTION_ADMIN, WEFT_REJECT_DENIED);
    assert_may_not(a, "a-1", WEFT_ACTION_SUBSCRIBES, WEFT_REJECT_DENIED);
    assert_int_equal(login_now(f, a, "adm", "sesame"), 1);
    assert_may(a, "", WEFT_ACTION_ADMIN);
    assert_may_not(a, "b", 0, WEFT_REJECT_DENIED);
    assert_int_equal(weft_peer_set_user(weft_request_peer(a), weft_view(NULL, 0)), 0);
    assert_may_not(a, "", WEFT_ACTION_ADMIN, WEFT_REJECT_NOT_KNOWN);
}

static void test_user_is_told_which_rule_is_missing(void **state)
{
    struct server_fixture *f = *state;
    static const struct {
        unsigned flags;
        const char *text;
    } rows[] = {
        {WEFT_ACTION_WRITES, "your rules have no write for this table"},
        {WEFT_ACTION_ADMIN, "your rules have no admin"},
        {WEFT_ACTION_SUBSCRIBES, "your rules have no subscribe for this topic"},
    };
    struct weft_request *a = pending(f, serve_one(f));
    assert_int_equal(login_now(f, a, "ann", "sesame"), 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_may_not(a, "b", rows[i].flags, WEFT_REJECT_DENIED);
        assert_string_equal(denied, rows[i].text);
    }
    assert_int_equal(login_now(f, a, "adm", "sesame"), 1);
    assert_may_not(a, "b", 0, WEFT_REJECT_DENIED);
    assert_string_equal(denied, "your rules have no read for this table");
}

static void test_wrong_password_leaves_the_peer_as_it_was(void **state)
{
    struct server_fixture *f = *state;
    struct weft_request *a = pending(f, serve_one(f));
    assert_int_equal(login_now(f, a, "ann", "sesamE"), 0);
    assert_int_equal(login_now(f, a, "nobody", "sesame"), 0);
    assert_int_equal(login_now(f, a, "box", "7"), 0);
    assert_int_equal(login_now(f, a, "crt", "client.example"), 0);
    assert_null(weft_request_peer(a)->user);
    assert_int_equal(login_now(f, a, "ann", "sesame"), 1);
    assert_int_equal(login_now(f, a, "ann", "wrong"), 0);
    assert_string_equal(weft_request_peer(a)->user, "ann");
    assert_int_equal(atomic_load(&users->failures), 5);
}

static void test_password_that_was_right_is_not_hashed_again(void **state)
{
    struct server_fixture *f = *state;
    struct weft_request *a = pending(f, serve_one(f));
    assert_int_equal(login_now(f, a, "ann", "sesame"), 1);
    assert_int_equal(login(a, "ann", "sesame"), 1);
    assert_int_equal(login(a, "all", "sesame"), -EINPROGRESS);
}

static void test_failure_is_answered_late_and_a_success_at_once(void **state)
{
    struct server_fixture *f = *state;
    struct weft_request *a = pending(f, serve_one(f));
    for (int64_t ms = 50; ms <= 200; ms *= 2) {
        int before = knowns;
        assert_int_equal(login(a, "ann", "wrong"), -EINPROGRESS);
        assert_true(users_pool_step(&users->pool));
        advance(f, MILLISECONDS(ms - 1));
        assert_int_equal(knowns, before);
        advance(f, MILLISECONDS(1));
        assert_int_equal(knowns, before + 1);
    }
    assert_int_equal(login(a, "ann", "sesame"), -EINPROGRESS);
    assert_true(users_pool_step(&users->pool));
    turns(f);
    assert_int_equal(known_result, 1);
}

/* Counts what others are answered meanwhile. The loop itself hashes nothing. */
static void test_ten_thousand_wrong_passwords_hold_up_nobody_else(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *guesser = serve_one(f), *good = peer_dial(f);
    struct weft_request *a = pending(f, guesser);
    size_t before = fault_live();
    for (int i = 0; i < 10000; i++) {
        char text[32];
        snprintf(text, sizeof text, "guess %d", i);
        assert_int_equal(login(a, "ann", text), -EINPROGRESS);
        if (i % 8 == 0) {
            peer_say(good, "now b"); /* while the hash is computed */
            assert_heard(good, "b");
        }
        assert_true(users_pool_step(&users->pool));
        turns(f);
        if (i % 8 == 1) {
            peer_say(good, "now c"); /* and in the delay */
            assert_heard(good, "c");
        }
        advance(f, SECONDS(2));
        assert_int_equal(knowns, i + 1);
        assert_int_equal(known_result, 0);
    }
    assert_true(fault_live() <= before + 4);
    assert_int_equal(atomic_load(&users->failures), 10000);
    probe_end_silently(&f->probe, "a");
}

/* Returns the number of lines that hold the word, in a log that was written from its beginning. */
static size_t count_lines(int fd, const char *word)
{
    char text[8192];
    ssize_t size = pread(fd, text, sizeof text - 1, 0);
    size_t count = 0;
    assert_in_range(size, 0, sizeof text - 2);
    text[size] = '\0';
    for (const char *p = text; (p = strstr(p, word)) != NULL; p++)
        count++;
    return count;
}

static void test_failures_are_logged_once_a_second(void **state)
{
    struct server_fixture *f = *state;
    FILE *file = tmpfile();
    assert_non_null(file);
    const struct weft_log before = f->log;
    f->log = (struct weft_log){.level = WEFT_LOG_WARN, .fd = fileno(file)};
    struct test_peer *peer = serve_one(f);
    struct weft_request *requests[5];
    for (int i = 0; i < 5; i++) {
        requests[i] = pending(f, i == 0 ? peer : peer_dial(f));
        assert_int_equal(login(requests[i], "ann", "guess"), -EINPROGRESS);
    }
    while (users_pool_step(&users->pool)) {
    }
    turns(f);
    assert_int_equal(count_lines(f->log.fd, "event=login-failed"), 1);
    advance(f, SECONDS(2));
    assert_int_equal(login_now(f, requests[0], "nobody", "guess"), 0);
    assert_int_equal(count_lines(f->log.fd, "event=login-failed"), 2);
    assert_int_equal(count_lines(f->log.fd, "user=? failures=6"), 1);
    assert_int_equal(count_lines(f->log.fd, "guess"), 0);
    probe_end_all(&f->probe);
    fclose(file);
    f->log = before;
}

static void test_guessers_on_many_connections_are_turned_away(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    (void)pending(f, peer);
    assert_int_equal(login_now(f, f->probe.calls[0].request, "ann", "wrong"), 0);
    for (int i = 0; i <= USERS_DELAY_PENDING; i++) {
        peer_say(peer_dial(f), "wait x");
        struct weft_request *request = f->probe.calls[f->probe.call_count - 1].request;
        assert_int_equal(login(request, "ann", "x"),
                         i < USERS_DELAY_PENDING ? -EINPROGRESS : -EBUSY);
    }
    while (users_pool_step(&users->pool)) {
    }
    advance(f, SECONDS(3));
    probe_end_all(&f->probe);
}

static void test_peer_may_go_while_its_password_is_hashed(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    struct weft_request *a = pending(f, peer);
    assert_int_equal(login(a, "ann", "sesame"), -EINPROGRESS);
    peer_reset(peer);
    weft__worker_cut(f->worker);
    turns(f);
    assert_int_equal(closed(f), 1);
    assert_true(users_pool_step(&users->pool));
    turns(f);
    assert_int_equal(knowns, 1);
    probe_end_silently(&f->probe, "a");
}

static void test_secret_is_wiped_once_it_is_hashed(void **state)
{
    struct server_fixture *f = *state;
    struct weft_request *a = pending(f, serve_one(f));
    assert_int_equal(login(a, "ann", "sesame"), -EINPROGRESS);
    const uint8_t *job = (const uint8_t *)users->pool.first;
    size_t size = 0;
    while (memcmp(job + size, "sesame", 6) != 0)
        size++;
    assert_true(users_pool_step(&users->pool));
    assert_memory_equal(job + size, "\0\0\0\0\0\0", 6); /* the job lives until its post */
    turns(f);
}

static void test_each_message_is_judged_by_its_own_credentials(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "Bearer ann.sesame@now a", "now b");
    assert_heard(peer, "");
    assert_noted(f, "open");
    assert_true(users_pool_step(&users->pool));
    turns(f);
    assert_noted(f, "a b");
    assert_heard(peer, "a b");
    peer_say(peer, "Basic YW5uOnNlc2FtZQ==@wait c", "wait d");
    assert_true(users_pool_step(&users->pool));
    turns(f);
    peer_say(peer, "Basic YW5uOnNlc2FtZQ==@wait e");
    assert_int_equal(f->probe.call_count, 5); /* the cache knew */
    assert_may(f->probe.calls[2].request, "a-1", WEFT_ACTION_WRITES);
    assert_may_not(f->probe.calls[3].request, "a-1", 0, WEFT_REJECT_NOT_KNOWN);
    assert_may(f->probe.calls[4].request, "a-1", WEFT_ACTION_WRITES);
    probe_end_all(&f->probe);
}

static void test_message_with_wrong_credentials_is_refused_late(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "Bearer ann.wrong@now a", "Bearer nonsense@now b", "Digest x@now c");
    assert_true(users_pool_step(&users->pool));
    turns(f);
    assert_heard(peer, "");
    advance(f, MILLISECONDS(50));
    assert_heard(peer, "not-known*3");
    assert_noted(f, "open");
}

static void test_reload_changes_rules_and_ends_users(void **state)
{
    struct server_fixture *f = *state;
    struct weft_error error;
    struct weft_request *a = pending(f, serve_one(f));
    assert_int_equal(login_now(f, a, "ann", "sesame"), 1);
    write_file("ann " HASH " write:b-*\n");
    assert_int_equal(weft_users_prepare(users, &error), 0);
    assert_may(a, "a-1", WEFT_ACTION_WRITES);
    weft_users_commit(users);
    assert_may_not(a, "a-1", WEFT_ACTION_WRITES, WEFT_REJECT_DENIED);
    assert_may(a, "b-1", WEFT_ACTION_WRITES);
    write_file("bob " HASH " write\n");
    assert_int_equal(weft_users_prepare(users, &error), 0);
    weft_users_abandon(users);
    assert_may(a, "b-1", WEFT_ACTION_WRITES);
    assert_int_equal(weft_users_prepare(users, &error), 0);
    weft_users_commit(users);
    assert_may_not(a, "b-1", WEFT_ACTION_WRITES, WEFT_REJECT_NOT_KNOWN);
    assert_int_equal(login_now(f, a, "ann", "sesame"), 0);
    assert_int_equal(login_now(f, a, "bob", "sesame"), 1);
}

static void test_user_with_another_password_has_to_log_in_again(void **state)
{
    struct server_fixture *f = *state;
    struct weft_error error;
    struct weft_request *a = pending(f, serve_one(f));
    assert_int_equal(login_now(f, a, "ann", "sesame"), 1);
    write_file("ann uid:3 write\n");
    assert_int_equal(weft_users_prepare(users, &error), 0);
    weft_users_commit(users);
    assert_may_not(a, "b", 0, WEFT_REJECT_NOT_KNOWN);
    assert_int_equal(login_now(f, a, "ann", "sesame"), 0);
}

static void test_bad_file_changes_nothing_and_names_its_line(void **state)
{
    struct server_fixture *f = *state;
    struct weft_error error;
    char expected[512];
    struct weft_request *a = pending(f, serve_one(f));
    assert_int_equal(login_now(f, a, "ann", "sesame"), 1);
    write_file("ann " HASH " write\nbob\n");
    assert_int_equal(weft_users_prepare(users, &error), WEFT_ECONFIG);
    snprintf(expected, sizeof expected, "%s:2: 'bob' has no hash, cert:CN or uid:N", path);
    assert_string_equal(error.text, expected);
    assert_may_not(a, "b", WEFT_ACTION_WRITES, WEFT_REJECT_DENIED);
    assert_may(a, "a-1", WEFT_ACTION_WRITES);
}

static void test_service_that_does_not_ask_needs_write_for_all(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    peer_say(peer, "now a");
    assert_heard(peer, "not-known");
}

static void test_login_survives_every_failing_allocation(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer = serve_one(f);
    for (size_t n = 0;; n++) {
        struct weft_request *a = pending(f, peer);
        fault_arm(FAULT_ONE, n);
        int result = login_now(f, a, n % 2 ? "ann" : "all", "sesame");
        size_t failed = fault_failed();
        fault_disarm();
        assert_true(result == 1 || result == -ENOMEM);
        probe_end_silently(&f->probe, "a");
        turns(f);
        write_file("ann " HASH " read\nall " HASH " read\n");
        struct weft_error error;
        assert_int_equal(weft_users_prepare(users, &error), 0);
        weft_users_commit(users);
        if (failed == 0 && n > 1)
            break;
    }
}

#define TEST_USERS_OF(test, where)                                                                 \
    {                                                                                              \
#test, test, setup, teardown, where                                                        \
    }
#define TEST_USERS(test) TEST_USERS_OF(test, url)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_USERS(test_unknown_peer_may_do_what_is_open_alone),
        TEST_USERS(test_user_may_do_what_its_rules_say),
        TEST_USERS(test_user_is_told_which_rule_is_missing),
        TEST_USERS(test_wrong_password_leaves_the_peer_as_it_was),
        TEST_USERS(test_password_that_was_right_is_not_hashed_again),
        TEST_USERS(test_failure_is_answered_late_and_a_success_at_once),
        TEST_USERS(test_ten_thousand_wrong_passwords_hold_up_nobody_else),
        TEST_USERS(test_failures_are_logged_once_a_second),
        TEST_USERS(test_guessers_on_many_connections_are_turned_away),
        TEST_USERS(test_peer_may_go_while_its_password_is_hashed),
        TEST_USERS(test_secret_is_wiped_once_it_is_hashed),
        TEST_USERS_OF(test_each_message_is_judged_by_its_own_credentials, url_telling),
        TEST_USERS_OF(test_message_with_wrong_credentials_is_refused_late, url_telling),
        TEST_USERS(test_reload_changes_rules_and_ends_users),
        TEST_USERS(test_user_with_another_password_has_to_log_in_again),
        TEST_USERS(test_bad_file_changes_nothing_and_names_its_line),
        TEST_USERS_OF(test_service_that_does_not_ask_needs_write_for_all, url_whole),
        TEST_USERS(test_login_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
