/* SPDX-License-Identifier: MIT
 *
 * Messages between the servers that work on one Redis (services/kv/messages.h). A message goes by PUBLISH to the channel
 *
 *     weft:DATABASE:TOPIC
 *
 * where DATABASE is the number of the database, 0 in a cluster. Its payload is that of payload.h.
 *
 * PUBLISH is used and not SPUBLISH, because Redis 6.2 does not have that, and because a pattern of channels, which sees
 * every topic, exists for PUBLISH alone. All servers publish by the master of one slot, whichever topic it is: so messages
 * have one order, as long as this master is the same. One loop of each server subscribes to weft:DATABASE:*.
 *
 * Redis does not tell what is lost between two of its nodes, so the numbers tell: a message whose number is not the next
 * one of its publisher comes behind a gap, and one that comes too late is dropped. */
#ifndef KV_REDIS_MESSAGES_H
#define KV_REDIS_MESSAGES_H

#include "payload.h"
#include "services/kv/messages.h"

struct kv_redis_ear;
struct kv_redis_loop;
struct kv_redis_posted;
struct kv_redis_session;

/* A loop's place among the publishers. */
struct kv_redis_mouth {
    uint8_t id[KV_REDIS_PUBLISHER];
    uint64_t number; /* of the last message */
    /* True: a number was not published, and listeners would take that for a loss. So the next message has a new id. False
     * at first, when there is no id yet and `number` is 0. */
    bool has_hole;
};

/* The slots of the store. */
void kv_redis_publish(void *session, struct kv_message *message);
WEFT_MUST_USE int kv_redis_listen(void *loop_state, struct kv_listener *listener);
void kv_redis_unlisten(void *loop_state, struct kv_listener *listener);

/* Ends all messages of a session that is closed, as KV_UNKNOWN. */
void kv_redis_messages_abandon(struct kv_redis_session *session);

#endif
