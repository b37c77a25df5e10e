/* SPDX-License-Identifier: MIT
 *
 * The requests of a benchmark, ready but for key and value: a load generator that encoded each one
 * field by field would measure itself. Immutable once made; any thread. */
#ifndef KV_CLI_BENCH_REQUESTS_H
#define KV_CLI_BENCH_REQUESTS_H

#include "core/base/body.h"
#include "config.h"

/* One command's message; key and value are filled in where they stand. */
struct cli_bench_template {
    uint8_t *bytes; /* owned; up to the value, where there is one */
    size_t size;    /* of the whole message */
    size_t key_at;
    size_t value_at; /* the same as size: no value */
};

struct cli_bench_requests {
    struct cli_bench_template templates[CLI_BENCH_COMMANDS];
    const struct cli_bench_values *values; /* borrowed */
};

/* values must outlive it. -EINVAL: the table is not UTF-8; -ENOMEM. */
WEFT_MUST_USE int cli_bench_requests_init(struct cli_bench_requests *requests,
                                          struct weft_view table,
                                          const struct cli_bench_values *values,
                                          struct weft_error *error);
/* A zeroed one is fine. */
void cli_bench_requests_fini(struct cli_bench_requests *requests);

/* A request on its way out. */
struct cli_bench_body {
    struct weft_body body; /* first: what is handed on is a pointer to it */
    const struct cli_bench_template *template;
    const struct cli_bench_values *values;
    const struct cli_bench_key *key;
};

/* key must live as long as the body is borrowed. */
struct cli_bench_body cli_bench_request_body(const struct cli_bench_requests *requests,
                                             enum cli_bench_command command,
                                             const struct cli_bench_key *key);

#endif
