/* SPDX-License-Identifier: MIT
 *
 * The service that a program has set beside kv (service.h: weft_kv_context), on one loop. */
#ifndef KV_BESIDE_H
#define KV_BESIDE_H

#include "services/kv/session.h"

struct kv_beside {
    const struct weft_service *service; /* NULL: there is none */
    void *config, *state;               /* owned */
};

/* Configures the service of config->context and starts it on the loop. Returns 0, -ENOMEM or what the service
 * returned; nothing is held then. */
WEFT_MUST_USE int kv__beside_start(struct kv_beside *self, const struct kv_session_config *config,
                                   struct weft_loop *loop);
void kv__beside_stop(struct kv_beside *self);

#endif
