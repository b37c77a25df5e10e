/* SPDX-License-Identifier: MIT
 *
 * kvc with --codec line: it prints what it prints in any other codec, but for what no line can say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/kvs.h"

static struct kvs server;

static int start_server(void **state)
{
    (void)state;
    kvs_start(&server, WORDS("--listen", KVS_ANY_PORT "?codec=line", "--listen", KVS_ANY_PORT));
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    kvs_end(&server);
    return 0;
}

static const char *url(void)
{
    static char text[160];
    snprintf(text, sizeof text, "%s?codec=line", server.urls[0]);
    return text;
}

/* In lines, then in frames, and the same is printed; also on standard error, unless that tells times. */
static void compare(const char *const *words, int code, bool errors)
{
    struct process in_lines, in_frames;
    assert_int_equal(kvc_run(&in_lines, url(), words), code);
    assert_int_equal(kvc_run(&in_frames, server.urls[1], words), code);
    assert_string_equal(in_lines.out.text, in_frames.out.text);
    if (errors)
        assert_string_equal(in_lines.err.text, in_frames.err.text);
    process_kill(&in_lines);
    process_kill(&in_frames);
}

static void expect_alike(const char *const *words, int code)
{
    compare(words, code, true);
}

static void test_reads_print_the_same_in_lines(void **state)
{
    (void)state;
    kvc_expect(server.urls[1],
               WORDS("hmset", "t", "a", "int:1", "b", "hex:00ff", "c", "two words", "d",
                     "float:0.5", "e", "bool:true", "f", "empty:", "g", "str:int:1", "h\t",
                     "a\nb\\"),
               "\n\n\n\n\n\n\n\n");
    static const char
        *const hgetall[] = {"hgetall", "t", NULL},
               *const hget[] = {"hget", "t", "c", NULL}, *const absent[] = {"hget", "t", "x", NULL},
               *const hmget[] = {"--json", "hmget", "t", "a",   "b", "c", "d",
                                 "e",      "f",     "g", "h\t", "x", NULL},
               *const hmexist[] = {"hmexist", "t", "a", "x", NULL},
               *const hscan[] = {"hscan", "t", "--prefix", "c", NULL},
               *const keys[] = {"hscan", "t", "--keys-only", "--match", "[ab]", NULL},
               *const states[] = {"hget", "t", "a", "--state", NULL},
               *const httl[] = {"httl", "t", "a", "x", NULL}, *const count[] = {"count", "t", NULL},
               *const tables[] = {"tables", "t", NULL};
    expect_alike(hgetall, 0);
    expect_alike(hget, 0);
    expect_alike(absent, 1);
    expect_alike(hmget, 0);
    expect_alike(hmexist, 0);
    expect_alike(hscan, 0);
    expect_alike(keys, 0);
    expect_alike(states, 0);
    expect_alike(httl, 0);
    expect_alike(count, 0);
    expect_alike(tables, 0);
}

static void test_writes_in_lines_are_seen_in_frames(void **state)
{
    (void)state;
    kvc_expect(url(), WORDS("hset", "w", "k 1", "it's \"q\" \\"), "\n");
    kvc_expect(server.urls[1], WORDS("hget", "w", "k 1"), "it's \"q\" \\\n");
    kvc_expect(url(), WORDS("hincr", "w", "n", "5"), "5\n");
    kvc_expect(url(), WORDS("hset", "w", "n", "1", "--ttl", "1000"), "int:5\n");
    kvc_expect(url(), WORDS("hpersist", "w", "n"), "true\n");
    kvc_expect(server.urls[1], WORDS("httl", "w", "n"), "never\n");
    kvc_expect(url(), WORDS("hset", "w", "--", "--ttl", "--state"), "\n");
    kvc_expect(server.urls[1], WORDS("hget", "w", "--", "--ttl"), "--state\n");
    kvc_expect(url(), WORDS("drop", "w"), "3\n");
}

static void test_export_has_types_and_expiry_in_lines(void **state)
{
    static const char *const export[] = {"export", "x", NULL};
    (void)state;
    kvc_expect(url(), WORDS("hmset", "x", "a", "int:1", "b", "two words"), "\n\n");
    kvc_expect(url(), WORDS("hset", "x", "c", "v", "--expire-at", "4102444800"), "\n");
    compare(export, 0, false);
}

static void test_condition_that_does_not_hold_says_what_is_there(void **state)
{
    static const char *const words[] = {"hset", "c", "k", "w", "--if-absent", NULL};
    (void)state;
    kvc_expect(url(), WORDS("hset", "c", "k", "v"), "\n");
    expect_alike(words, 1);
}

static void test_what_no_line_says_is_refused_before_it_is_sent(void **state)
{
    (void)state;
    kvc_expect_error(url(), WORDS("hset", "n", "k", "a\nhdel n k"), 2, "newline");
    kvc_expect_error(url(), WORDS("bench", "--requests", "10"), 2, "carries lines");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_print_the_same_in_lines),
        cmocka_unit_test(test_writes_in_lines_are_seen_in_frames),
        cmocka_unit_test(test_export_has_types_and_expiry_in_lines),
        cmocka_unit_test(test_condition_that_does_not_hold_says_what_is_there),
        cmocka_unit_test(test_what_no_line_says_is_refused_before_it_is_sent),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
