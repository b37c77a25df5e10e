/* SPDX-License-Identifier: MIT
 *
 * The frames of hostile.jsonl and the commands of hostile-resp.jsonl, each on a connection of its own: what they are answered, and whether
 * the connection lives. One server takes them all, so each also shows that the one before did no
 * harm. The folder of the vectors may be given as the argument. */
#include <errno.h>
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

enum { FRAMES = 48, FRAMES_WITHOUT_GZIP = 30, COMMANDS = 37, REPLIES_MAX = 1 << 16 };

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

/* --- commands of Redis ------------------------------------------------------------------------------ */

/* Reads until the server ends its side. Returns the number of bytes. */
static size_t read_all(int fd, char *text, size_t room)
{
    size_t size = 0;
    int err = 0;
    while (size < room - 1 && (err = wire_receive_bytes(fd, text + size, 1)) == 0)
        size++;
    assert_int_equal(err, -EPROTO);
    text[size] = '\0';
    return size;
}

/* Takes a reply that begins with `expected` from *at on. False: another one stands there. */
static bool take_reply(const char **at, const char *end, const char *expected)
{
    size_t size = strlen(expected);
    if ((size_t)(end - *at) < size || memcmp(*at, expected, size) != 0)
        return false;
    long bulk = expected[0] == '$' ? strtol(expected + 1, NULL, 10) : -1;
    const char *line = memmem(*at, (size_t)(end - *at), "\r\n", 2);
    if (!line || end - line < (bulk >= 0 ? bulk + 4 : 2))
        return false;
    *at = line + 2 + (bulk >= 0 ? bulk + 2 : 0);
    return true;
}

static void run_commands(const char *url, const json_t *vector, const struct wire_bytes *frame)
{
    static const char ping[] = "*1\r\n$4\r\nPING\r\n";
    static char text[REPLIES_MAX];
    const char *name = json_string_value(json_object_get(vector, "name")), *at = text;
    const json_t *expect = json_object_get(vector, "expect");
    const json_t *replies = json_object_get(expect, "replies");
    bool open = strcmp(json_string_value(json_object_get(expect, "then")), "open") == 0;
    int fd = wire_connect(url);
    assert_true(fd >= 0);
    assert_int_equal(wire_send(fd, frame->data, frame->size), 0);
    if (open)
        assert_int_equal(wire_send(fd, ping, sizeof ping - 1), 0);
    wire_shutdown(fd);
    const char *end = text + read_all(fd, text, sizeof text);
    for (size_t i = 0; i < json_array_size(replies); i++)
        if (!take_reply(&at, end, json_string_value(json_array_get(replies, i))))
            fail_msg("%s: reply %zu is '%s'", name, i, at);
    if (open && !take_reply(&at, end, "+PONG"))
        fail_msg("%s: closed, or no answer behind it: '%s'", name, at);
    if (at != end)
        fail_msg("%s: another reply: '%s'", name, at);
    close(fd);
}

static void test_hostile_commands_in_resp(void **state)
{
    (void)state;
    struct kvs kvs;
    kvs_start(&kvs, WORDS("--listen", KVS_ANY_PORT, "--codec", "resp"));
    char path[1024], *line = NULL;
    size_t capacity = 0, count = 0;
    snprintf(path, sizeof path, "%s/hostile-resp.jsonl", vectors);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (getline(&line, &capacity, file) > 0) {
        json_t *vector = json_loads(line, 0, NULL);
        assert_non_null(vector);
        struct wire_bytes frame = frame_of(vector);
        assert_non_null(frame.data);
        run_commands(kvs.urls[0], vector, &frame);
        wire_free(&frame);
        json_decref(vector);
        count++;
    }
    free(line);
    fclose(file);
    kvs_end(&kvs);
    assert_true(are_ours ? count == COMMANDS : count > 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_frames_in_length_delimited_gzip),
        cmocka_unit_test(test_hostile_frames_without_gzip_bit_in_raw),
        cmocka_unit_test(test_hostile_commands_in_resp),
    };
    if (argc > 1) {
        vectors = argv[1];
        are_ours = false;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
