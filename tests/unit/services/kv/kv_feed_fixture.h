/* SPDX-License-Identifier: MIT
 *
 * A feed on two virtual loops, and followers on the first that write down what they are sent. */
#ifndef TEST_KV_FEED_FIXTURE_H
#define TEST_KV_FEED_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/loop.h"
#include "services/kv/follower.h"

enum { LOG_SIZE = 64 << 10 };

extern size_t makes; /* calls of make */
extern bool make_fails;

/* A message is "TOPIC=VALUE,VALUE "; one that came by a pattern has "PATTERN:" before that. `single` has one value per
 * message. */
extern const struct kv_feed_format format, single;
extern const struct kv_follower_ops ops;
extern const struct kv_feed_limits no_limits;

struct reader {
    struct kv_follower follower;
    size_t room; /* messages that it takes */
    size_t most; /* the largest message that it takes; 0: any */
    bool leaves; /* with the next message */
    int fails;   /* what it says to a message, if below 0 */
    bool shared; /* the last message */
    uint64_t got_lost;
    char log[LOG_SIZE];
};

struct fixture {
    struct kv_feed *feed;
    struct weft_loop *loops[2];
    struct kv_feed_loop *at[2];
    struct reader readers[4];
};

struct fixture *begin(const struct kv_feed_limits *limits);
void end(struct fixture *f);

/* A topic, or a pattern where the name has a "*" or a "?". */
struct kv_feed_source source_of(const char *name);
int follow(struct fixture *f, size_t reader, const char *name);

/* Publishes words with spaces between, at once. Returns the number of receivers. */
uint64_t publish_at(struct fixture *f, size_t loop, const char *topic, const char *words);
uint64_t publish(struct fixture *f, const char *topic, const char *words);

/* Runs both loops until they are idle. */
void run(struct fixture *f);

#endif
