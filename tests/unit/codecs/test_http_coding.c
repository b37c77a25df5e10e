/* SPDX-License-Identifier: MIT
 *
 * Replies that http sends as gzip: to whom, of which, with which head; and that the content of a blob is compressed
 * once. io->heavy tells that an encode has compressed something. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "gzip_fixture.h"
#include "lib/fault.h"
#include "lib/feed.h"
#include "lib/stream.h"

enum { SIZE = 16384, HEAD_MAX = 512 };

/* A connection, and a reply whose content lies in a blob. */
struct link {
    struct feed_codec fc;
    struct feed feed;
    struct weft_chain out;
    struct weft_blob *blob;
    char head[HEAD_MAX];
    bool heavy, over;
    uint8_t *sent; /* what the last reply was */
    size_t size;
};

static void link_init(struct link *link, const char *query, enum content content, size_t size)
{
    struct weft_limits limits = weft_limits_default();
    uint8_t *bytes = content_new(content, size), *data;
    *link = (struct link){0};
    assert_int_equal(feed_codec_init(&link->fc, &weft_codec_http, query, &limits, NULL), 0);
    feed_init(&link->feed, &link->fc, WEFT_SERVER);
    link->blob = weft_blob_new(size, &data);
    assert_non_null(link->blob);
    memcpy(data, bytes, size);
    free(bytes);
    (void)snprintf(link->head, sizeof link->head,
                   "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nETag: \"a\"\r\n\r\n", size);
}

static void link_fini(struct link *link)
{
    free(link->sent);
    weft_blob_unref(link->blob);
    weft_chain_fini(&link->out);
    feed_fini(&link->feed);
    weft_frame_cache_free(link->fc.frames);
    feed_codec_fini(&link->fc);
}

enum kind { PARTS, BRIEF_PARTS, BLOB, WRITTEN };

static int encode(struct link *link, const struct weft_body *body)
{
    struct weft_encode_io io = {.out = &link->out, .frames = link->fc.frames, .last = true};
    struct weft_codec_state state = link->feed.state;
    state.config_id = link->fc.config_id;
    int err = link->fc.codec->encode(&state, body, &io);
    link->heavy = io.heavy;
    link->over = io.over;
    if (err < 0)
        return err;
    free(link->sent);
    link->sent = feed_chain_copy(&link->out);
    link->size = link->out.bytes;
    weft_chain_fini(&link->out);
    weft_chain_init(&link->out, NULL);
    return 0;
}

static int say(struct link *link, enum kind kind)
{
    struct weft_view head = weft_view_str(link->head), content = weft_blob_view(link->blob);
    struct weft_body_parts parts = weft_body_from_parts(head, link->blob, content);
    parts.lasting = kind == PARTS;
    if (kind == PARTS || kind == BRIEF_PARTS)
        return encode(link, &parts.body);
    uint8_t *data;
    struct weft_blob *all = weft_blob_new(parts.body.size, &data);
    assert_non_null(all);
    weft_body_write(&parts.body, data);
    struct weft_body body = weft_body_from_blob(all);
    struct weft_body_bytes bytes = weft_body_from_view(weft_blob_view(all));
    int err = encode(link, kind == BLOB ? &body : &bytes.body);
    weft_blob_unref(all);
    return err;
}

/* Sends a request line with these fields, and the reply to it. */
static void exchange(struct link *link, const char *method, const char *fields, enum kind kind)
{
    char request[400];
    (void)snprintf(request, sizeof request, "%s / HTTP/1.1\r\nHost: a\r\n%s\r\n", method, fields);
    feed_bytes(&link->feed, weft_view_str(request));
    assert_null(link->feed.broken_rule);
    assert_int_equal(say(link, kind), 0);
}

static struct weft_view content_of(const struct link *link)
{
    const uint8_t *end = memmem(link->sent, link->size, "\r\n\r\n", 4);
    assert_non_null(end);
    return weft_view(end + 4, link->size - (size_t)(end + 4 - link->sent));
}

static bool has(const struct link *link, const char *part)
{
    return memmem(link->sent, link->size, part, strlen(part)) != NULL;
}

