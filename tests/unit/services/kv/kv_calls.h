/* SPDX-License-Identifier: MIT
 *
 * The talk of kv_talk.h in the words of the client library: requests and replies as plain values. */
#ifndef TEST_KV_CALLS_H
#define TEST_KV_CALLS_H

#include "kv_talk.h"
#include "services/kv/client_types.h"

/* Returns a request in heap memory of the C library: the caller calls free() on its data. */
struct weft_bytes kv_call_payload(const struct weft_kv_request *request);

/* Sends a request and returns its reply, which is valid until the next one. */
const struct weft_kv_reply *kv_call(const struct weft_kv_request *request);

/* kv_call of an hput to table "t". */
const struct weft_kv_reply *kv_put(const struct weft_kv_change *changes, size_t count);
/* kv_put of one change. */
const struct weft_kv_reply *kv_put_one(struct weft_kv_change change);

/* kv_call of an hexpire of one key of table "t"; unsaid asks. */
const struct weft_kv_reply *kv_expire(const char *key, struct weft_kv_expiry expiry);

/* Frees what the last reply lies in. A teardown of cmocka, which calls that of kv_talk.h. */
int kv_calls_teardown(void **state);

#define CALLS_TEST(name) cmocka_unit_test_setup_teardown(name, kv_talk_setup, kv_calls_teardown)

/* A change that stores a string. */
struct weft_kv_change storing(const char *key, const char *text);
struct weft_kv_change removing(const char *key);

#endif
