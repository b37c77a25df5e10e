/* SPDX-License-Identifier: MIT
 *
 * frames.jsonl: messages with payload and frame as other implementations write them.
 * Usage: test_vectors_frames [DIRECTORY] */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "lib/feed.h"
#include "lib/vectors.h"

static const char *directory;

struct fixture {
    json_t *rows;
    struct feed_codec fc;
};

static int setup(void **state)
{
    static struct fixture fixture;
    struct weft_limits limits = weft_limits_default();
    fixture.rows = vectors_load(directory, "frames.jsonl");
    *state = &fixture;
    return feed_codec_init(&fixture.fc, &weft_codec_length_delimited_gzip, "", &limits, NULL);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    json_decref(fixture->rows);
    feed_codec_fini(&fixture->fc);
    return 0;
}

static struct weft_view view_of(const struct weft_bytes *bytes)
{
    return weft_view(bytes->data, bytes->size);
}

/* True if frame is one whole frame of payload. */
static bool carries(const struct feed_codec *fc, struct weft_view frame, struct weft_view payload)
{
    struct feed feed;
    feed_init(&feed, fc, WEFT_SERVER);
    feed_pieces(&feed, frame, frame.size);
    bool good =
        !feed.broken_rule && feed.count == 1 && feed.unread_size == 0 &&
        feed.messages[0].status == WEFT_MESSAGE_OK &&
        weft_view_equal(weft_view(feed.messages[0].payload, feed.messages[0].size), payload);
    feed_fini(&feed);
    return good;
}

static void test_decode_reads_every_frame_of_others(void **state)
{
    struct fixture *fixture = *state;
    size_t i;
    json_t *row;
    json_array_foreach(fixture->rows, i, row)
    {
        struct weft_bytes payload = vectors_bytes(directory, row, "payload");
        struct weft_bytes frame = vectors_bytes(directory, row, "frame");
        if (!carries(&fixture->fc, view_of(&frame), view_of(&payload)))
            fail_msg("%s", vectors_string(row, "name"));
        weft_bytes_fini(&payload);
        weft_bytes_fini(&frame);
    }
}

/* Plain frames are the same byte for byte; where others compress, ours is a gzip frame of the same
 * message or, where that would not be smaller, the plain one. */
static void test_encode_writes_what_others_write(void **state)
{
    struct fixture *fixture = *state;
    size_t i;
    json_t *row;
    json_array_foreach(fixture->rows, i, row)
    {
        struct weft_bytes payload = vectors_bytes(directory, row, "payload");
        struct weft_bytes frame = vectors_bytes(directory, row, "frame");
        bool compressed = json_is_true(json_object_get(row, "compressed"));
        struct feed_frame ours = feed_encode_view(&fixture->fc, view_of(&payload));
        bool good = ours.result == 0 && !ours.broken_rule;
        if (compressed)
            good = good && ours.size <= payload.size + 4 &&
                   (ours.data[0] >> 7) == (ours.size < payload.size + 4) &&
                   carries(&fixture->fc, feed_frame_view(&ours), view_of(&payload));
        else
            good = good && weft_view_equal(feed_frame_view(&ours), view_of(&frame));
        if (!good)
            fail_msg("%s", vectors_string(row, "name"));
        free(ours.data);
        weft_bytes_fini(&payload);
        weft_bytes_fini(&frame);
    }
}

int main(int argc, char **argv)
{
    directory = argc > 1 ? argv[1] : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode_reads_every_frame_of_others),
        cmocka_unit_test(test_encode_writes_what_others_write),
    };
    return cmocka_run_group_tests_name("vectors: frames", tests, setup, teardown);
}
