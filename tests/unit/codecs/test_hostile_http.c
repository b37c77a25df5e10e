/* SPDX-License-Identifier: MIT
 *
 * http.jsonl at the codec alone, in one piece and in pieces of many sizes. What it refuses must be among the
 * statuses allowed, and nothing may come behind a request whose end is in doubt. What a service would
 * refuse is good here. Usage: test_hostile_http [DIRECTORY] */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "lib/feed.h"
#include "lib/vectors.h"

static const char *directory;
static const char good_request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

static bool allows(const json_t *allowed, int first, int last)
{
    size_t i;
    json_t *value;
    json_array_foreach(allowed, i, value)
    {
        if (json_integer_value(value) >= first && json_integer_value(value) <= last)
            return true;
    }
    return false;
}

static const char *message_fault(const struct feed_message *message, const json_t *allowed)
{
    switch (message->status) {
    case WEFT_MESSAGE_OK:
        return allows(allowed, 200, 200) ? NULL : "taken, and should be refused";
    case WEFT_MESSAGE_MALFORMED:
        return allows(allowed, 400, 400) ? NULL : "malformed, but 400 is not allowed";
    case WEFT_MESSAGE_TOO_BIG:
        return allows(allowed, 413, 431) ? NULL : "too big, but no such status is allowed";
    }
    return "a status there is not";
}

static const char *connection_fault(const struct feed_codec *fc, struct weft_view request,
                                    size_t piece, const json_t *expect)
{
    const json_t *statuses = json_object_get(expect, "statuses");
    bool open = strcmp(vectors_string(expect, "then"), "open") == 0;
    size_t count = json_array_size(statuses);
    const char *fault = NULL;
    struct feed feed;

    feed_init(&feed, fc, WEFT_SERVER);
    for (; request.size > 0;
         request = weft_view_skip(request, piece < request.size ? piece : request.size))
        feed_bytes(&feed, weft_view(request.data, piece < request.size ? piece : request.size));
    if (open)
        feed_bytes(&feed, weft_view_str(good_request));
    feed_eof(&feed);
    if (feed.broken_rule)
        fault = feed.broken_rule;
    else if (feed.count != count + open)
        fault = "another number of messages";
    for (size_t i = 0; i < count && !fault; i++)
        fault = message_fault(&feed.messages[i], json_array_get(statuses, i));
    if (!fault && open && (feed.ended < 0 || feed.messages[count].status != WEFT_MESSAGE_OK))
        fault = "the next request did not come out";
    if (!fault && !open && count > 0 && feed.ended == 0)
        fault = "the connection goes on";
    feed_fini(&feed);
    return fault;
}

static void test_each_request_is_taken_or_refused_however_it_is_cut(void **state)
{
    (void)state;
    static const size_t pieces[] = {1 << 20, 1, 2, 3, 7, 16, 61, 1000};
    struct weft_limits limits = weft_limits_default();
    struct feed_codec fc;
    assert_int_equal(feed_codec_init(&fc, &weft_codec_http, "", &limits, NULL), 0);
    json_t *rows = vectors_load(directory, "http.jsonl"), *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        const json_t *text = json_object_get(row, "request");
        struct weft_bytes bytes = {0};
        if (text)
            assert_int_equal(weft_bytes_copy(&bytes, weft_view(json_string_value(text),
                                                               json_string_length(text))),
                             0);
        else
            bytes = vectors_bytes(directory, row, "frame");
        for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
            const char *fault = connection_fault(&fc, weft_view(bytes.data, bytes.size), pieces[k],
                                                 json_object_get(row, "expect"));
            if (fault)
                fail_msg("%s, in pieces of %zu: %s", vectors_string(row, "name"), pieces[k], fault);
        }
        weft_bytes_fini(&bytes);
    }
    json_decref(rows);
    feed_codec_fini(&fc);
}

int main(int argc, char **argv)
{
    directory = argc > 1 ? argv[1] : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_request_is_taken_or_refused_however_it_is_cut),
    };
    return cmocka_run_group_tests_name("vectors: hostile HTTP, codec alone", tests, NULL, NULL);
}