/* The reply has a head that goes with its gzip, and the right content. */
static void assert_coded(const struct link *link)
{
    struct weft_view member = content_of(link), content = weft_blob_view(link->blob);
    struct weft_bytes message;
    char length[64];
    const char *why = NULL;
    assert_true(has(link, "\r\nContent-Encoding: gzip\r\n"));
    (void)snprintf(length, sizeof length, "\r\nContent-Length: %zu\r\n\r\n", member.size);
    assert_true(has(link, length));
    assert_int_equal(read_member(member, &message, &why), 0);
    assert_true(weft_view_equal(weft_view(message.data, message.size), content));
    free(message.data);
}

static void assert_plain(const struct link *link)
{
    assert_false(has(link, "Content-Encoding"));
    assert_true(weft_view_equal(content_of(link), weft_blob_view(link->blob)));
}

#define GZIP "Accept-Encoding: gzip\r\n"

static void test_content_is_compressed_for_who_wants_that(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        bool coded;
    } rows[] = {
        {"", false},
        {GZIP, true},
        {"accept-encoding:\t GZIP , br\r\n", true},
        {"Accept-Encoding: deflate, gzip;q=1.0, *;q=0.5\r\n", true},
        {"Accept-Encoding: x-gzip\r\n", true},
        {"Accept-Encoding: *\r\n", true},
        {"Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n", true},
        {"Accept-Encoding: gzip;q=0.001\r\n", true},
        {"Accept-Encoding: gzip; Q=0.5\r\n", true},
        {"Accept-Encoding: identity;q=0.5, gzip;q=0.5\r\n", true},
        {"Accept-Encoding: identity;q=0\r\n", false},
        {"Accept-Encoding: *;q=0\r\n", false},
        {"Accept-Encoding: identity;q=0.6, gzip;q=0.5\r\n", false},
        {"Accept-Encoding: identity, gzip;q=0.999\r\n", false},
        {"Accept-Encoding: gzip;q=0\r\n", false},
        {"Accept-Encoding: gzip;q=0, *\r\n", false},
        {"Accept-Encoding: gzip;q=0.000\r\n", false},
        {"Accept-Encoding: gzip;q=2\r\n", false},
        {"Accept-Encoding: gzip;q=1.001\r\n", false},
        {"Accept-Encoding: gzip;q=0.1234\r\n", false},
        {"Accept-Encoding: gzip;q=0,5\r\n", false},
        {"Accept-Encoding: gzip;q=0.x\r\n", false},
        {"Accept-Encoding: gzip;q=.5\r\n", false},
        {"Accept-Encoding: gzip;x\r\n", false},
        {"Accept-Encoding: gzippy, br\r\n", false},
        {"Accept-Encoding: , ,\r\n", false},
        {"Accept-Encoding:\r\n", false},
        {"Accept-Charset: gzip\r\n", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct link link;
        link_init(&link, "", TEXT, SIZE);
        exchange(&link, "GET", rows[i].fields, WRITTEN);
        if (has(&link, "Content-Encoding") != rows[i].coded)
            fail_msg("%s", rows[i].fields);
        (rows[i].coded ? assert_coded : assert_plain)(&link);
        link_fini(&link);
    }
}

static void test_content_of_a_blob_is_compressed_once(void **state)
{
    (void)state;
    struct link link;
    link_init(&link, "", TEXT, SIZE);
    link.fc.frames = weft_frame_cache_new(1 << 20);
    for (size_t i = 0; i < 10; i++) {
        exchange(&link, i % 3 == 2 ? "HEAD" : "GET", GZIP, PARTS);
        assert_int_equal(link.heavy, i == 0);
        if (i % 3 != 2)
            assert_coded(&link);
    }
    exchange(&link, "GET", GZIP, BRIEF_PARTS);
    assert_false(link.heavy);
    exchange(&link, "GET", "", PARTS);
    assert_plain(&link);
    link.fc.config_id++;
    exchange(&link, "GET", GZIP, PARTS);
    assert_true(link.heavy);
    assert_coded(&link);
    exchange(&link, "GET", GZIP, PARTS);
    assert_false(link.heavy);
    link_fini(&link);
}

static void test_content_that_does_not_shrink_is_tried_once(void **state)
{
    (void)state;
    struct link link;
    link_init(&link, "", RANDOM, SIZE);
    link.fc.frames = weft_frame_cache_new(1 << 20);
    for (size_t i = 0; i < 3; i++) {
        exchange(&link, "GET", GZIP, PARTS);
        assert_int_equal(link.heavy, i == 0);
        assert_plain(&link);
    }
    exchange(&link, "GET", "Accept-Encoding: gzip, identity;q=0\r\n", PARTS);
    assert_coded(&link);
    link_fini(&link);
}

