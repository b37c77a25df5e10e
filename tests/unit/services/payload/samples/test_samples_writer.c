/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "services/payload/samples/writer.h"

static const struct weft_metric requests = {"weft_requests", NULL, "Requests", WEFT_COUNTER},
                                sent = {"weft_sent_bytes", "bytes", "Bytes sent", WEFT_COUNTER},
                                level = {"weft_level", NULL, "The level", WEFT_GAUGE},
                                took = {"weft_took_seconds", "seconds", "Time", WEFT_HISTOGRAM};

static void tell(struct weft_samples *samples)
{
    const struct weft_label labels[] = {{"command", "hget"}, {"odd", "a\"b\\c\nd"}};
    const struct weft_bucket buckets[] = {{4.096e-06, 1}, {0.5, 3}, {(double)INFINITY, 4}};
    const struct weft_sample histogram = {.metric = &took,
                                          .labels = labels,
                                          .label_count = 1,
                                          .value = 1.25,
                                          .buckets = buckets,
                                          .bucket_count = 3};
    const struct weft_sample bare = {
        .metric = &took, .value = 0, .buckets = buckets, .bucket_count = 3};
    weft_samples_add(samples, &requests, labels, 2, 12);
    weft_samples_add(samples, &requests, labels, 1, 3);
    weft_samples_add(samples, &sent, NULL, 0, 5e15);
    weft_samples_add(samples, &level, NULL, 0, -0.5);
    samples->take(samples, &histogram);
    samples->take(samples, &bare);
}

static void expect(enum weft_samples_format format, const char *expected)
{
    struct weft_text text = {.failed = false};
    struct weft_samples_writer writer;
    weft_samples_writer_init(&writer, format, &text);
    tell(&writer.samples);
    weft_samples_writer_end(&writer);
    weft_text_puts(&text, "");
    weft_text_add(&text, weft_view("", 1));
    assert_string_equal((const char *)weft_text_view(&text).data, expected);
    weft_text_fini(&text);
}

#define HISTOGRAM                                                                                  \
    "weft_took_seconds_bucket{command=\"hget\",le=\"4.096e-06\"} 1\n"                              \
    "weft_took_seconds_bucket{command=\"hget\",le=\"0.5\"} 3\n"                                    \
    "weft_took_seconds_bucket{command=\"hget\",le=\"+Inf\"} 4\n"                                   \
    "weft_took_seconds_sum{command=\"hget\"} 1.25\n"                                               \
    "weft_took_seconds_count{command=\"hget\"} 4\n"                                                \
    "weft_took_seconds_bucket{le=\"4.096e-06\"} 1\n"                                               \
    "weft_took_seconds_bucket{le=\"0.5\"} 3\n"                                                     \
    "weft_took_seconds_bucket{le=\"+Inf\"} 4\n"                                                    \
    "weft_took_seconds_sum 0\n"                                                                    \
    "weft_took_seconds_count 4\n"

static void test_prometheus_has_counters_with_their_suffix(void **state)
{
    (void)state;
    expect(WEFT_SAMPLES_PROMETHEUS,
           "# HELP weft_requests_total Requests.\n# TYPE weft_requests_total counter\n"
           "weft_requests_total{command=\"hget\",odd=\"a\\\"b\\\\c\\nd\"} 12\n"
           "weft_requests_total{command=\"hget\"} 3\n"
           "# HELP weft_sent_bytes_total Bytes sent.\n# TYPE weft_sent_bytes_total counter\n"
           "weft_sent_bytes_total 5000000000000000\n"
           "# HELP weft_level The level.\n# TYPE weft_level gauge\n"
           "weft_level -0.5\n"
           "# HELP weft_took_seconds Time.\n# TYPE weft_took_seconds histogram\n" HISTOGRAM);
}

static void test_openmetrics_has_units_and_an_end(void **state)
{
    (void)state;
    expect(WEFT_SAMPLES_OPENMETRICS,
           "# HELP weft_requests Requests.\n# TYPE weft_requests counter\n"
           "weft_requests_total{command=\"hget\",odd=\"a\\\"b\\\\c\\nd\"} 12\n"
           "weft_requests_total{command=\"hget\"} 3\n"
           "# HELP weft_sent_bytes Bytes sent.\n# TYPE weft_sent_bytes counter\n"
           "# UNIT weft_sent_bytes bytes\n"
           "weft_sent_bytes_total 5000000000000000\n"
           "# HELP weft_level The level.\n# TYPE weft_level gauge\n"
           "weft_level -0.5\n"
           "# HELP weft_took_seconds Time.\n# TYPE weft_took_seconds histogram\n"
           "# UNIT weft_took_seconds seconds\n" HISTOGRAM "# EOF\n");
}

static void test_json_has_a_member_for_each_metric(void **state)
{
    (void)state;
    expect(
        WEFT_SAMPLES_JSON,
        "{\"metrics\":[{\"name\":\"weft_requests\",\"kind\":\"counter\",\"unit\":null,\"help\":"
        "\"Requests\",\"samples\":[{\"labels\":{\"command\":\"hget\",\"odd\":\"a\\\"b\\\\c\\nd\"}"
        ",\"value\":12},{\"labels\":{\"command\":\"hget\"},\"value\":3}]},"
        "{\"name\":\"weft_sent_bytes\",\"kind\":\"counter\",\"unit\":\"bytes\",\"help\":\"Bytes "
        "sent\",\"samples\":[{\"labels\":{},\"value\":5000000000000000}]},"
        "{\"name\":\"weft_level\",\"kind\":\"gauge\",\"unit\":null,\"help\":\"The level\","
        "\"samples\":[{\"labels\":{},\"value\":-0.5}]},"
        "{\"name\":\"weft_took_seconds\",\"kind\":\"histogram\",\"unit\":\"seconds\",\"help\":"
        "\"Time\",\"samples\":[{\"labels\":{\"command\":\"hget\"},\"sum\":1.25,\"count\":4,"
        "\"buckets\":[[4.096e-06,1],[0.5,3],[null,4]]},"
        "{\"labels\":{},\"sum\":0,\"count\":4,\"buckets\":[[4.096e-06,1],[0.5,3],[null,4]]}]}]}\n");
}

static void test_json_of_nothing_is_an_empty_list(void **state)
{
    (void)state;
    struct weft_text text = {.failed = false};
    struct weft_samples_writer writer;
    weft_samples_writer_init(&writer, WEFT_SAMPLES_JSON, &text);
    weft_samples_writer_end(&writer);
    assert_true(weft_view_equal(weft_text_view(&text), weft_view_str("{\"metrics\":[]}\n")));
    weft_text_fini(&text);
}

static void test_each_format_has_its_type(void **state)
{
    (void)state;
    assert_string_equal(weft_samples_type(WEFT_SAMPLES_PROMETHEUS),
                        "text/plain; version=0.0.4; charset=utf-8");
    assert_string_equal(weft_samples_type(WEFT_SAMPLES_OPENMETRICS),
                        "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_string_equal(weft_samples_type(WEFT_SAMPLES_JSON), "application/json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prometheus_has_counters_with_their_suffix),
        cmocka_unit_test(test_openmetrics_has_units_and_an_end),
        cmocka_unit_test(test_json_has_a_member_for_each_metric),
        cmocka_unit_test(test_json_of_nothing_is_an_empty_list),
        cmocka_unit_test(test_each_format_has_its_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
