/* SPDX-License-Identifier: MIT
 *
 * The report of numbers that are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>
#include <cmocka.h>

#include "programs/kvc/bench/options.h"
#include "programs/kvc/bench/report.h"

#define SECOND INT64_C(1000000000)
#define MS     1000000

static struct cli_bench_tally tally;
static struct cli_bench_config config;
static struct cli_bench_report report;
static char *text;

/* Ten seconds with a thousand hgets of 1 ms and a hundred hsets of 2. */
static int begin(void **state)
{
    (void)state;
    config = cli_bench_config_default();
    tally = (struct cli_bench_tally){
        .began = SECOND,
        .ended = 11 * SECOND,
        .wire = {.sent = 20000000, .received = 40000000},
        .plain = {.sent = 20000000, .received = 160000000},
        .cpu = 5 * SECOND,
    };
    for (int i = 0; i < 1000; i++)
        cli_histogram_record(&tally.latencies[CLI_BENCH_HGET], 1 * MS);
    for (int i = 0; i < 100; i++)
        cli_histogram_record(&tally.latencies[CLI_BENCH_HSET], 2 * MS);
    report = (struct cli_bench_report){
        .config = &config, .tally = &tally, .server = "unix:/x", .codec = "raw"};
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(text);
    text = NULL;
    return 0;
}

static const char *print(void (*write)(const struct cli_bench_report *report, FILE *out))
{
    size_t size;
    free(text);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    write(&report, out);
    fclose(out);
    return text;
}

static void test_text_has_work_latencies_and_sums(void **state)
{
    (void)state;
    assert_string_equal(
        print(cli_bench_report_print),
        "unix:/x, codec raw\n"
        "50 clients, pipeline 1, 1 thread, hget=90,hset=10\n"
        "10000 keys of table kvc-bench, json values of 64 bytes, seed 1\n"
        "\n"
        "        requests/s      p50      p90      p99    p99.9   p99.99      max ms\n"
        "hget           100    1.000    1.000    1.000    1.000    1.000    1.000\n"
        "hset            10    2.000    2.000    2.000    2.000    2.000    2.000\n"
        "all            110    1.008    1.008    2.000    2.000    2.000    2.000\n"
        "\n"
        "1100 requests in 10.00 s\n"
        "wire    2.00 MB/s sent, 4.00 MB/s received\n"
        "ratio   1.00 sent, 4.00 received (messages / bytes on the wire)\n"
        "client  0.50 CPUs\n");
}

static void expect_text(const char *part)
{
    print(cli_bench_report_print);
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
}

static void test_a_single_command_has_no_sum(void **state)
{
    (void)state;
    config.mix = (struct cli_bench_mix){.shares = {[CLI_BENCH_HGET] = 1}, .total = 1};
    print(cli_bench_report_print);
    assert_null(strstr(text, "\nall"));
    assert_null(strstr(text, "\nhset"));
}

static void test_trouble_comes_first(void **state)
{
    (void)state;
    tally.wrong = 3;
    tally.missing = 1;
    for (uint32_t status = 500; status < 510; status++)
        cli_bench_tally_refused(&tally, status);
    strcpy(tally.first.text, "hget key:0000000001: another value than was stored");
    print(cli_bench_report_print);
    static const char first[] =
        "FAILED: 3 wrong, 1 missing, 10 refused (500: 1, 501: 1, 502: 1, 503: 1, 504: 1, 505: 1, "
        "506: 1, others: 3)\n"
        "  the first: hget key:0000000001: another value than was stored\n\nunix:/x";
    if (strncmp(text, first, sizeof first - 1) != 0)
        fail_msg("%s", text);
}

static void test_rate_that_was_asked_for_is_told_as_kept_or_not(void **state)
{
    (void)state;
    config.rate = 110;
    expect_text("rate    110 requests/s asked for, kept;");
    tally.behind = 1;
    expect_text("rate    110 requests/s asked for, kept;");
    config.rate = 200;
    tally.behind = 900;
    expect_text("rate    200 requests/s asked for, NOT KEPT: 900 were due and never sent\n");
}