static void test_content_that_is_not_kept_is_compressed_each_time(void **state)
{
    (void)state;
    static const enum kind kinds[] = {BRIEF_PARTS, BLOB, WRITTEN};
    for (size_t i = 0; i < 3; i++) {
        struct link link;
        link_init(&link, "", TEXT, SIZE);
        link.fc.frames = weft_frame_cache_new(1 << 20);
        for (size_t n = 0; n < 2; n++) {
            exchange(&link, "GET", GZIP, kinds[i]);
            assert_true(link.heavy);
            assert_coded(&link);
        }
        assert_int_equal(weft_frame_cache_bytes(link.fc.frames), 0);
        link_fini(&link);
    }
}

static void test_small_content_is_sent_as_it_is_unless_that_is_refused(void **state)
{
    (void)state;
    struct link link;
    link_init(&link, "", TEXT, 100);
    exchange(&link, "GET", GZIP, WRITTEN);
    assert_plain(&link);
    exchange(&link, "GET", GZIP, BLOB);
    assert_plain(&link);
    exchange(&link, "GET", "Accept-Encoding: gzip, *;q=0\r\n", WRITTEN);
    assert_coded(&link);
    link_fini(&link);
}

static void test_threshold_and_level_are_options(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        bool coded;
    } rows[] = {
        {"threshold=off", false}, {"threshold=100000", false}, {"threshold=0&level=9", true}};
    struct weft_limits limits = weft_limits_default();
    struct weft_error error;
    struct feed_codec fc;
    for (size_t i = 0; i < 3; i++) {
        struct link link;
        link_init(&link, rows[i].query, TEXT, i == 2 ? 200 : SIZE);
        exchange(&link, "GET", "Accept-Encoding: gzip\r\n", WRITTEN);
        assert_int_equal(has(&link, "Content-Encoding"), rows[i].coded);
        link_fini(&link);
    }
    assert_int_equal(feed_codec_init(&fc, &weft_codec_http, "level=0", &limits, &error),
                     WEFT_ECONFIG);
    assert_int_equal(feed_codec_init(&fc, &weft_codec_http, "threshold=x", &limits, &error),
                     WEFT_ECONFIG);
}

/* A tag names one form of a content. */
static void test_head_tells_of_the_form_of_the_content(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *has, *has_not;
    } rows[] = {
        {"ETag: \"a\"\r\n", "\r\nETag: \"a-gzip\"\r\n", "\"a\""},
        {"etag:W/\"a\"\r\n", "\r\netag:W/\"a\"\r\n", "-gzip"},
        {"ETag: a\r\n", "\r\nETag: a\r\n", "-gzip"},
        {"X: 1\r\n", "\r\nVary: Accept-Encoding\r\n", "ETag"},
        {"Vary: Accept\r\n", "\r\nVary: Accept-Encoding\r\n", "ETag"},
        {"Vary: Accept, accept-encoding\r\n", "\r\nVary: Accept, accept-encoding\r\n",
         "Vary: Accept-Encoding"},
        {"Cache-Control: no-store\r\n", "\r\nContent-Encoding: gzip\r\n", "ETag"},
        {"Cache-Control: no-transform\r\n", "\r\nContent-Length: 16384\r\n", "Content-Encoding"},
        {"Content-Encoding: br\r\n", "\r\nContent-Length: 16384\r\n", "gzip"},
        {"Content-Range: bytes 0-1/2\r\n", "\r\nContent-Length: 16384\r\n", "gzip"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct link link;
        link_init(&link, "", TEXT, SIZE);
        (void)snprintf(link.head, sizeof link.head,
                       "HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n", rows[i].fields, SIZE);
        link.fc.frames = weft_frame_cache_new(1 << 20);
        for (size_t n = 0; n < 2; n++) {
            exchange(&link, "GET", GZIP, PARTS);
            if (!has(&link, rows[i].has) || has(&link, rows[i].has_not))
                fail_msg("%s: %.*s", rows[i].fields, 200, link.sent);
        }
        link_fini(&link);
    }
}

