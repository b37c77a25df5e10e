/* SPDX-License-Identifier: MIT
 *
 * A whole session of a server, in which each allocation fails in turn: no reply is wrong or out of
 * its place, nothing is left over, and the next connection is served. */
#include "lib/fault.h"
#include "unit/core/conn/server_fixture.h"

/* A client's request, and the word that it hears of it. */
struct exchange {
    const char *request, *reply;
};

static const struct exchange exchanges[] = {
    {"now a", "a"},           {"keep b", "B"},        {"size c 2000", "c2000"},
    {"blob d 5000", "d5000"}, {"arena e 20000", "e"}, {"stream f 1 300", "f300"},
    {"wait g", "G"},          {"now h", "h"},
};

enum { EXCHANGES = sizeof exchanges / sizeof *exchanges };

static void end_if_pending(struct server_fixture *f, const char *name, const char *text)
{
    if (probe_is_pending(&f->probe, name))
        assert_int_equal(probe_end(&f->probe, name, text), 0);
}

static bool says_no_memory(const char *word)
{
    return strcmp(word, "none") == 0 || strcmp(word, "no-memory") == 0;
}

/* "word*3" becomes "word". */
static size_t take_times(char *word)
{
    char *star = strchr(word, '*');

    if (!star)
        return 1;
    *star = '\0';
    return strtoul(star + 1, NULL, 10);
}

/* Each word is the reply of its place or says that there was no memory for it; they may end early
 * where an allocation has failed. */
static void check_replies(struct test_peer *peer)
{
    char heard[8192];
    size_t i = 0;

    snprintf(heard, sizeof heard, "%s", peer_hear(peer));
    for (char *rest, *word = strtok_r(heard, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (strcmp(word, "EOF") == 0 || strcmp(word, "RESET") == 0)
            break;
        size_t times = take_times(word);
        assert_true(i + times <= EXCHANGES);
        if (!says_no_memory(word))
            assert_string_equal(word, exchanges[i].reply);
        else
            assert_int_not_equal(fault_failed(), 0);
        i += times;
    }
    if (fault_failed() == 0)
        assert_int_equal(i, EXCHANGES);
}

static void exchange_all(struct server_fixture *f)
{
    struct test_peer *peer = peer_dial(f);

    for (int i = 0; i < EXCHANGES; i++)
        peer_queue(peer, exchanges[i].request);
    turns(f);
    end_if_pending(f, "g", "G");
    end_if_pending(f, "b", "B");
    turns(f);
    check_replies(peer);
}

/* Its replies have no memory of their own: the words of the service and the codec do. */
static void misbehave(struct server_fixture *f)
{
    struct test_peer *oversize = peer_dial(f), *foreign = peer_dial(f), *slow = peer_dial(f);
    uint8_t frame[20000];

    peer_queue(oversize, "wait x");
    peer_send(oversize, frame, peer_frame(frame, "", 15000));
    peer_send(foreign, "GET / HTTP/1.0\r\n\r\n", 18);
    peer_send(slow, frame, 4 + 9000);
    turns(f);
    end_if_pending(f, "x", "X");
    turns(f);
    peer_shutdown(slow);
    peer_reset(oversize);
}

static void be_served(struct server_fixture *f)
{
    struct test_peer *peer = peer_dial(f);

    peer_say(peer, "now z");
    assert_heard(peer, "z");
}

static void run_session(void *arg)
{
    void *state = arg;
    struct server_fixture *f;

    if (server_fixture_setup(&state) < 0) {
        assert_int_not_equal(fault_failed(), 0);
        return;
    }
    f = state;
    f->options.limits.max_frame = 10000;
    f->options.threads = 2;
    if (server_fixture_try_start(f) < 0) {
        assert_int_not_equal(fault_failed(), 0);
    } else {
        exchange_all(f);
        misbehave(f);
        size_t failed = fault_failed();
        fault_disarm();
        be_served(f);
        weft_server_stop(f->server);
        turns(f);
        assert_int_equal(fault_failed(), failed);
    }
    assert_int_equal(server_fixture_teardown(&state), 0);
}

static void test_session_survives_every_failing_allocation_raw(void **state)
{
    (void)state;
    fault_each(run_session, server_url_raw);
}

static void test_session_survives_every_failing_allocation_gzip(void **state)
{
    (void)state;
    fault_each(run_session, server_url_gzip);
}

static void test_session_survives_every_failing_allocation_mute(void **state)
{
    (void)state;
    fault_each(run_session, server_url_mute);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_survives_every_failing_allocation_raw),
        cmocka_unit_test(test_session_survives_every_failing_allocation_gzip),
        cmocka_unit_test(test_session_survives_every_failing_allocation_mute),
    };
    return cmocka_run_group_tests_name("server with failing allocations", tests, NULL, NULL);
}
