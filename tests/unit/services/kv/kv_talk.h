/* SPDX-License-Identifier: MIT
 *
 * A talk with one kv service: each request is answered before the next one is sent. */
#ifndef TEST_KV_TALK_H
#define TEST_KV_TALK_H

#include "kv_fixture.h"
#include "kv_message.h"

/* The talk of the running test. */
extern struct kv_talk {
    struct kv_fixture fixture;
    struct weft_bytes reply; /* the last one */
    bool reply_is_bad;       /* the last request ended as a bad one */
} kv_talk;

/* The fixtures of cmocka. The service has the memory store. The teardown also removes the failing
 * allocator. */
int kv_talk_setup(void **state);
int kv_talk_teardown(void **state);

#define TALK_TEST(name) cmocka_unit_test_setup_teardown(name, kv_talk_setup, kv_talk_teardown)

/* A literal, its NULs included. */
#define VIEW(literal)   weft_view(literal, sizeof literal - 1)

/* Sends a request and returns its reply, as views that are valid until the next request. */
struct told ask_view(struct weft_view payload);
/* ask_view with a payload that it frees. */
struct told ask(struct weft_bytes payload);

void assert_told(const struct told *told, unsigned status, const char *message);
/* Fails unless the reply is a 200 with this one value. */
void assert_value(const struct told *told, struct weft_view value);

#endif
