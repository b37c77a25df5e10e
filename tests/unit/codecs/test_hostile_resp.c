/* SPDX-License-Identifier: MIT
 *
 * hostile-resp.jsonl at the codec alone: each reply that a row expects stands for a message that comes out,
 * and its text says what the codec makes of it. Usage: test_hostile_resp [DIRECTORY] */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "lib/feed.h"
#include "lib/vectors.h"

#define PROTOCOL_ERROR "-ERR Protocol error: "
#define TOO_BIG        "-ERR Request is too big"
#define PING           "*1\r\n$4\r\nPING\r\n"

static const char *directory;

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static const char *message_fault(const struct feed_message *message, const char *reply)
{
    if (starts(reply, PROTOCOL_ERROR))
        return message->status == WEFT_MESSAGE_MALFORMED &&
                       strcmp(message->why, reply + strlen(PROTOCOL_ERROR)) == 0
                   ? NULL
                   : "not malformed in this way";
    if (starts(reply, TOO_BIG))
        return message->status == WEFT_MESSAGE_TOO_BIG ? NULL : "not too big";
    return message->status == WEFT_MESSAGE_OK ? NULL : "not good";
}

static const char *connection_fault(struct feed *feed, const json_t *expect)
{
    const json_t *replies = json_object_get(expect, "replies");
    bool open = strcmp(vectors_string(expect, "then"), "open") == 0;
    size_t count = json_array_size(replies);
    if (open)
        feed_bytes(feed, weft_view_str(PING));
    feed_eof(feed);
    if (feed->broken_rule)
        return feed->broken_rule;
    if (feed->count != count + open)
        return "another number of messages";
    for (size_t i = 0; i < count; i++) {
        const char *fault =
            message_fault(&feed->messages[i], json_string_value(json_array_get(replies, i)));
        if (fault)
            return fault;
    }
    if (open && (feed->ended < 0 || feed->messages[count].status != WEFT_MESSAGE_OK))
        return "the next command did not come out";
    if (!open && feed->ended == 0 && feed->unread_size == 0)
        return "the connection lives";
    return NULL;
}

static void test_resp_refuses_what_is_hostile(void **state)
{
    (void)state;
    struct weft_limits limits = weft_limits_default();
    struct feed_codec fc;
    assert_int_equal(feed_codec_init(&fc, &weft_codec_resp, "", &limits, NULL), 0);
    json_t *rows = vectors_load(directory, "hostile-resp.jsonl"), *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        struct weft_bytes frame = vectors_bytes(directory, row, "frame");
        struct feed feed;
        feed_init(&feed, &fc, WEFT_SERVER);
        feed_bytes(&feed, weft_view(frame.data, frame.size));
        const char *fault = connection_fault(&feed, json_object_get(row, "expect"));
        if (fault)
            fail_msg("%s: %s", vectors_string(row, "name"), fault);
        feed_fini(&feed);
        weft_bytes_fini(&frame);
    }
    json_decref(rows);
    feed_codec_fini(&fc);
}

int main(int argc, char **argv)
{
    directory = argc > 1 ? argv[1] : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resp_refuses_what_is_hostile),
    };
    return cmocka_run_group_tests_name("vectors: hostile RESP, codec alone", tests, NULL, NULL);
}
