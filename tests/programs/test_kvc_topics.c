/* SPDX-License-Identifier: MIT
 *
 * `kvc subscribe` and `kvc publish` against a real kvs. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "kvc_fixture.h"

/* Starts kvc with these words and waits until it says that. */
static void start(struct process *kvc, const char *server, const char *const *words,
                  const char *begun)
{
    const char *line[16] = {KVC_PATH, "--server", server};
    size_t count = 3;
    for (size_t i = 0; words[i]; i++)
        line[count++] = words[i];
    line[count] = NULL;
    process_start(kvc, line);
    process_wait_error(kvc, begun);
}

static void expect_end(struct process *kvc, int code, const char *out)
{
    int ended = process_wait(kvc);
    assert_string_equal(kvc->out.text, out);
    assert_int_equal(ended, code);
    process_kill(kvc);
}

static void test_subscriber_prints_what_is_published(void **state)
{
    (void)state;
    struct process one, some;
    start(&one, url, WORDS("subscribe", "a", "b", "--count", "4"), "kvc: subscribed to 2 topics\n");
    start(&some, url, WORDS("subscribe", "?", "--pattern", "--count", "4"),
          "kvc: subscribed to 1 pattern\n");
    expect(WORDS("publish", "a", "int:1", "x\ty"), 0, "2\n", "");
    expect(WORDS("publish", "nobody", "int:1"), 0, "0\n", "");
    expect(WORDS("--json", "publish", "b", "true:", "hex:00ff"), 0, "\"value\": 2}\n", "");
    expect_end(&one, 0, "a\tint:1\na\tx\\ty\nb\ttrue:\nb\thex:00ff\n");
    expect_end(&some, 0, "a\tint:1\na\tx\\ty\nb\ttrue:\nb\thex:00ff\n");
}

static void test_messages_as_json(void **state)
{
    (void)state;
    struct process kvc;
    const char *const line[] = {KVC_PATH, "--server", url, "--json", "subscribe",
                                "j",      "--count",  "2", NULL};
    char first[64];
    process_start(&kvc, line);
    process_wait_line(&kvc, 1, first, sizeof first);
    assert_string_equal(first, "{\"subscribed\": 1}");
    const char *path = write_file("batch", "[\"publish\", \"j\", 42, {\"base64\": \"AA==\"}]\n");
    expect(WORDS("--json", "batch", path), 0, "\"status\": 200, ", "");
    expect_end(&kvc, 0,
               "{\"subscribed\": 1}\n{\"topic\": \"j\", \"value\": 42}\n"
               "{\"topic\": \"j\", \"value\": {\"base64\": \"AA==\"}}\n");
}

static void test_topics_over_lines(void **state)
{
    (void)state;
    struct kvs kvs;
    struct process kvc;
    const char *all = url;
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT "?codec=auto"));
    url = kvs.urls[0];
    start(&kvc, url, WORDS("--codec", "line", "subscribe", "news-*", "--pattern", "--count", "3"),
          "kvc: subscribed to 1 pattern\n");
    expect(WORDS("--codec", "line", "publish", "news-a", "int:1", "x\ty", "str:int:2"), 0, "1\n",
           "");
    expect_end(&kvc, 0, "news-a\tint:1\nnews-a\tx\\ty\nnews-a\tstr:int:2\n");
    start(&kvc, url, WORDS("--codec", "line", "subscribe", "a", "b"),
          "kvc: subscribed to 2 topics\n");
    assert_int_equal(kvs_stop(&kvs), 0);
    process_wait_error(&kvc, "kvc: The subscription ends: the server is shutting down; "
                             "connecting again\n");
    process_kill(&kvc);
    kvs_kill(&kvs);
    url = all;
}

static void test_subscribe_ends_with_a_signal_or_in_time(void **state)
{
    (void)state;
    struct process kvc;
    start(&kvc, url, WORDS("subscribe", "s"), "kvc: subscribed to 1 topic\n");
    process_signal(&kvc, SIGINT);
    expect_end(&kvc, 130, "");
    expect(WORDS("subscribe", "s", "--timeout", "0.3"), 4, "", "kvc: no message came in time\n");
}

