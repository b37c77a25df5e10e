/* SPDX-License-Identifier: MIT
 *
 * One decision of an update: packed values, written independently of the code under test, and what it
 * makes of them. */
#ifndef TEST_KV_UPDATE_FIXTURE_H
#define TEST_KV_UPDATE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "services/kv/update.h"
#include "services/kv/value.h"

enum { NOW = 1000000, LATER = NOW + 5000, PASSED = NOW - 1 };

struct bytes {
    uint8_t data[512];
    size_t size;
};

static inline struct weft_view view_of(const struct bytes *bytes)
{
    return weft_view(bytes->data, bytes->size);
}

/* The packed forms of values; text is at most 127 bytes long. */
struct bytes text(enum kv_type type, const char *contents);
struct bytes string(const char *contents);
struct bytes number(enum kv_type type, uint64_t bits);
struct bytes integer(int64_t value);
struct bytes real(double value);
struct bytes raw(const void *data, size_t size);

struct given {
    const struct bytes *current; /* NULL: absent */
    int64_t current_expires;
    struct bytes value;
    int64_t expires;
    struct kv_update update;
};

struct made {
    enum kv_verdict verdict;
    struct bytes value;
    int64_t expires;
};

struct made decide(struct given given);
void assert_stores(struct given given, struct bytes expected);
void assert_verdict(struct given given, enum kv_verdict verdict);

#endif
