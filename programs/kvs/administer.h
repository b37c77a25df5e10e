/* SPDX-License-Identifier: MIT
 *
 * The parts of kvs for those who administer it: the collectors of its parts, the slow log, the layer that counts,
 * and the admin service with what it may order. */
#ifndef KVS_ADMINISTER_H
#define KVS_ADMINISTER_H

#include "admin.h"
#include "services/admin/admin.h"
#include "services/kv/service.h"
#include "services/layers/metrics/metrics.h"
#include "services/layers/users/users.h"

enum { KVS_SLOW_ENTRIES = 128 };

struct kvs_administer {
    struct kvs_admin server; /* for cli_kvs_serve */
    struct weft_admin admin;
    struct weft_collectors collectors;
    struct weft_collector of_process, of_metrics, of_server, of_store, of_users;
    struct weft_metrics *metrics;
    struct weft_slow_log *slow_log; /* NULL: --slowlog is 0 */
    struct weft_kv_context *kv;
    struct kvs_serving *serving; /* once the server listens */
    int64_t started;             /* milliseconds of the calendar */
    char threads[16], start[24];
};

/* Makes the parts and registers the layer and the service. users: NULL if there are none. Everything it is given
 * outlives it. Returns 0, or -ENOMEM with one line in *error; kvs_administer_fini follows in any case. */
WEFT_MUST_USE int kvs_administer_init(struct kvs_administer *self, const struct kvs_config *config,
                                      const struct weft_log *log, struct weft_kv_context *kv,
                                      struct weft_users *users, struct weft_registry *registry,
                                      struct weft_error *error);
void kvs_administer_fini(struct kvs_administer *self);

#endif