static void test_mistakes_are_explained(void **state)
{
    (void)state;
    expect(WORDS("subscribe"), 2, "", "usage: kvc subscribe TOPIC...\n");
    expect(WORDS("publish", "t"), 2, "", "usage: kvc publish TOPIC VALUE...\n");
    expect(WORDS("subscribe", "\xff"), 2, "", "the topic is not UTF-8\n");
    expect(WORDS("publish", "t", "int:x"), 2, "", "int:x");
    expect(WORDS("subscribe", "--pattern",
                 "0123456789012345678901234567890123456789012345678901234567890123456789"
                 "0123456789012345678901234567890123456789012345678901234567890123456789"),
           1, "", "400 Pattern is too long: it may have 128 bytes\n");
    const char *all = url;
    url = "unix:/nowhere/kvs.sock";
    expect(WORDS("subscribe", "t"), 3, "", "unix:/nowhere/kvs.sock");
    url = all;
}

static void test_subscriber_comes_back_to_a_server_that_restarts(void **state)
{
    (void)state;
    struct kvs kvs;
    struct process kvc;
    char address[256];
    const char *all = url;
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT));
    strcpy(address, kvs.urls[0]);
    start(&kvc, address, WORDS("subscribe", "r", "--count", "1"), "kvc: subscribed to 1 topic\n");
    assert_int_equal(kvs_stop(&kvs), 0);
    process_wait_error(&kvc, "kvc: The subscription ends: the server is shutting down; "
                             "connecting again\n");
    kvs_kill(&kvs);
    kvs_start(&kvs, WORDS("--listen", address));
    process_wait_error(&kvc, "kvc: connected again; messages may have been missed\n");
    url = address;
    expect(WORDS("publish", "r", "back"), 0, "1\n", "");
    url = all;
    expect_end(&kvc, 0, "r\tback\n");
    /* One that is killed says nothing. */
    start(&kvc, address, WORDS("subscribe", "r"), "kvc: subscribed to 1 topic\n");
    kvs_kill(&kvs);
    process_wait_error(&kvc, "; connecting again\n");
    process_signal(&kvc, SIGTERM);
    expect_end(&kvc, 143, "");
}

/* Publishes far more than what the buffers between hold to a subscriber that was stopped. */
static void lose(const char *const *words, const char *begun, bool in_error)
{
    enum { MANY = 400, SIZE = 64 << 10 };
    struct kvs kvs;
    struct process kvc;
    char word[SIZE + 128], path[128], first[64];
    const char *all = url;
    memset(word, 'x', SIZE);
    word[SIZE] = '\0';
    snprintf(path, sizeof path, "%s", path_of("many"));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < MANY; i++)
        fprintf(file, "publish l %s\n", word);
    fputs("publish l last\n", file);
    fclose(file);
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT "?codec=raw", "--feed-ring", "256KiB"));
    url = kvs.urls[0];
    const char *line[16] = {KVC_PATH, "--server", url, "--codec", "raw"};
    for (size_t i = 0; words[i]; i++)
        line[i + 5] = words[i];
    process_start(&kvc, line);
    if (in_error)
        process_wait_error(&kvc, begun);
    else
        process_wait_line(&kvc, 1, first, sizeof first);
    process_suspend(&kvc);
    expect(WORDS("--codec", "raw", "batch", path), 0, "", "");
    process_resume(&kvc);
    if (in_error) {
        process_wait_error(&kvc, " messages were lost\n");
    } else {
        while (!kvc.out.text || !strstr(kvc.out.text, "\"last\"")) {
            size_t lines = 1;
            for (const char *at = kvc.out.text; at && (at = strchr(at, '\n')); at++)
                lines++;
            process_wait_line(&kvc, lines, word, sizeof word);
        }
        assert_non_null(strstr(kvc.out.text, "{\"topic\": \"l\", \"lost\": "));
    }
    process_signal(&kvc, SIGINT);
    (void)process_wait(&kvc);
    process_kill(&kvc);
    url = all;
    kvs_end(&kvs);
}

static void test_slow_subscriber_says_what_it_has_lost(void **state)
{
    (void)state;
    lose(WORDS("subscribe", "l"), "kvc: subscribed to 1 topic\n", true);
    lose(WORDS("--json", "subscribe", "l"), "", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subscriber_prints_what_is_published),
        cmocka_unit_test(test_messages_as_json),
        cmocka_unit_test(test_topics_over_lines),
        cmocka_unit_test(test_subscribe_ends_with_a_signal_or_in_time),
        cmocka_unit_test(test_mistakes_are_explained),
        cmocka_unit_test(test_subscriber_comes_back_to_a_server_that_restarts),
        cmocka_unit_test(test_slow_subscriber_says_what_it_has_lost),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
