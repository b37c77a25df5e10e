/* SPDX-License-Identifier: MIT */
#include "values.h"

#include <errno.h>
#include <stdio.h>

#include "core/base/mem.h"
#include "random.h"

/* A value may begin at so many places of the text, a power of two: more than gzip's window of
 * 32 KiB, and little enough to stay in a CPU's cache. */
enum { PLACES = 1 << 18 };

const char *cli_bench_kind_name(enum cli_bench_kind kind)
{
    return kind == CLI_BENCH_RANDOM ? "random" : "json";
}

void cli_bench_key_set(struct cli_bench_key *key, uint32_t number)
{
    char *digit = key->text + CLI_BENCH_KEY_SIZE;
    key->number = number;
    memcpy(key->text, "key:", 4);
    for (size_t i = 0; i < CLI_BENCH_KEY_DIGITS; i++, number /= 10)
        *--digit = (char)('0' + number % 10);
}

/* Records as a service may keep them. */
static void fill_with_json(uint8_t *text, size_t size, struct cli_bench_random *random)
{
    for (size_t used = 0; used < size;) {
        char record[128];
        uint64_t a = cli_bench_random_next(random), b = cli_bench_random_next(random);
        int length =
            snprintf(record, sizeof record,
                     "{\"id\":%u,\"name\":\"user-%u\",\"score\":%u.%02u,"
                     "\"tags\":[\"a\",\"b%u\"]},",
                     (unsigned)(a >> 47), (unsigned)(a & 0xffff) % 5000, (unsigned)(b >> 54),
                     (unsigned)(b & 0xffff) % 100, (unsigned)(b >> 20 & 0xff) % 9);
        size_t part = (size_t)length < size - used ? (size_t)length : size - used;
        memcpy(text + used, record, part);
        used += part;
    }
}

static void fill_with_noise(uint8_t *text, size_t size, struct cli_bench_random *random)
{
    for (size_t used = 0; used < size; used += sizeof(uint64_t)) {
        uint64_t bits = cli_bench_random_next(random);
        size_t part = size - used < sizeof bits ? size - used : sizeof bits;
        memcpy(text + used, &bits, part);
    }
}

int cli_bench_values_init(struct cli_bench_values *values, enum cli_bench_kind kind, size_t size,
                          uint64_t seed)
{
    struct cli_bench_random random = {.state = seed};
    *values = (struct cli_bench_values){.size = size, .seed = seed, .kind = kind};
    values->text = size < SIZE_MAX - PLACES ? weft_malloc(PLACES + size) : NULL;
    if (!values->text)
        return -ENOMEM;
    if (kind == CLI_BENCH_RANDOM)
        fill_with_noise(values->text, PLACES + size, &random);
    else
        fill_with_json(values->text, PLACES + size, &random);
    return 0;
}

void cli_bench_values_fini(struct cli_bench_values *values)
{
    weft_free(values->text);
    *values = (struct cli_bench_values){0};
}

enum weft_kv_type cli_bench_values_type(const struct cli_bench_values *values)
{
    return values->kind == CLI_BENCH_RANDOM ? WEFT_KV_BINARY : WEFT_KV_STRING;
}

/* A value's first bytes are the last digits of its key, as many as there is room for. */
static size_t digits_of(const struct cli_bench_values *values)
{
    return values->size < CLI_BENCH_KEY_DIGITS ? values->size : CLI_BENCH_KEY_DIGITS;
}

static const uint8_t *text_of(const struct cli_bench_values *values,
                              const struct cli_bench_key *key)
{
    uint64_t place = cli_bench_random_mix(values->seed ^ key->number);
    return values->text + place % PLACES;
}

void cli_bench_value_write(const struct cli_bench_values *values, const struct cli_bench_key *key,
                           uint8_t *dst)
{
    size_t digits = digits_of(values);
    memcpy(dst, key->text + CLI_BENCH_KEY_SIZE - digits, digits);
    memcpy(dst + digits, text_of(values, key), values->size - digits);
}

bool cli_bench_value_is(const struct cli_bench_values *values, const struct cli_bench_key *key,
                        struct weft_view view)
{
    size_t digits = digits_of(values);
    return view.size == values->size &&
           (view.size == 0 ||
            (memcmp(view.data, key->text + CLI_BENCH_KEY_SIZE - digits, digits) == 0 &&
             memcmp(view.data + digits, text_of(values, key), view.size - digits) == 0));
}
