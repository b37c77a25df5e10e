/* SPDX-License-Identifier: MIT
 *
 * kvc with --codec line: it prints what it prints in any other codec, but for what no line can say. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/kvs.h"
#include "lib/listener.h"

static struct kvs server;
static char folder[64];

static int start_server(void **state)
{
    (void)state;
    scratch_make(folder, sizeof folder);
    kvs_start(&server, WORDS("--listen", KVS_ANY_PORT "?codec=line", "--listen", KVS_ANY_PORT));
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    kvs_end(&server);
    scratch_remove(folder);
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

static void test_changes_and_times_print_the_same_in_lines(void **state)
{
    static const char *const
        absent[] = {"hset", "u", "n", "1", "--if-absent", NULL},
        *const present[] = {"hmset", "u", "n", "1", "m", "2", "--if-present", NULL},
        *const version[] = {"hdel", "u", "k", "--if-version", "00112233445566778899aabbccddeeff",
                            NULL},
        *const sum[] = {"hincr", "u", "s", "float:0.5", NULL},
        *const no_number[] = {"hincr", "u", "k", NULL},
        *const expire[] = {"hexpire", "u", "x", "10", NULL}, *const never[] = {"--json", "hpersist",
                                                                               "u",      "k",
                                                                               "x",      NULL},
        *const prefix[] = {"hscan", "u", "--prefix", "-", NULL},
        *const page[] = {"--json", "hscan", "u", "", "1", "--prefix", "k", NULL};
    (void)state;
    kvc_expect(url(), WORDS("hmset", "u", "k", "v", "n", "0", "--", "--x", "y"), "\n\n\n");
    expect_alike(absent, 1);
    expect_alike(present, 1);
    expect_alike(version, 1);
    expect_alike(no_number, 1);
    expect_alike(expire, 0);
    expect_alike(never, 0);
    expect_alike(prefix, 0);
    expect_alike(page, 0);
    kvc_expect(url(), sum, "0.5\n");
    kvc_expect(server.urls[1], sum, "1\n");
    kvc_expect(url(), WORDS("hset", "u", "t", "v", "--ttl", "2h", "--if-absent"), "\n");
    kvc_expect(url(), WORDS("--json", "hexpire", "u", "t", "1h"),
               "{\"status\": 200, \"value\": true}\n");
}

static const char *write_file(const char *name, const char *text)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void expect_import(const char *const *words, int code, const char *out, const char *err)
{
    struct process kvc;
    int got = kvc_run(&kvc, url(), words);
    if (got != code || !strstr(kvc.out.text, out) || !strstr(kvc.err.text, err))
        fail_msg("code %d, out '%s', err '%s'", got, kvc.out.text, kvc.err.text);
    process_kill(&kvc);
}

static void test_import_stores_rows_that_expire_beside_rows_that_do_not(void **state)
{
    static const char *const export[] = {"export", "i", "--rows", "ndjson", NULL};
    (void)state;
    const char *rows =
        write_file("rows.ndjson", "{\"key\": \"a\", \"value\": 1}\n"
                                  "{\"key\": \"b\", \"value\": 2, \"expires\": 4102444800000}\n"
                                  "{\"key\": \"c\", \"value\": 3, \"expires\": 4102444801000}\n");
    expect_import(WORDS("import", "i", rows), 0, "3 rows stored", "");
    kvc_expect(server.urls[1], WORDS("hgetall", "i"), "a\tint:1\nb\tint:2\nc\tint:3\n");
    kvc_expect(server.urls[1], WORDS("httl", "i", "a"), "never\n");
    compare(export, 0, false);
}

/* More rows than there are calls, each of which has to wait for one. */
static void test_import_of_rows_that_go_one_by_one_waits_for_answers(void **state)
{
    enum { ROWS = 2000, ROW = 64 };
    (void)state;
    char *text = malloc((size_t)ROWS * ROW), *end = text;
    assert_non_null(text);
    for (int i = 0; i < ROWS; i++)
        end += snprintf(end, ROW, "{\"key\": \"%d\", \"value\": 1, \"expires\": %lld}\n", i,
                        4102444800000LL + i);
    const char *rows = write_file("many.ndjson", text);
    free(text);
    expect_import(WORDS("import", "many", rows), 0, "2000 rows stored", "");
    kvc_expect(server.urls[1], WORDS("count", "many"), "2000\n");
}

