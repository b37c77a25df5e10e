/* SPDX-License-Identifier: MIT
 *
 * kvc bench against a real kvs: runs that end after so many requests, and what they count. */
#include <string.h>

#include "bench_fixture.h"

static void test_every_endpoint_answers_as_many_as_were_asked_for(void **state)
{
    (void)state;
    const char *const urls[] = {server.urls[0], server.urls[1], gzip_socket, raw_socket};
    const char *const codecs[] = {"length-delimited-gzip", "raw", "length-delimited-gzip", "raw"};
    for (size_t i = 0; i < 4; i++) {
        const char *codec = i == 1 ? "--codec=raw" : "--timeout=100";
        run_json(urls[i], 0,
                 WORDS("--clients=5", "--pipeline=7", "--threads=2", "--keys=100", "--requests",
                       "2001", "--mix", "hget=2,hset=1,hexist=1", codec, "--json"));
        assert_whole(2001);
        assert_true(command_count("hexist", "requests") > 0);
        assert_string_equal(json_string_value(json_object_get(json, "codec")), codecs[i]);
    }
}

static void test_few_clients_keys_and_requests_are_enough(void **state)
{
    (void)state;
    run_json(server.urls[0], 0,
             WORDS("--clients=1", "--keys=1", "--requests=1", "--value-size=0", "--json"));
    assert_whole(1);
    run_json(server.urls[0], 0,
             WORDS("--clients=7", "--threads=5", "--keys=2", "--requests=3", "--json"));
    assert_whole(3);
}

static void test_wire_and_message_bytes_tell_the_compression(void **state)
{
    (void)state;
    const char *const words[] = {
        "--clients=2", "--keys=10", "--requests=50", "--mix=hget=1", "--value-size=16KiB",
        "--json",      NULL};
    run_json(gzip_socket, 0, words);
    assert_whole(50);
    assert_true(ratio("received") > 3);
    assert_true(ratio("sent") < 1); /* no request is compressed, and each has a header */
    run_json(raw_socket, 0, words);
    assert_whole(50);
    assert_int_equal(bytes("received", "bytes"), bytes("received", "message_bytes") + 50 * 4);
    assert_int_equal(bytes("sent", "bytes"), bytes("sent", "message_bytes") + 50 * 4);
    run_json(gzip_socket, 0,
             WORDS("--clients=2", "--keys=10", "--requests=50", "--mix=hset=1",
                   "--value-size=16KiB", "--json"));
    assert_true(ratio("sent") > 3);
}

static void test_random_values_do_not_compress(void **state)
{
    (void)state;
    run_json(gzip_socket, 0,
             WORDS("--clients=2", "--keys=10", "--requests=50", "--value-size=16KiB",
                   "--value-kind=random", "--json"));
    assert_whole(50);
    assert_true(ratio("received") < 1.01);
}

static void test_deleting_misses_and_is_right_all_the_same(void **state)
{
    (void)state;
    run_json(server.urls[0], 0,
             WORDS("--clients=3", "--pipeline=4", "--keys=5", "--requests=3000",
                   "--mix=hget=1,hset=1,hexist=1,hdel=1", "--json"));
    assert_whole(3000);
    assert_true(command_count("hget", "misses") > 0);
    assert_true(command_count("hset", "misses") > 0);
    assert_true(command_count("hexist", "misses") > 0);
    assert_true(command_count("hdel", "misses") > 0);
}

static void test_keys_are_left_with_values_of_their_own(void **state)
{
    (void)state;
    expect(server.urls[0],
           WORDS("--keep", "--table=left", "--keys=1001", "--requests=1", "--value-size=30",
                 "--threads=3"),
           0, "1001 keys of table left, json values of 30 bytes, seed 1\n", "");
    process_kill(&kvc);
    assert_int_equal(kvc_run(&kvc, server.urls[0], WORDS("hgetall", "left")), 0);
    size_t lines = 0;
    for (const char *line = kvc.out.text; *line; line = strchr(line, '\n') + 1, lines++)
        assert_memory_equal(line + 4, line + 15, 10); /* key:DIGITS and a value that begins so */
    assert_int_equal(lines, 1001);
}

static void test_keys_are_removed_and_nothing_else(void **state)
{
    (void)state;
    kvc_expect(server.urls[0], WORDS("hset", "shared", "mine", "v"), "\n");
    expect(server.urls[0], WORDS("--table=shared", "--keys=2503", "--requests=1", "--threads=3"), 0,
           "2503 keys of table shared", "");
    kvc_expect(server.urls[0], WORDS("hgetall", "shared"), "mine\tv\n");
    expect(server.urls[0],
           WORDS("--table=large", "--keys=3", "--requests=1", "--value-size=2MiB", "--clients=2"),
           0, "3 keys of table large", "");
    kvc_expect(server.urls[0], WORDS("hgetall", "large"), "");
}

static void test_what_another_program_has_stored_is_replaced(void **state)
{
    (void)state;
    kvc_expect(server.urls[0], WORDS("hset", "other", "key:0000000000", "int:5"), "\n");
    run_json(server.urls[0], 0, WORDS("--table=other", "--keys=1", "--requests=10", "--json"));
    assert_whole(10);
}

static void test_warm_up_is_not_counted(void **state)
{
    (void)state;
    process_kill(&kvc);
    assert_int_equal(
        kvc_run(&kvc, server.urls[0], WORDS("bench", "--warmup=0.05", "--requests=100", "--json")),
        0);
    json = json_loads(kvc.out.text, 0, NULL);
    assert_whole(100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(test_every_endpoint_answers_as_many_as_were_asked_for),
        BENCH_TEST(test_few_clients_keys_and_requests_are_enough),
        BENCH_TEST(test_wire_and_message_bytes_tell_the_compression),
        BENCH_TEST(test_random_values_do_not_compress),
        BENCH_TEST(test_deleting_misses_and_is_right_all_the_same),
        BENCH_TEST(test_keys_are_left_with_values_of_their_own),
        BENCH_TEST(test_keys_are_removed_and_nothing_else),
        BENCH_TEST(test_what_another_program_has_stored_is_replaced),
        BENCH_TEST(test_warm_up_is_not_counted),
    };
    return cmocka_run_group_tests(tests, bench_start_server, bench_stop_server);
}
