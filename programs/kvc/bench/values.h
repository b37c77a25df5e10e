/* SPDX-License-Identifier: MIT
 *
 * The keys and values of a benchmark. A value follows from its key and the seed, so that any reply
 * can be checked without remembering what was stored: the digits of the key, then a piece of a text
 * that the seed has made, at a place that the key chooses. Immutable once made; any thread. */
#ifndef KV_CLI_BENCH_VALUES_H
#define KV_CLI_BENCH_VALUES_H

#include "core/base/bytes.h"
#include "services/kv/client.h"

enum cli_bench_kind { CLI_BENCH_JSON, CLI_BENCH_RANDOM };

/* "json", "random". */
const char *cli_bench_kind_name(enum cli_bench_kind kind);

enum { CLI_BENCH_KEY_DIGITS = 10, CLI_BENCH_KEY_SIZE = 14 };

/* "key:0000000042". */
struct cli_bench_key {
    char text[CLI_BENCH_KEY_SIZE]; /* not terminated */
    uint32_t number;
};

void cli_bench_key_set(struct cli_bench_key *key, uint32_t number);

struct cli_bench_values {
    uint8_t *text; /* owned */
    size_t size;   /* of a value */
    uint64_t seed;
    enum cli_bench_kind kind;
};

/* json: strings of JSON-like text, which compresses about 4 to 5 times. random: binary values of
 * random bytes, which do not compress. -ENOMEM. */
WEFT_MUST_USE int cli_bench_values_init(struct cli_bench_values *values, enum cli_bench_kind kind,
                                        size_t size, uint64_t seed);
/* A zeroed one is fine. */
void cli_bench_values_fini(struct cli_bench_values *values);

/* WEFT_KV_STRING or WEFT_KV_BINARY. */
enum weft_kv_type cli_bench_values_type(const struct cli_bench_values *values);

/* Writes the value of key, values->size bytes, to dst. */
void cli_bench_value_write(const struct cli_bench_values *values, const struct cli_bench_key *key,
                           uint8_t *dst);

/* True if view is the value of key. */
bool cli_bench_value_is(const struct cli_bench_values *values, const struct cli_bench_key *key,
                        struct weft_view view);

#endif
