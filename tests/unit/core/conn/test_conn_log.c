/* SPDX-License-Identifier: MIT
 *
 * The log's lines about connections, and their number. */
#include <errno.h>
#include <unistd.h>

#include "server_fixture.h"

/* Lines of the log that has been written to fd, which is read from its beginning. */
static size_t count_lines(int fd, const char *word)
{
    char text[65536];
    ssize_t size = pread(fd, text, sizeof text - 1, 0);
    size_t count = 0;

    assert_in_range(size, 0, sizeof text - 2);
    text[size] = '\0';
    for (const char *p = text; (p = strstr(p, word)) != NULL; p++)
        count++;
    return count;
}

static int open_log(struct server_fixture *f, enum weft_log_level level)
{
    FILE *file = tmpfile();
    int fd;

    assert_non_null(file);
    fd = dup(fileno(file));
    assert_true(fd >= 0);
    fclose(file);
    f->log = (struct weft_log){.level = level, .fd = fd};
    f->options.log = &f->log;
    return fd;
}

static void dial_and_reset(struct server_fixture *f, int count)
{
    for (int i = 0; i < count; i++)
        peer_reset(peer_dial(f));
}

static void test_log_has_at_most_20_closes_a_second(void **state)
{
    struct server_fixture *f = *state;
    int fd = open_log(f, WEFT_LOG_INFO);
    server_fixture_start(f);
    dial_and_reset(f, 50);
    assert_int_equal(count_lines(fd, "reason=peer-reset"), 20);
    assert_int_equal(count_lines(fd, "suppressed"), 0);
    advance(f, SECONDS(1));
    dial_and_reset(f, 1);
    assert_int_equal(count_lines(fd, "reason=peer-reset"), 21);
    assert_int_equal(count_lines(fd, "event=suppressed lines=30"), 1);
    advance(f, SECONDS(1));
    dial_and_reset(f, 1);
    assert_int_equal(count_lines(fd, "suppressed"), 1);
    close(fd);
}

static void test_ordinary_closes_are_not_logged_at_info(void **state)
{
    struct server_fixture *f = *state;
    int fd = open_log(f, WEFT_LOG_INFO);
    server_fixture_start(f);
    peer_close(peer_dial(f));
    turns(f);
    assert_int_equal(count_lines(fd, "event="), 0);
    close(fd);
}

static void test_log_says_what_other_protocols_look_like(void **state)
{
    struct server_fixture *f = *state;
    int fd = open_log(f, WEFT_LOG_DEBUG);
    struct test_peer *peer = serve_one(f);
    peer_send(peer, "POST / HTTP/1.1\r\n", 17);
    turns(f);
    advance(f, SECONDS(2));
    assert_int_equal(count_lines(fd, "event=open conn=1 peer=script\n"), 1);
    assert_int_equal(count_lines(fd, "event=close conn=1 peer=script reason=foreign-protocol "
                                     "detail=\"looks like HTTP\"\n"),
                     1);
    close(fd);
}

/* However often it tries in vain meanwhile, and however many come afterwards. */
static void test_each_rest_of_accepting_has_a_line_when_it_begins_and_one_when_it_ends(void **state)
{
    struct server_fixture *f = *state;
    int fd = open_log(f, WEFT_LOG_INFO);
    server_fixture_start(f);
    for (int rests = 1; rests <= 2; rests++) {
        size_t before = (size_t)rests - 1;
        script_fail_accepts("server", -ENOMEM, 4);
        peer_dial(f);
        advance(f, MILLISECONDS(100));
        assert_int_equal(count_lines(fd, "event=accept-back-off error=ENOMEM"), rests);
        assert_int_equal(count_lines(fd, "event=accept-again"), before);
        advance(f, MILLISECONDS(100));
        peer_dial(f);
        assert_int_equal(count_lines(fd, "event=accept-again"), rests);
    }
    close(fd);
}

static void test_log_counts_the_peers_that_each_rest_of_accepting_cost(void **state)
{
    struct server_fixture *f = *state;
    int fd = open_log(f, WEFT_LOG_INFO);
    server_fixture_start(f);
    for (int peers = 3; peers > 0; peers--) {
        char line[64];
        script_fail_accepts("server", -EMFILE, peers + 1);
        for (int i = 0; i < peers; i++)
            peer_dial_only(f);
        turns(f);
        advance(f, MILLISECONDS(100));
        peer_dial(f);
        snprintf(line, sizeof line, "event=accept-again shed=%d\n", peers);
        assert_int_equal(count_lines(fd, line), 1);
    }
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_RAW(test_log_has_at_most_20_closes_a_second),
        TEST_RAW(test_ordinary_closes_are_not_logged_at_info),
        TEST_RAW(test_log_says_what_other_protocols_look_like),
        TEST_RAW(test_each_rest_of_accepting_has_a_line_when_it_begins_and_one_when_it_ends),
        TEST_RAW(test_log_counts_the_peers_that_each_rest_of_accepting_cost),
    };
    return cmocka_run_group_tests_name("conn log", tests, NULL, NULL);
}
