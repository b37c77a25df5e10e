/* SPDX-License-Identifier: MIT
 *
 * The exchanges of session.jsonl, in order, on a fresh server each time: over both codecs, TCP and
 * a Unix socket. The folder of the vectors may be given as the argument. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/kvs.h"
#include "lib/wire_assert.h"

enum { STEPS = 28, COMPRESS_OVER = 1436 };

static const char *vectors = "tests/vectors";
static bool are_ours = true; /* and so their number is known */

/* The bytes of NAME_payload_hex, or of the file that NAME_payload_file names. */
static struct wire_bytes payload_of(const json_t *step, const char *name)
{
    char key[64], path[1024];
    snprintf(key, sizeof key, "%s_payload_hex", name);
    const char *hex = json_string_value(json_object_get(step, key));
    if (hex)
        return wire_from_hex(hex);
    snprintf(key, sizeof key, "%s_payload_file", name);
    snprintf(path, sizeof path, "%s/%s", vectors, json_string_value(json_object_get(step, key)));
    return wire_from_file(path);
}

struct field {
    const uint8_t *data;
    size_t size;
};

static size_t read_varint(const struct wire_bytes *message, size_t *at)
{
    size_t value = 0;
    for (unsigned shift = 0; *at < message->size; shift += 7) {
        uint8_t byte = message->data[(*at)++];
        value |= (size_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            break;
    }
    return value;
}

/* The top-level fields of a reply, each with its tag: varints and length-delimited ones. */
static size_t split_fields(const struct wire_bytes *message, struct field *fields, size_t max)
{
    size_t count = 0;
    for (size_t at = 0; at < message->size; count++) {
        size_t begin = at, tag = read_varint(message, &at), value = read_varint(message, &at);
        if ((tag & 7) == 2)
            at += value;
        assert_true(at <= message->size && count < max);
        fields[count] = (struct field){message->data + begin, at - begin};
    }
    return count;
}

static int compare_fields(const void *a, const void *b)
{
    const struct field *x = a, *y = b;
    int order = memcmp(x->data, y->data, x->size < y->size ? x->size : y->size);
    return order ? order : (x->size > y->size) - (x->size < y->size);
}

static void assert_same_fields(const struct wire_bytes *got, const struct wire_bytes *want)
{
    struct field a[64], b[64];
    size_t n = split_fields(got, a, 64);
    assert_int_equal(n, split_fields(want, b, 64));
    qsort(a, n, sizeof *a, compare_fields);
    qsort(b, n, sizeof *b, compare_fields);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(compare_fields(&a[i], &b[i]), 0);
}

static void exchange(int fd, const json_t *step, bool gzip)
{
    struct wire_bytes request = payload_of(step, "request"), want = payload_of(step, "response");
    struct wire_bytes reply;
    assert_non_null(request.data);
    assert_non_null(want.data);
    if (gzip && request.size > COMPRESS_OVER)
        assert_int_equal(wire_send_gzip(fd, request.data, request.size), 0);
    else
        assert_int_equal(wire_send_frame(fd, request.data, request.size), 0);
    assert_int_equal(wire_receive(fd, gzip, &reply), 1);
    if (json_is_true(json_object_get(step, "pairs_unordered"))) {
        assert_same_fields(&reply, &want);
    } else {
        assert_int_equal(reply.size, want.size);
        assert_memory_equal(reply.data, want.data, want.size);
    }
    wire_free(&request);
    wire_free(&want);
    wire_free(&reply);
}

static void run_session(const char *listen, const char *codec)
{
    struct kvs kvs;
    kvs_start(&kvs, WORDS("--listen", listen, "--codec", codec));
    int fd = wire_open(kvs.urls[0]);

    char path[1024], *line = NULL;
    size_t capacity = 0, steps = 0;
    snprintf(path, sizeof path, "%s/session.jsonl", vectors);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (; getline(&line, &capacity, file) > 0; steps++) {
        json_t *step = json_loads(line, 0, NULL);
        assert_non_null(step);
        exchange(fd, step, strcmp(codec, "raw") != 0);
        json_decref(step);
    }
    assert_true(are_ours ? steps == STEPS : steps > 0);
    free(line);
    fclose(file);
    close(fd);
    kvs_end(&kvs);
}

static void test_session_over_tcp_in_length_delimited_gzip(void **state)
{
    (void)state;
    run_session(KVS_ANY_PORT, "length-delimited-gzip");
}

static void test_session_over_tcp_in_raw(void **state)
{
    (void)state;
    run_session(KVS_ANY_PORT, "raw");
}

static void run_session_over_unix(const char *codec)
{
    char folder[64], url[128];
    scratch_make(folder, sizeof folder);
    snprintf(url, sizeof url, "unix:%s/kvs.sock", folder);
    run_session(url, codec);
    scratch_remove(folder);
}

static void test_session_over_unix_in_length_delimited_gzip(void **state)
{
    (void)state;
    run_session_over_unix("length-delimited-gzip");
}

static void test_session_over_unix_in_raw(void **state)
{
    (void)state;
    run_session_over_unix("raw");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_over_tcp_in_length_delimited_gzip),
        cmocka_unit_test(test_session_over_tcp_in_raw),
        cmocka_unit_test(test_session_over_unix_in_length_delimited_gzip),
        cmocka_unit_test(test_session_over_unix_in_raw),
    };
    if (argc > 1) {
        vectors = argv[1];
        are_ours = false;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