static void test_import_refuses_only_the_row_that_no_line_says(void **state)
{
    static const char row[] = ":2-3: key \"b\": codec 'line' carries no string with a newline: use "
                              "codec 'length-delimited-gzip'\n";
    (void)state;
    const char *rows = write_file("rows.csv", "a,1\nb,\"two\nlines\"\nc,3\n");
    expect_import(WORDS("import", "r", rows), 2, "1 rows stored", row);
    kvc_expect(url(), WORDS("hgetall", "r"), "a\t1\n");
    expect_import(WORDS("import", "r", rows, "--keep-going"), 2, "2 rows stored", row);
    kvc_expect(url(), WORDS("hgetall", "r"), "a\t1\nc\t3\n");
}

static void test_batch_goes_on_after_what_no_line_says(void **state)
{
    (void)state;
    const char *path = write_file(
        "batch", "[\"hset\", \"b\", \"k\", \"a\\nb\"]\npublish t v\nhset b k v\nhexpire b k 10\n");
    expect_import(WORDS("batch", path, "--keep-going"), 2, "\ntrue\n",
                  ":1: codec 'line' carries no string with a newline: use codec");
    kvc_expect(url(), WORDS("hget", "b", "k"), "v\n");
}

/* Ends what kvc has begun there, and expects that it has sent nothing. */
static void expect_nothing_sent(const struct listener *listener)
{
    struct pollfd waiting = {.fd = listener->fd, .events = POLLIN};
    char byte;
    while (poll(&waiting, 1, 0) > 0) {
        int fd = listener_accept(listener);
        assert_true(recv(fd, &byte, 1, 0) <= 0);
        close(fd);
    }
}

static void test_what_no_line_says_is_refused_before_anything_is_sent(void **state)
{
    static const struct {
        const char *words[5], *what;
    } refused[] = {
        {{"hset", "n", "k", "a\nhdel n k"}, "codec 'line' carries no string with a newline"},
        {{"hget", "n", "a\nb"}, "codec 'line' carries no key with a newline"},
        {{"hscan", "a\nb"}, "codec 'line' carries no table with a newline"},
        {{"publish", "t", "a\nb"}, "codec 'line' carries no string with a newline"},
        {{"subscribe", "a\nb"}, "codec 'line' carries no topic with a newline"},
        {{"watch", "t"}, "codec 'line' carries no watches"},
        {{"backup", "-"}, "a backup has to watch, and codec 'line' carries no watches"},
        {{"bench"}, "bench measures codecs that carry protobuf, and codec 'line' does not"},
    };
    (void)state;
    struct listener listener;
    char in_lines[128], text[200];
    listener_open(&listener);
    snprintf(in_lines, sizeof in_lines, "%s?codec=line", listener.url);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        snprintf(text, sizeof text, "kvc: %s: use codec 'length-delimited-gzip'\n",
                 refused[i].what);
        kvc_expect_error(in_lines, refused[i].words, 2, text);
        expect_nothing_sent(&listener);
    }
    close(listener.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_print_the_same_in_lines),
        cmocka_unit_test(test_writes_in_lines_are_seen_in_frames),
        cmocka_unit_test(test_export_has_types_and_expiry_in_lines),
        cmocka_unit_test(test_condition_that_does_not_hold_says_what_is_there),
        cmocka_unit_test(test_changes_and_times_print_the_same_in_lines),
        cmocka_unit_test(test_import_stores_rows_that_expire_beside_rows_that_do_not),
        cmocka_unit_test(test_import_of_rows_that_go_one_by_one_waits_for_answers),
        cmocka_unit_test(test_import_refuses_only_the_row_that_no_line_says),
        cmocka_unit_test(test_batch_goes_on_after_what_no_line_says),
        cmocka_unit_test(test_what_no_line_says_is_refused_before_anything_is_sent),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