static void test_busy_client_says_so(void **state)
{
    (void)state;
    tally.cpu = 19 * SECOND;
    config.threads = 2;
    expect_text("client  1.90 CPUs: it may be what limits the rate; --threads gives it more\n");
}

static void test_misses_and_interruption_are_told(void **state)
{
    (void)state;
    tally.misses[CLI_BENCH_HGET] = 7;
    report.interrupted = true;
    expect_text("\ninterrupted: 1100 requests in 10.00 s\n7 of them found no key\n");
}

static void test_what_was_not_measured_has_no_figures(void **state)
{
    (void)state;
    tally = (struct cli_bench_tally){.missing = 1};
    print(cli_bench_report_print);
    assert_null(strstr(text, "requests/s"));
    assert_non_null(strstr(text, "FAILED"));
    assert_non_null(strstr(text, "\nnothing was measured\n"));
    report.interrupted = true;
    expect_text("\ninterrupted: nothing was measured\n");
}

static json_t *parse_json(void)
{
    json_error_t error;
    json_t *json = json_loads(print(cli_bench_report_print_json), 0, &error);
    if (!json)
        fail_msg("%s: %s", error.text, text);
    return json;
}

static json_t *at(json_t *json, const char *first, const char *second, const char *third)
{
    json_t *found = json_object_get(json_object_get(json_object_get(json, first), second), third);
    assert_non_null(found);
    return found;
}

static void test_json_has_all_of_it(void **state)
{
    (void)state;
    tally.misses[CLI_BENCH_HSET] = 4;
    for (uint32_t status = 500; status < 510; status++)
        cli_bench_tally_refused(&tally, status);
    config.duration = WEFT_SECONDS(10);
    json_t *json = parse_json();
    assert_true(json_number_value(json_object_get(json, "duration")) == 10.0);
    assert_true(json_number_value(json_object_get(json, "warmup")) == 1.0);
    assert_int_equal(json_integer_value(json_object_get(json, "request_limit")), 0);
    assert_int_equal(json_integer_value(json_object_get(json, "requests")), 1100);
    assert_int_equal(json_integer_value(at(json, "commands", "hset", "requests")), 100);
    assert_int_equal(json_integer_value(at(json, "commands", "hset", "misses")), 4);
    assert_int_equal(json_integer_value(json_object_get(json, "refused")), 10);
    json_t *statuses = json_object_get(json, "statuses");
    assert_int_equal(json_integer_value(json_object_get(statuses, "506")), 1);
    assert_int_equal(json_integer_value(json_object_get(statuses, "others")), 3);
    json_t *latency = at(json, "commands", "hget", "latency_ms");
    assert_true(json_number_value(json_object_get(latency, "p99.9")) == 1.0);
    json_t *received = json_object_get(json, "received");
    assert_true(json_number_value(json_object_get(received, "ratio")) == 4.0);
    assert_string_equal(json_string_value(json_object_get(json, "codec")), "raw");
    json_decref(json);
}

static void test_json_of_nothing_measured_is_whole(void **state)
{
    (void)state;
    tally = (struct cli_bench_tally){0};
    json_t *json = parse_json();
    assert_int_equal(json_integer_value(json_object_get(json, "requests")), 0);
    json_decref(json);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_text_has_work_latencies_and_sums),
        TEST(test_a_single_command_has_no_sum),
        TEST(test_trouble_comes_first),
        TEST(test_rate_that_was_asked_for_is_told_as_kept_or_not),
        TEST(test_busy_client_says_so),
        TEST(test_misses_and_interruption_are_told),
        TEST(test_what_was_not_measured_has_no_figures),
        TEST(test_json_has_all_of_it),
        TEST(test_json_of_nothing_measured_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
