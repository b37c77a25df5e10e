/* SPDX-License-Identifier: MIT
 *
 * A talk with the HTTP face of kv, without a codec: requests are payloads as the codec would hand them on. */
#ifndef TEST_HTTP_TALK_H
#define TEST_HTTP_TALK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../kv_fixture.h"

struct http_talk {
    struct kv_fixture fixture;
    struct weft_bytes reply; /* the last one, with a NUL behind it */
    bool bad;
};

static inline void http_talk_init(struct http_talk *talk, const struct kv_store *store,
                                  const char *cors)
{
    const struct weft_limits limits = weft_limits_default();
    const struct weft_option_value value = {"cors", cors};
    const struct weft_option_set set = {&value, cors ? 1 : 0};
    *talk = (struct http_talk){0};
    kv_fixture_init_service(&talk->fixture, &weft_kv_http_service, &set, store, &limits);
}

static inline void http_talk_fini(struct http_talk *talk)
{
    weft_bytes_fini(&talk->reply);
    kv_fixture_fini(&talk->fixture);
}

static inline void http_talk_take(struct http_talk *talk, struct weft_view reply)
{
    weft_bytes_fini(&talk->reply);
    talk->reply.data = weft_malloc(reply.size + 1);
    assert_non_null(talk->reply.data);
    memcpy(talk->reply.data, reply.data, reply.size);
    talk->reply.data[reply.size] = '\0';
    talk->reply.size = reply.size;
}

/* Sends "METHOD TARGET", fields with their line ends, and a body. Returns the reply as text. */
static inline const char *http_ask_body(struct http_talk *talk, const char *line,
                                        const char *fields, struct weft_view body)
{
    size_t head = strlen(line) + strlen(fields) + 32;
    char *text = malloc(head + body.size);
    assert_non_null(text);
    int size = snprintf(text, head, "%s HTTP/1.1\r\nHost: a\r\n%s\r\n", line, fields);
    if (body.size > 0)
        memcpy(text + size, body.data, body.size);
    struct weft_bytes reply =
        kv_fixture_ask(&talk->fixture, weft_view(text, (size_t)size + body.size), &talk->bad);
    http_talk_take(talk, weft_view(reply.data, reply.size));
    weft_bytes_fini(&reply);
    free(text);
    return (const char *)talk->reply.data;
}

static inline const char *http_ask(struct http_talk *talk, const char *line, const char *fields,
                                   const char *body)
{
    return http_ask_body(talk, line, fields, weft_view_str(body));
}

static inline unsigned http_status(const char *reply)
{
    unsigned status = 0;
    assert_int_equal(sscanf(reply, "HTTP/1.1 %u ", &status), 1);
    return status;
}

static inline void assert_has(const char *reply, const char *part)
{
    if (!strstr(reply, part))
        fail_msg("'%s' is not in '%s'", part, reply);
}

static inline void assert_has_not(const char *reply, const char *part)
{
    if (strstr(reply, part))
        fail_msg("'%s' is in '%s'", part, reply);
}

/* The reply has that status, a Content-Length that is right, and this body. */
static inline void assert_reply(const char *reply, unsigned status, const char *body)
{
    const char *end = strstr(reply, "\r\n\r\n"), *length = strstr(reply, "Content-Length: ");
    if (http_status(reply) != status)
        fail_msg("not %u: '%s'", status, reply);
    assert_non_null(end);
    assert_string_equal(end + 4, body);
    if (length)
        assert_int_equal(strtoul(length + 16, NULL, 10), strlen(body));
    else
        assert_int_equal(strlen(body), 0);
}

#endif
