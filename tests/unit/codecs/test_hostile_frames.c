/* SPDX-License-Identifier: MIT
 *
 * hostile.jsonl at the codec alone: what it refuses must be among the statuses allowed, what follows
 * must come out unharmed. What a service would refuse is good here.
 * Usage: test_hostile_frames [DIRECTORY] */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "lib/feed.h"
#include "lib/vectors.h"

static const char *directory;

static bool allows(const json_t *allowed, int status)
{
    size_t i;
    json_t *value;
    json_array_foreach(allowed, i, value)
    {
        if (json_integer_value(value) == status)
            return true;
    }
    return false;
}

/* A good frame can get any status but the two that a codec's refusal gets, unless the service
 * refuses it; only what the codec alone can see is judged here. */
static const char *message_fault(const struct feed_message *message, const json_t *allowed)
{
    switch (message->status) {
    case WEFT_MESSAGE_OK:
        return json_array_size(allowed) == 1 && allows(allowed, 413) ? "taken, not 413" : NULL;
    case WEFT_MESSAGE_MALFORMED:
        return allows(allowed, 400) ? NULL : "malformed, but 400 is not allowed";
    case WEFT_MESSAGE_TOO_BIG:
        return allows(allowed, 413) ? NULL : "too big, but 413 is not allowed";
    }
    return "a status there is not";
}

static const char *connection_fault(struct feed *feed, const json_t *expect)
{
    static const uint8_t good_frame[] = {0, 0, 0, 2, 'o', 'k'};
    const json_t *statuses = json_object_get(expect, "statuses");
    bool open = strcmp(vectors_string(expect, "then"), "open") == 0;
    size_t count = json_array_size(statuses);

    if (open)
        feed_bytes(feed, weft_view(good_frame, sizeof good_frame));
    feed_eof(feed);
    if (feed->broken_rule)
        return feed->broken_rule;
    if (feed->count != count + open)
        return "another number of messages";
    for (size_t i = 0; i < count; i++) {
        const char *fault = message_fault(&feed->messages[i], json_array_get(statuses, i));
        if (fault)
            return fault;
    }
    if (open && (feed->ended < 0 || feed->messages[count].status != WEFT_MESSAGE_OK))
        return "the next frame did not come out";
    return NULL;
}

static void check_rows(const struct weft_codec *codec, bool gzip)
{
    struct weft_limits limits = weft_limits_default();
    struct feed_codec fc;
    assert_int_equal(feed_codec_init(&fc, codec, "", &limits, NULL), 0);
    json_t *rows = vectors_load(directory, "hostile.jsonl"), *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        struct weft_bytes frame = vectors_bytes(directory, row, "frame");
        if (gzip || frame.size == 0 || frame.data[0] < 0x80) {
            struct feed feed;
            feed_init(&feed, &fc, WEFT_SERVER);
            feed_bytes(&feed, weft_view(frame.data, frame.size));
            const char *fault = connection_fault(&feed, json_object_get(row, "expect"));
            if (fault)
                fail_msg("%s: %s", vectors_string(row, "name"), fault);
            feed_fini(&feed);
        }
        weft_bytes_fini(&frame);
    }
    json_decref(rows);
    feed_codec_fini(&fc);
}

static void test_length_delimited_gzip_refuses_what_is_hostile_and_goes_on(void **state)
{
    (void)state;
    check_rows(&weft_codec_length_delimited_gzip, true);
}

static void test_raw_does_so_for_frames_without_the_gzip_bit(void **state)
{
    (void)state;
    check_rows(&weft_codec_raw, false);
}

int main(int argc, char **argv)
{
    directory = argc > 1 ? argv[1] : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_length_delimited_gzip_refuses_what_is_hostile_and_goes_on),
        cmocka_unit_test(test_raw_does_so_for_frames_without_the_gzip_bit),
    };
    return cmocka_run_group_tests_name("vectors: hostile frames, codec alone", tests, NULL, NULL);
}
