/* SPDX-License-Identifier: MIT
 *
 * Commands about topics, which Redis calls channels. All subscriptions of a connection are one follower of the feed. Its
 * messages are those of one request, the first SUBSCRIBE, which leaves the order of replies. */
#ifndef KV_RESP_TOPICS_H
#define KV_RESP_TOPICS_H

#include "task.h"

bool resp_begin_subscribe(struct resp_task *task);
bool resp_begin_psubscribe(struct resp_task *task);
bool resp_begin_unsubscribe(struct resp_task *task);
bool resp_begin_punsubscribe(struct resp_task *task);
bool resp_begin_publish(struct resp_task *task);
bool resp_begin_pubsub(struct resp_task *task);

/* Ends all subscriptions of the connection, without a word. */
void resp_topics_end(struct resp_conn *conn);
/* Called when the version of the connection's protocol has changed. */
void resp_topics_set_protocol(struct resp_conn *conn);
/* True if the connection has subscriptions and speaks RESP2, so that only some commands are allowed. */
bool resp_topics_restrict(const struct resp_conn *conn);

#endif
