/* SPDX-License-Identifier: MIT
 *
 * Random requests, well formed and mutated, decoded by our reader and by protobuf-c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "lib/kv_oracle.h"
#include "lib/random.h"
#include "services/payload/protobuf/writer.h"

enum { ROUNDS = 200000, MESSAGE_MAX = 4096, DEPTH = 4 };

/* Bytes that mean something to a parser are likelier than others. */
static uint8_t odd_byte(struct test_random *random)
{
    static const uint8_t odd[] = {0x00, 0x01, 0x02, 0x08, 0x0A, 0x0B, 0x0D, 0x10, 0x12, 0x18, 0x1A,
                                  0x21, 0x22, 0x28, 0x2A, 0x7F, 0x80, 0x81, 0xC3, 0xED, 0xFF};
    if (test_random_below(random, 3) == 0)
        return (uint8_t)test_random_next(random);
    return odd[test_random_below(random, sizeof odd)];
}

static size_t put_string(struct test_random *random, uint8_t *dst)
{
    static const char *const texts[] = {"",
                                        "k",
                                        "table",
                                        "h\xC3\xA9",
                                        "a\0b",
                                        "\xE8\xA1\xA8",
                                        "0123456789abcdef0123456789abcdef",
                                        "a version is 16."};
    static const size_t sizes[] = {0, 1, 5, 3, 3, 3, 32, 16};
    size_t i = test_random_below(random, 8);
    memcpy(dst, texts[i], sizes[i]);
    return sizes[i];
}

/* A varint, at times longer than it need be. */
static uint8_t *put_number(struct test_random *random, uint8_t *dst, uint64_t value)
{
    dst = weft_pb_put_varint(dst, value);
    if (test_random_below(random, 16) == 0) {
        dst[-1] |= 0x80;
        *dst++ = 0;
    }
    return dst;
}

/* Fields as they might stand in a message that deep; returns how many bytes. */
static size_t put_fields(struct test_random *random, uint8_t *dst, int depth)
{
    uint8_t *begin = dst;
    size_t count = test_random_below(random, depth == 0 ? 3 : 4);
    for (size_t i = 0; i < count; i++) {
        uint32_t number = (uint32_t)(1 + test_random_below(random, depth == 0   ? 23
                                                                   : depth == 2 ? 11
                                                                                : 8));
        if (depth > 0 && depth < 3 && test_random_below(random, 2))
            number = (uint32_t)(1 + test_random_below(random, 2));
        if (test_random_below(random, 32) == 0)
            number = (uint32_t)(1 + test_random_below(random, 100));
        uint32_t wire = WEFT_PB_LENGTH;
        if (depth == 3 && number > 2 && number < 6)
            wire = number == 4 ? WEFT_PB_FIXED64 : WEFT_PB_VARINT;
        if (test_random_below(random, 64) == 0)
            wire = (uint32_t)test_random_below(random, 8);
        dst = put_number(random, dst, (uint64_t)number << 3 | wire);
        if (wire == WEFT_PB_VARINT) {
            dst =
                put_number(random, dst, test_random_next(random) >> test_random_below(random, 64));
        } else if (wire != WEFT_PB_LENGTH) {
            memset(dst, (int)test_random_below(random, 256), 8);
            dst += wire == WEFT_PB_FIXED32 ? 4 : 8;
        } else {
            uint8_t inner[MESSAGE_MAX];
            bool is_text = depth == 3 || (depth > 0 && number == 1);
            size_t size = is_text || depth == DEPTH ? put_string(random, inner)
                                                    : put_fields(random, inner, depth + 1);
            if (depth == 1 && number == 2 && test_random_below(random, 2))
                size = put_string(random, inner);
            dst = put_number(random, dst, size);
            memcpy(dst, inner, size);
            dst += size;
        }
    }
    return (size_t)(dst - begin);
}

static size_t mutate(struct test_random *random, uint8_t *data, size_t size)
{
    size_t changes = test_random_below(random, 4);
    for (size_t i = 0; i < changes && size > 0; i++) {
        size_t at = test_random_below(random, size);
        switch (test_random_below(random, 4)) {
        case 0:
            data[at] = odd_byte(random);
            break;
        case 1:
            data[at] ^= (uint8_t)(1u << test_random_below(random, 8));
            break;
        case 2:
            size = at;
            break;
        default:
            memmove(data + at + 1, data + at, size - at);
            data[at] = odd_byte(random);
            size++;
            break;
        }
    }
    return size;
}

static void assert_agreed(struct weft_view payload)
{
    const char *difference = kv_oracle_differs(payload);
    if (!difference)
        return;
    print_error("they differ in %s:\n", difference);
    for (size_t i = 0; i < payload.size; i++)
        print_error("%02x", payload.data[i]);
    print_error("\n");
    fail();
}

static void test_reader_agrees_with_protobuf_c_on_mutated_requests(void **state)
{
    struct test_random random = test_random_start(20260129);
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        static uint8_t data[64 * MESSAGE_MAX];
        size_t size = put_fields(&random, data, 0);
        size = mutate(&random, data, size);
        assert_agreed(weft_view(data, size));
    }
}

static void test_reader_agrees_with_protobuf_c_on_every_short_request(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 0x10000; i++) {
        uint8_t data[] = {(uint8_t)(i >> 8), (uint8_t)i};
        assert_agreed(weft_view(data, 1));
        assert_agreed(weft_view(data, 2));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_agrees_with_protobuf_c_on_every_short_request),
        cmocka_unit_test(test_reader_agrees_with_protobuf_c_on_mutated_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
