/* SPDX-License-Identifier: MIT
 *
 * A talk with one kv service: a request, its reply, the next request. */
#ifndef TEST_KV_TALK_H
#define TEST_KV_TALK_H

#include "kv_fixture.h"
#include "kv_message.h"

/* That of the test that runs. */
extern struct kv_talk {
    struct kv_fixture fixture;
    struct weft_bytes reply; /* the last */
    bool reply_is_bad;       /* its request ended as a bad one */
} kv_talk;

/* cmocka's fixtures; the service is over the memory store. The teardown removes the failing
 * allocator as well. */
int kv_talk_setup(void **state);
int kv_talk_teardown(void **state);

#define TALK_TEST(name) cmocka_unit_test_setup_teardown(name, kv_talk_setup, kv_talk_teardown)

/* A literal, its NULs included. */
#define VIEW(literal)   weft_view(literal, sizeof literal - 1)

/* What is told are views of the reply, which live until the next request. */
struct told ask_view(struct weft_view payload);
/* The same, and frees the payload. */
struct told ask(struct weft_bytes payload);

void assert_told(const struct told *told, unsigned status, const char *message);
/* 200 and this one value. */
void assert_value(const struct told *told, struct weft_view value);

#endif