static void test_head_alone_is_that_of_the_compressed_reply(void **state)
{
    (void)state;
    struct link link;
    char length[64];
    link_init(&link, "", TEXT, SIZE);
    exchange(&link, "GET", GZIP, WRITTEN);
    (void)snprintf(length, sizeof length, "\r\nContent-Length: %zu\r\n\r\n",
                   content_of(&link).size);
    exchange(&link, "HEAD", GZIP, WRITTEN);
    assert_true(has(&link, length));
    assert_int_equal(content_of(&link).size, 0);
    link_fini(&link);
}

static void test_last_compressed_reply_says_that_it_is_the_last(void **state)
{
    (void)state;
    struct link link;
    link_init(&link, "", TEXT, SIZE);
    exchange(&link, "GET", GZIP "Connection: close\r\n", WRITTEN);
    assert_true(has(&link, "HTTP/1.1 200 OK\r\nConnection: close\r\n"));
    assert_coded(&link);
    assert_true(link.over);
    link_fini(&link);
}

static void test_small_last_reply_says_that_it_is_the_last(void **state)
{
    (void)state;
    struct link link;
    link_init(&link, "", TEXT, 10);
    exchange(&link, "GET", GZIP "Connection: close\r\n", WRITTEN);
    assert_true(has(&link, "Connection: close\r\n"));
    assert_plain(&link);
    link_fini(&link);
}

static void test_answer_without_content_is_not_compressed(void **state)
{
    (void)state;
    struct link link;
    link_init(&link, "", TEXT, 0);
    (void)snprintf(link.head, sizeof link.head, "HTTP/1.1 204 No Content\r\n\r\n");
    exchange(&link, "GET", "Accept-Encoding: gzip, identity;q=0\r\n", WRITTEN);
    assert_plain(&link);
    link_fini(&link);
}

static void try_each_kind(void *arg)
{
    (void)arg;
    struct weft_frame_cache *frames = weft_frame_cache_new(1 << 20);
    for (enum kind kind = PARTS; kind <= WRITTEN; kind++) {
        struct link link = {0};
        struct weft_limits limits = weft_limits_default();
        static const char get[] = "GET / HTTP/1.1\r\nHost: a\r\n" GZIP "\r\n";
        uint8_t *data;
        assert_int_equal(feed_codec_init(&link.fc, &weft_codec_http, "", &limits, NULL), 0);
        feed_init(&link.feed, &link.fc, WEFT_SERVER);
        link.fc.frames = frames;
        link.blob = weft_blob_new(4000, &data);
        if (link.blob) {
            memset(data, 'x', 4000);
            (void)snprintf(link.head, sizeof link.head,
                           "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n");
            struct weft_body_parts parts = weft_body_from_parts(weft_view_str(link.head), link.blob,
                                                                weft_blob_view(link.blob));
            struct weft_body blob = weft_body_from_blob(link.blob);
            struct weft_body_bytes bytes = weft_body_from_view(weft_blob_view(link.blob));
            parts.lasting = kind == PARTS;
            feed_bytes(&link.feed, weft_view_str(get));
            if (link.feed.count == 1) {
                int err = encode(&link, kind <= BRIEF_PARTS ? &parts.body
                                        : kind == BLOB      ? &blob
                                                            : &bytes.body);
                assert_true(err == 0 || (err == -ENOMEM && fault_failed() > 0));
                if (err == 0 && kind <= BRIEF_PARTS)
                    assert_true(has(&link, "Content-Encoding: gzip"));
            }
        }
        link.fc.frames = NULL;
        link_fini(&link);
    }
    weft_frame_cache_free(frames);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    fault_each(try_each_kind, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_is_compressed_for_who_wants_that),
        cmocka_unit_test(test_content_of_a_blob_is_compressed_once),
        cmocka_unit_test(test_content_that_does_not_shrink_is_tried_once),
        cmocka_unit_test(test_content_that_is_not_kept_is_compressed_each_time),
        cmocka_unit_test(test_small_content_is_sent_as_it_is_unless_that_is_refused),
        cmocka_unit_test(test_threshold_and_level_are_options),
        cmocka_unit_test(test_head_tells_of_the_form_of_the_content),
        cmocka_unit_test(test_head_alone_is_that_of_the_compressed_reply),
        cmocka_unit_test(test_last_compressed_reply_says_that_it_is_the_last),
        cmocka_unit_test(test_small_last_reply_says_that_it_is_the_last),
        cmocka_unit_test(test_answer_without_content_is_not_compressed),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("http coding", tests, NULL, NULL);
}
