/* SPDX-License-Identifier: MIT
 *
 * The frames of hostile.jsonl, each on a connection of its own: what they are answered, and whether
 * the connection lives. One server takes them all, so each also shows that the one before did no
 * harm. The folder of the vectors may be given as the argument. */
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
#include "lib/wire.h"

enum { FRAMES = 48, FRAMES_WITHOUT_GZIP = 30 };

static const char *vectors = "tests/vectors";
static bool are_ours = true; /* and so their number is known */

/* hexist of table "t", key "k". */
static const uint8_t good[] = {0x42, 6, 0x0a, 1, 't', 0x12, 1, 'k'};

static struct wire_bytes frame_of(const json_t *vector)
{
    const char *hex = json_string_value(json_object_get(vector, "frame_hex"));
    if (hex)
        return wire_from_hex(hex);
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", vectors,
             json_string_value(json_object_get(vector, "frame_file")));
    return wire_from_file(path);
}

static bool is_one_of(int status, const json_t *statuses)
{
    for (size_t i = 0; i < json_array_size(statuses); i++) {
        if (json_integer_value(json_array_get(statuses, i)) == status)
            return true;
    }
    return false;
}

static void expect_status(int fd, bool gzip, const json_t *statuses, const char *name)
{
    struct wire_bytes reply;
    int got = wire_receive(fd, gzip, &reply);
    if (got != 1)
        fail_msg("%s: no reply (%d)", name, got);
    int status = wire_status(&reply);
    wire_free(&reply);
    if (!is_one_of(status, statuses))
        fail_msg("%s: answered %d", name, status);
}

static void expect_end(int fd, bool gzip, const char *name)
{
    struct wire_bytes reply;
    int got = wire_receive(fd, gzip, &reply);
    if (got != 0)
        fail_msg("%s: expected the end, not %d", name, got);
}

static void run_vector(const char *url, const json_t *vector, const struct wire_bytes *frame,
                       bool gzip)
{
    const char *name = json_string_value(json_object_get(vector, "name"));
    const json_t *expect = json_object_get(vector, "expect");
    const json_t *statuses = json_object_get(expect, "statuses");
    bool open = strcmp(json_string_value(json_object_get(expect, "then")), "open") == 0;
    int fd = wire_connect(url);
    assert_true(fd >= 0);
    assert_int_equal(wire_send(fd, frame->data, frame->size), 0);
    if (open)
        assert_int_equal(wire_send_frame(fd, good, sizeof good), 0);
    else
        wire_shutdown(fd);
    for (size_t i = 0; i < json_array_size(statuses); i++)
        expect_status(fd, gzip, json_array_get(statuses, i), name);
    if (open) {
        json_t *fine = json_pack("[i]", 200);
        expect_status(fd, gzip, fine, name);
        json_decref(fine);
    } else {
        expect_end(fd, gzip, name);
    }
    close(fd);
}

/* Every vector finds the key it asks for absent, as where it was recorded. */
static void forget_key(const char *url, bool gzip)
{
    static const uint8_t hdel[] = {0x32, 6, 0x0a, 1, 't', 0x12, 1, 'k'};
    struct wire_bytes reply;
    int fd = wire_connect(url);
    assert_true(fd >= 0);
    assert_int_equal(wire_send_frame(fd, hdel, sizeof hdel), 0);
    assert_int_equal(wire_receive(fd, gzip, &reply), 1);
    assert_int_equal(wire_status(&reply), 200);
    wire_free(&reply);
    close(fd);
}

/* On raw the top bit is part of the length: only the frames without it mean the same. */
static size_t run_all(const char *codec)
{
    bool gzip = strcmp(codec, "raw") != 0;
    struct kvs kvs;
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT, "--codec", codec));
    char path[1024], *line = NULL;
    size_t capacity = 0, count = 0;
    snprintf(path, sizeof path, "%s/hostile.jsonl", vectors);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (getline(&line, &capacity, file) > 0) {
        json_t *vector = json_loads(line, 0, NULL);
        assert_non_null(vector);
        struct wire_bytes frame = frame_of(vector);
        assert_non_null(frame.data);
        if (gzip || frame.size == 0 || !(frame.data[0] & 0x80)) {
            forget_key(kvs.urls[0], gzip);
            run_vector(kvs.urls[0], vector, &frame, gzip);
            count++;
        }
        wire_free(&frame);
        json_decref(vector);
    }
    free(line);
    fclose(file);
    kvs_end(&kvs);
    return count;
}

static void test_hostile_frames_in_length_delimited_gzip(void **state)
{
    (void)state;
    size_t count = run_all("length-delimited-gzip");
    assert_true(are_ours ? count == FRAMES : count > 0);
}

static void test_hostile_frames_without_gzip_bit_in_raw(void **state)
{
    (void)state;
    size_t count = run_all("raw");
    assert_true(are_ours ? count == FRAMES_WITHOUT_GZIP : count > 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_frames_in_length_delimited_gzip),
        cmocka_unit_test(test_hostile_frames_without_gzip_bit_in_raw),
    };
    if (argc > 1) {
        vectors = argv[1];
        are_ours = false;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
