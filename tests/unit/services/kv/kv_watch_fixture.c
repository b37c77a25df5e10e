/* SPDX-License-Identifier: MIT */
#include "kv_watch_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/virtual_loop.h"

void open_talk(struct talk *talk, const struct weft_service *service,
               const struct weft_limits *limits)
{
    const struct weft_option_set none = {0};
    const struct weft_limits usual = weft_limits_default();
    *talk = (struct talk){0};
    kv_fixture_init_service(&talk->fixture, service, &none, NULL, limits ? limits : &usual);
}

void close_talk(struct talk *talk)
{
    fake_request_fini(&talk->watch);
    kv_fixture_fini(&talk->fixture);
}

void make_watch(struct talk *talk, const char *payload)
{
    fake_request_init(&talk->watch, weft_view_str(payload), talk->fixture.limits.decode_bytes);
}

void start(struct talk *talk, const char *payload)
{
    make_watch(talk, payload);
    kv_fixture_call(&talk->fixture, &talk->watch);
}

void settle(struct talk *talk)
{
    assert_true(virtual_loop_run_until_idle(talk->fixture.loop));
}

const char *told(struct talk *talk)
{
    size_t size = 0;
    settle(talk);
    for (; talk->read < talk->watch.reply_count; talk->read++) {
        const struct weft_bytes *reply = &talk->watch.replies[talk->read];
        for (size_t i = 0; i < reply->size && size < sizeof talk->text - 1;) {
            size_t digits = strspn((const char *)reply->data + i, "0123456789");
            digits = digits > reply->size - i ? reply->size - i : digits;
            if (digits >= 13)
                talk->text[size++] = 'N';
            else
                talk->text[size++] = (char)reply->data[i];
            i += digits >= 13 ? digits : 1;
        }
    }
    talk->text[size] = '\0';
    return talk->text;
}

void command(struct talk *talk, const char *line, const char *body)
{
    char payload[4096];
    snprintf(payload, sizeof payload, "%s HTTP/1.1\r\nHost: a\r\n\r\n%s", line, body);
    struct weft_bytes reply = kv_fixture_ask(&talk->fixture, weft_view_str(payload), NULL);
    free(reply.data);
}

void set(struct talk *talk, const char *key, const char *value)
{
    char line[256];
    snprintf(line, sizeof line, "PUT /v1/tables/t/keys/%s", key);
    command(talk, line, value);
}

void set_batch(struct talk *talk, unsigned count, unsigned size)
{
    static char payload[1 << 17];
    size_t at = (size_t)snprintf(payload, sizeof payload,
                                 "POST /v1/batch HTTP/1.1\r\nHost: a\r\nContent-Type: "
                                 "application/x-ndjson\r\n\r\n[\"hmset\",\"t\"");
    for (unsigned i = 0; i < count; i++)
        at += (size_t)snprintf(payload + at, sizeof payload - at, ",\"%u\",\"%0*d\"", i, (int)size,
                               0);
    at += (size_t)snprintf(payload + at, sizeof payload - at, "]\n");
    struct weft_bytes reply = kv_fixture_ask(&talk->fixture, weft_view(payload, at), NULL);
    free(reply.data);
}

void leave(struct talk *talk)
{
    if (talk->watch.ended)
        return;
    talk->watch.gone = true;
    talk->watch.owes_drain = false;
    talk->watch.request.on_cancel(&talk->watch.request, WEFT_REASON_PEER_RESET);
    assert_true(talk->watch.ended);
}

void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in '%s'", part, text);
}
