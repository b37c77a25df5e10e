/* SPDX-License-Identifier: MIT
 *
 * Codecs that share an address: however much of a peer's first bytes has come, at most one codec claims
 * them, and a codec's own messages are claimed by it. The bytes are those of every vector there is.
 * Usage: test_probes [DIRECTORY] */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "core/base/mem.h"
#include "lib/feed.h"
#include "lib/vectors.h"

/* All that have a probe. */
static const struct weft_codec *const codecs[] = {
    &weft_codec_length_delimited_gzip,
    &weft_codec_resp,
    &weft_codec_line,
#ifdef WITH_HTTP
    &weft_codec_http,
#endif
#ifdef WITH_GRPC
    &weft_codec_grpc,
#endif
};

enum { CODECS = sizeof codecs / sizeof *codecs };

/* Frames that peers of one codec send, good ones and bad ones; NULL: of none that has a probe. */
static const struct {
    const char *file;
    const struct weft_codec *codec;
} files[] = {
    {"frames.jsonl", &weft_codec_length_delimited_gzip},
    {"hostile.jsonl", NULL},
    {"codec-line.jsonl", NULL},
    {"codec-varint.jsonl", NULL},
    {"codec-length-field.jsonl", NULL},
    {"hostile-resp.jsonl", NULL},
    {"http.jsonl", NULL},
};

static const char *directory;

struct fixture {
    struct feed_codec all[CODECS];
};

static int setup(void **state)
{
    static struct fixture fixture;
    struct weft_limits limits = weft_limits_default();
    int err = 0;
    *state = &fixture;
    for (size_t i = 0; i < CODECS && err == 0; i++)
        err = feed_codec_init(&fixture.all[i], codecs[i], "", &limits, NULL);
    return err;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < CODECS; i++)
        feed_codec_fini(&f->all[i]);
    return 0;
}

static enum weft_probe ask(const struct feed_codec *fc, struct weft_view in)
{
    return fc->codec->probe(fc->config, in);
}

/* Returns the codec that claims the bytes, or NULL. Two that do are a mistake. */
static const struct weft_codec *claimant(struct fixture *f, struct weft_view in)
{
    const struct weft_codec *found = NULL;
    for (size_t i = 0; i < CODECS; i++) {
        if (ask(&f->all[i], in) != WEFT_PROBE_YES)
            continue;
        if (found)
            fail_msg("claimed by %s and by %s: '%.*s'", found->name, codecs[i]->name, (int)in.size,
                     (const char *)in.data);
        found = codecs[i];
    }
    return found;
}

static const struct weft_codec *claimant_of_text(struct fixture *f, const char *text)
{
    const struct weft_codec *found = NULL;
    for (size_t n = 1; n <= strlen(text) && n <= WEFT_PROBE_MAX; n++)
        found = claimant(f, weft_view(text, n));
    return found;
}

/* A row has its bytes under one of these names, or none. */
static struct weft_bytes bytes_of(const json_t *row)
{
    if (json_object_get(row, "stream_hex"))
        return vectors_bytes(directory, row, "stream");
    if (!json_object_get(row, "request"))
        return vectors_bytes(directory, row, "frame");
    const char *text = vectors_string(row, "request");
    struct weft_bytes bytes = {.data = weft_malloc(strlen(text) + 1), .size = strlen(text)};
    assert_non_null(bytes.data);
    memcpy(bytes.data, text, bytes.size);
    return bytes;
}

static void test_each_beginning_of_each_vector_is_claimed_by_one_codec_at_most(void **state)
{
    size_t tried = 0;
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        json_t *rows = vectors_load(directory, files[k].file), *row;
        size_t i;
        json_array_foreach(rows, i, row)
        {
            struct weft_bytes bytes = bytes_of(row);
            const struct weft_codec *found = NULL;
            for (size_t n = 1; n <= bytes.size && n <= WEFT_PROBE_MAX; n++, tried++)
                found = claimant(*state, weft_view(bytes.data, n));
            if (files[k].codec && found != files[k].codec)
                fail_msg("%s, row %zu: claimed by %s", files[k].file, i,
                         found ? found->name : "none");
            weft_bytes_fini(&bytes);
        }
        json_decref(rows);
    }
    assert_in_range(tried, 5000, 100000);
}

static void test_each_codec_claims_its_own_peers(void **state)
{
    assert_ptr_equal(claimant_of_text(*state, "*1\r\n$4\r\nPING\r\n"), &weft_codec_resp);
    assert_ptr_equal(claimant_of_text(*state, "PING\r\n"), &weft_codec_resp);
    assert_ptr_equal(claimant_of_text(*state, "PING\n"), &weft_codec_line);
    assert_ptr_equal(claimant_of_text(*state, "hget table key\n"), &weft_codec_line);
    assert_ptr_equal(claimant_of_text(*state, "\n"), &weft_codec_line);
#ifdef WITH_HTTP
    assert_ptr_equal(claimant_of_text(*state, "GET /v1/tables HTTP/1.1\r\n"), &weft_codec_http);
    assert_ptr_equal(claimant_of_text(*state, "DELETE /v1/tables/t/keys/k HTTP/1.1\r\n"),
                     &weft_codec_http);
#endif
#ifdef WITH_GRPC
    assert_ptr_equal(claimant_of_text(*state, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
                     &weft_codec_grpc);
#endif
}

static void test_nobody_claims_the_peers_of_others(void **state)
{
    assert_null(claimant_of_text(*state, "\x16\x03\x01\x02"));         /* TLS */
    assert_null(claimant_of_text(*state, "\xff\xfe"));                 /* UTF-16 */
    assert_null(claimant_of_text(*state, "PRI * HTTP/2.0\r\n\r\nSM")); /* HTTP/2 */
}

static void test_two_bytes_of_any_kind_are_claimed_by_one_codec_at_most(void **state)
{
    for (unsigned i = 0; i < 0x10000; i++) {
        uint8_t bytes[4] = {(uint8_t)(i >> 8), (uint8_t)i, 0, 1};
        for (size_t n = 1; n <= sizeof bytes; n++)
            (void)claimant(*state, weft_view(bytes, n));
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_beginning_of_each_vector_is_claimed_by_one_codec_at_most),
        cmocka_unit_test(test_each_codec_claims_its_own_peers),
        cmocka_unit_test(test_nobody_claims_the_peers_of_others),
        cmocka_unit_test(test_two_bytes_of_any_kind_are_claimed_by_one_codec_at_most),
    };
    directory = argc > 1 ? argv[1] : NULL;
    return cmocka_run_group_tests_name("probes", tests, setup, teardown);
}
