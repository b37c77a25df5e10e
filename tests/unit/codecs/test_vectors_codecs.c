/* SPDX-License-Identifier: MIT
 *
 * codec-NAME.jsonl: what a peer of each codec may send, right, odd and hostile, and what comes of it.
 * Whole and byte by byte it must be the same. Where a row says that it `encodes`, the codec writes these
 * very bytes for its payloads.
 * Usage: test_vectors_codecs [DIRECTORY] */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "lib/feed.h"
#include "lib/vectors.h"

static const char *directory;

static uint64_t number_of(const json_t *row, const char *name, uint64_t otherwise)
{
    const json_t *value = json_object_get(row, name);
    return value ? (uint64_t)json_integer_value(value) : otherwise;
}

static const char *text_of(const json_t *row, const char *name, const char *otherwise)
{
    return json_object_get(row, name) ? vectors_string(row, name) : otherwise;
}

static struct feed_codec codec_of(const struct weft_codec *codec, const json_t *row)
{
    struct weft_limits limits = weft_limits_default();
    struct weft_error error = {.text = ""};
    struct feed_codec fc;
    limits.max_frame = number_of(row, "max_frame", limits.max_frame);
    if (feed_codec_init(&fc, codec, text_of(row, "options", ""), &limits, &error) < 0)
        fail_msg("%s: %s", vectors_string(row, "name"), error.text);
    return fc;
}

static const char *payload_fault(const struct feed_message *message, const json_t *expect)
{
    struct weft_bytes payload = vectors_bytes(directory, expect, "payload");
    bool same = weft_view_equal(weft_view(message->payload, message->size),
                                weft_view(payload.data, payload.size));
    weft_bytes_fini(&payload);
    if (message->status != WEFT_MESSAGE_OK)
        return "a message that should be good is refused";
    return same ? NULL : "another payload";
}

static const char *message_fault(const struct feed_message *message, const json_t *expect)
{
    const char *status = text_of(expect, "status", "ok");
    if (strcmp(status, "ok") == 0)
        return payload_fault(message, expect);
    if (strcmp(status, "malformed") == 0)
        return message->status == WEFT_MESSAGE_MALFORMED ? NULL : "it is not refused as malformed";
    if (message->status != WEFT_MESSAGE_TOO_BIG)
        return "it is not refused as too big";
    if (message->announced != number_of(expect, "size", message->announced) ||
        message->limit != number_of(expect, "limit", message->limit))
        return "another size or limit";
    return NULL;
}

static const char *end_fault(const struct feed *feed, const char *then)
{
    if (strcmp(then, "lost") == 0)
        return feed->ended == WEFT_ELOST ? NULL : "the boundary is not lost";
    if (strcmp(then, "foreign") == 0)
        return feed->ended == WEFT_EFOREIGN ? NULL : "the peer is not taken for a foreign one";
    if (feed->ended < 0)
        return "the connection ended";
    bool inside = feed->inside || feed->unread_size > 0;
    return inside == (strcmp(then, "truncated") == 0) ? NULL : "it ends elsewhere in a frame";
}

static const char *stream_fault(const struct feed *feed, const json_t *row)
{
    const json_t *messages = json_object_get(row, "messages");
    if (feed->broken_rule)
        return feed->broken_rule;
    if (feed->count != json_array_size(messages))
        return "another number of messages";
    for (size_t i = 0; i < feed->count; i++) {
        const char *fault = message_fault(&feed->messages[i], json_array_get(messages, i));
        if (fault)
            return fault;
    }
    return end_fault(feed, vectors_string(row, "then"));
}

static void check_decode(const struct feed_codec *fc, const json_t *row, struct weft_view stream,
                         size_t piece)
{
    struct feed feed;
    bool client = strcmp(text_of(row, "role", "server"), "client") == 0;
    feed_init(&feed, fc, client ? WEFT_CLIENT : WEFT_SERVER);
    feed_pieces(&feed, stream, piece);
    const char *fault = stream_fault(&feed, row);
    if (fault)
        fail_msg("%s, in pieces of %zu: %s", vectors_string(row, "name"), piece, fault);
    feed_fini(&feed);
}

static void check_encode(const struct feed_codec *fc, const json_t *row, struct weft_view stream)
{
    const json_t *messages = json_object_get(row, "messages");
    for (size_t i = 0; i < json_array_size(messages); i++) {
        struct weft_bytes payload =
            vectors_bytes(directory, json_array_get(messages, i), "payload");
        struct feed_frame frame = feed_encode_view(fc, weft_view(payload.data, payload.size));
        if (frame.broken_rule || frame.result != 0 || frame.size > stream.size ||
            !weft_view_equal(feed_frame_view(&frame), weft_view(stream.data, frame.size)))
            fail_msg("%s: message %zu is encoded to other bytes", vectors_string(row, "name"), i);
        stream = weft_view_skip(stream, frame.size);
        free(frame.data);
        weft_bytes_fini(&payload);
    }
    assert_int_equal(stream.size, 0);
}

static void check_rows(const struct weft_codec *codec, const char *file)
{
    json_t *rows = vectors_load(directory, file), *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        struct weft_bytes bytes = vectors_bytes(directory, row, "stream");
        struct weft_view stream = weft_view(bytes.data, bytes.size);
        struct feed_codec fc = codec_of(codec, row);
        check_decode(&fc, row, stream, stream.size + 1);
        check_decode(&fc, row, stream, 1);
        if (json_is_true(json_object_get(row, "encodes")))
            check_encode(&fc, row, stream);
        feed_codec_fini(&fc);
        weft_bytes_fini(&bytes);
    }
    json_decref(rows);
}

static void test_varint_reads_what_peers_send_and_refuses_what_is_hostile(void **state)
{
    (void)state;
    check_rows(&weft_codec_varint, "codec-varint.jsonl");
}

static void test_length_field_reads_the_examples_of_netty_and_tokio_util(void **state)
{
    (void)state;
    check_rows(&weft_codec_length_field, "codec-length-field.jsonl");
}

static void test_line_reads_lines_however_they_end(void **state)
{
    (void)state;
    check_rows(&weft_codec_line, "codec-line.jsonl");
}

int main(int argc, char **argv)
{
    directory = argc > 1 ? argv[1] : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_varint_reads_what_peers_send_and_refuses_what_is_hostile),
        cmocka_unit_test(test_length_field_reads_the_examples_of_netty_and_tokio_util),
        cmocka_unit_test(test_line_reads_lines_however_they_end),
    };
    return cmocka_run_group_tests_name("vectors: codecs", tests, NULL, NULL);
}
