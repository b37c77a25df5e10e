/* SPDX-License-Identifier: MIT
 *
 * Publish and subscribe as typed calls (docs/pubsub.md). Subscriptions share a connection with other calls. What they
 * bring comes outside of the order of replies, so a client that subscribes sets on_push (core/client.h) to a function
 * that hands each message to weft_kv_client_take_push:
 *
 *     static bool on_push(struct weft_client *connection, struct weft_view payload)
 *     {
 *         struct app *app = weft_client_data(connection);
 *         return weft_kv_client_take_push(&app->client, payload, on_message, app);
 *     }
 *
 * The codec must carry messages of proto/abi.proto or lines. */
#ifndef KV_CLIENT_TOPICS_H
#define KV_CLIENT_TOPICS_H

#include "services/kv/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Asks for what is published to a topic from now on or, if `pattern` is true, to the topics that match it (docs/pubsub.md).
 * The reply has the subscription's id as its one value, an integer. `end_if_slow` lets a loss of messages end the
 * subscription. These three borrow and return what the functions of client.h do. -ENOTSUP: the codec carries lines, which
 * have no end_if_slow, and no unsubscribe without an id. */
WEFT_MUST_USE int weft_kv_client_subscribe(struct weft_kv_client *client, struct weft_kv_call *call,
                                           struct weft_view topic, bool pattern, bool end_if_slow,
                                           struct weft_error *error);
/* Ends a subscription of this connection, or with the id 0 all that it has of the topic or pattern. The reply has the
 * number of those; it has status 404 if there is none. No message of them follows it. */
WEFT_MUST_USE int weft_kv_client_unsubscribe(struct weft_kv_client *client,
                                             struct weft_kv_call *call, struct weft_view topic,
                                             uint32_t id, struct weft_error *error);
/* Publishes each value as a message. The reply has the number of subscriptions that get them. */
WEFT_MUST_USE int weft_kv_client_publish(struct weft_kv_client *client, struct weft_kv_call *call,
                                         struct weft_view topic, const struct weft_kv_value *values,
                                         size_t count, struct weft_error *error);

/* Returns true if the payload is a message of a subscription, and then has called `told` with it, unless there was no
 * memory to read it, or it is malformed: told is then called with NULL, and messages are lost. The message:
 *
 * - status 200: `values` were published to `topic`, in this order.
 * - status 410: `number` messages of the subscription to `topic`, whose id is the one value, were lost, or an unknown
 *   number if it is 0; it goes on.
 * - another status: that subscription has ended; `message` says why, and `number` messages were lost before. 503: the
 *   server shuts down, or messages were lost and it was to end then; 401, 403: its user is gone or may no longer. In
 *   lines it has no topic.
 *
 * The message is valid until told returns. told may make calls and close the connection. */
bool weft_kv_client_take_push(struct weft_kv_client *client, struct weft_view payload,
                              void (*told)(void *arg, const struct weft_kv_reply *message),
                              void *arg);

#ifdef __cplusplus
}
#endif

#endif
