/* SPDX-License-Identifier: MIT
 *
 * Messages of Redis's publish and subscribe. All subscriptions of a cluster share one more connection, to a master of
 * any slots: a cluster passes each message of PUBLISH on to all its nodes. (SPUBLISH, which does not, is of Redis 7.0
 * on and is not used.)
 *
 * Redis does not number messages and does not send one again. Those of a time without a connection are lost, which `begun`
 * tells. Those that one node could not pass on to another are lost, too, and nobody tells: who must know numbers the
 * messages. */
#ifndef KV_REDIS_SUBSCRIPTION_H
#define KV_REDIS_SUBSCRIPTION_H

#include "redis.h"

/* The memory is the caller's, zeroed before first use, from subscribe to unsubscribe. */
struct redis_subscription {
    struct weft_view name; /* of a channel, or a glob-style pattern of names; borrowed */
    bool is_pattern;
    /* Called with each message. The views are valid until it returns. */
    void (*message)(struct redis_subscription *subscription, struct weft_view channel,
                    struct weft_view payload);
    /* Called when the subscription is in force, the first time and after each reconnect: messages that were
     * published before then may be missing, and all from now on come. */
    void (*begun)(struct redis_subscription *subscription);

    /* The client's own. */
    struct {
        struct redis_subscription *next, **link;
        bool is_asked, is_in_force;
    } own;
};

/* Both callbacks come from the loop, never from within these two, and may call these two. */
void kv_redis_subscribe(struct redis_cluster *cluster, struct redis_subscription *subscription);
/* No callback follows. Does nothing to a subscription that is zeroed, or whose cluster has stopped. */
void kv_redis_unsubscribe(struct redis_cluster *cluster, struct redis_subscription *subscription);

#endif
