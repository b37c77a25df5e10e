/* SPDX-License-Identifier: MIT
 *
 * A watch of kv, and what is done meanwhile. Those over HTTP can be read as text. */
#ifndef TEST_KV_WATCH_FIXTURE_H
#define TEST_KV_WATCH_FIXTURE_H

#include "kv_fixture.h"

struct talk {
    struct kv_fixture fixture;
    struct fake_request watch;
    size_t read; /* replies of the watch that were looked at */
    char text[1 << 16];
};

void open_talk(struct talk *talk, const struct weft_service *service,
               const struct weft_limits *limits);
void close_talk(struct talk *talk);

/* Makes a watch, which is called later. */
void make_watch(struct talk *talk, const char *payload);
void start(struct talk *talk, const char *payload);
void settle(struct talk *talk);

/* Returns what the watch was told since the last call, with N for each number of a change. */
const char *told(struct talk *talk);

void command(struct talk *talk, const char *line, const char *body);
void set(struct talk *talk, const char *key, const char *value);
/* A batch of so many keys, each of a value of `size` bytes. */
void set_batch(struct talk *talk, unsigned count, unsigned size);
void leave(struct talk *talk);
void assert_has(const char *text, const char *part);

#endif
