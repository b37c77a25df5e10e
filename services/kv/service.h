/* SPDX-License-Identifier: MIT
 *
 * kv: the key-value service over any store, speaking protobuf (proto/abi.proto) over any codec, or RESP.
 *
 * A program makes a context, which holds a store, and registers the service with it:
 *
 *     const struct weft_kv_limits limits = weft_kv_limits_default();
 *     struct weft_kv_context context;
 *     int err = weft_kv_context_init(&context, &weft_kv_store_memory, &limits, NULL, &error);
 *     ...
 *     err = weft_registry_add_service(&registry, &weft_kv_service, &context);
 *     ... the server is made, runs, and is freed ...
 *     weft_kv_context_fini(&context);
 */
#ifndef KV_SERVICE_H
#define KV_SERVICE_H

#include "core/base/settings.h"
#include "core/service.h"
#include "services/kv/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The faces of kv: services of one name, each in a language of its own. A server that registers several
 * with one context serves the same tables in all of them. */

/* Speaks "protobuf:abi". */
extern const struct weft_service weft_kv_service;

/* Speaks "line": kvc's commands, one a line, answered by a line each. docs/wire.md describes it. */
extern const struct weft_service weft_kv_line_service;

/* The HTTP face of kv, for the codec `http`. It is a service of the same name, with the same context.
 * Option: cors. docs/http.md describes it. */
extern const struct weft_service weft_kv_http_service;
/* The face for clients of Redis: commands and replies of RESP, docs/redis.md. It is the service `kv` as well,
 * and may share the context. Its option `table` names the table whose keys are the strings of Redis. */
extern const struct weft_service weft_kv_resp_service;

/* Returns the store of that name in a list that ends in NULL, or NULL if there is none; *error then
 * names the stores of the list. */
const struct kv_store *weft_kv_store_find(const struct kv_store *const *stores, const char *name,
                                          struct weft_error *error);

/* The limits that kv has beside those of every service (core/base/settings.h). */
struct weft_kv_limits {
    uint64_t decode_elements; /* messages inside a request, and occurrences of repeated fields */
    uint64_t max_memory;      /* bytes that the store may hold; 0: any */
    uint64_t max_key;         /* bytes of a key, or of a table's name, in an hset or hmset */
};

/* Returns the table of struct weft_kv_limits, ended by a NULL name, for command lines. Static. */
const struct weft_limit *weft_kv_limit_table(void);

/* Returns the limits at their defaults. */
struct weft_kv_limits weft_kv_limits_default(void);

struct weft_kv_context {
    const struct kv_store *store;
    void *state; /* the store's; owned */
    struct weft_kv_limits limits;
    struct kv_store_loop *loops; /* the store's states of loops that serve now */
};

/* Makes the store's state. The limits are copied.
 * seed: 16 bytes, borrowed for the call, for tests and measurements that must repeat; NULL: random.
 * Returns 0, or -errno with one line in *error and nothing held. */
WEFT_MUST_USE int weft_kv_context_init(struct weft_kv_context *context,
                                       const struct kv_store *store,
                                       const struct weft_kv_limits *limits, const uint8_t *seed,
                                       struct weft_error *error);

/* Makes the store that a command line names, as in `--store memory`. spec is NAME[:WHERE] and the
 * store's own options, `?option=value&...`; NAME is one of `stores`, which ends in NULL. log is where the
 * store logs, borrowed until weft_kv_context_fini; NULL: nowhere.
 * Returns WEFT_ECONFIG if spec is wrong, and *error names the mistake and the choices; otherwise
 * what weft_kv_context_init returns. */
WEFT_MUST_USE int weft_kv_context_open(struct weft_kv_context *context,
                                       const struct kv_store *const *stores, const char *spec,
                                       const struct weft_kv_limits *limits,
                                       const struct weft_log *log, struct weft_error *error);

/* Looks for damage that keeps the store of that spec from starting, and drops it if `drop` is true. say takes
 * lines of text. Returns what kv_store.repair does; WEFT_ECONFIG also for a store that needs no repair. */
WEFT_MUST_USE int64_t weft_kv_context_repair(const struct kv_store *const *stores, const char *spec,
                                             bool drop, void (*say)(void *arg, const char *line),
                                             void *arg, struct weft_error *error);

/* Frees the store's state. Call it after the servers that use it were freed. A zeroed context is
 * fine. */
void weft_kv_context_fini(struct weft_kv_context *context);

#ifdef __cplusplus
}
#endif

#endif
