/* SPDX-License-Identifier: MIT */
#include "kv_talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "lib/fault.h"

struct kv_talk kv_talk;

int kv_talk_setup(void **state)
{
    (void)state;
    kv_fixture_init(&kv_talk.fixture, NULL);
    return 0;
}

int kv_talk_teardown(void **state)
{
    (void)state;
    fault_remove();
    weft_bytes_fini(&kv_talk.reply);
    kv_fixture_fini(&kv_talk.fixture);
    return 0;
}

struct told ask_view(struct weft_view payload)
{
    weft_bytes_fini(&kv_talk.reply);
    kv_talk.reply = kv_fixture_ask(&kv_talk.fixture, payload, &kv_talk.reply_is_bad);
    return told_of(weft_view(kv_talk.reply.data, kv_talk.reply.size));
}

struct told ask(struct weft_bytes payload)
{
    struct told told = ask_view(weft_view(payload.data, payload.size));
    free(payload.data);
    return told;
}

void assert_told(const struct told *told, unsigned status, const char *message)
{
    assert_int_equal(told->status, status);
    if (!weft_view_equal(told->message, weft_view_str(message)))
        fail_msg("the message is '%.*s'", (int)told->message.size,
                 (const char *)told->message.data);
}

void assert_value(const struct told *told, struct weft_view value)
{
    assert_int_equal(told->status, 200);
    assert_int_equal(told->value_count, 1);
    assert_true(weft_view_equal(told->values[0], value));
}
