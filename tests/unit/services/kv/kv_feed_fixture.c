/* SPDX-License-Identifier: MIT */
#include "kv_feed_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/compiler.h"
#include "lib/virtual_loop.h"
#include "services/kv/filter.h"

size_t makes;
bool make_fails;

static struct weft_blob *make(const struct kv_feed_run *run)
{
    struct weft_view rest = run->values, value;
    char text[LOG_SIZE];
    size_t size = 0, count = 0;
    uint8_t *data;
    makes++;
    if (make_fails)
        return NULL;
    if (run->source->matches)
        size += (size_t)snprintf(text, sizeof text, "%.*s:", (int)run->source->name.size,
                                 (const char *)run->source->name.data);
    size += (size_t)snprintf(text + size, sizeof text - size, "%.*s", (int)run->topic.size,
                             (const char *)run->topic.data);
    for (; kv_feed_next_value(&rest, &value); count++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%c%.*s", count == 0 ? '=' : ',',
                                 (int)value.size, (const char *)value.data);
    assert_int_equal(count, run->count);
    text[size++] = ' ';
    struct weft_blob *blob = weft_blob_new(size, &data);
    if (blob)
        memcpy(data, text, size);
    return blob;
}

const struct kv_feed_format format = {.slot = KV_FEED_LINE, .make = make};
const struct kv_feed_format single = {.slot = KV_FEED_RESP2, .single = true, .make = make};

static int take(struct reader *self, struct weft_view text)
{
    if (self->fails < 0)
        return self->fails;
    if (self->room == 0)
        return -EAGAIN;
    self->room--;
    size_t used = strlen(self->log);
    assert_true(used + text.size < sizeof self->log);
    memcpy(self->log + used, text.data, text.size);
    self->log[used + text.size] = '\0';
    if (!self->leaves)
        return 0;
    kv_follower_leave(&self->follower);
    return KV_FOLLOWER_LEFT;
}

static int send(struct kv_follower *follower, struct weft_blob *blob, bool shared)
{
    struct reader *self = weft_container_of(follower, struct reader, follower);
    struct weft_view text = weft_blob_view(blob);
    if (self->most > 0 && text.size > self->most)
        return WEFT_ETOOBIG;
    self->shared = shared;
    return take(self, text);
}

static int lost(struct kv_follower *follower, const struct kv_feed_source *source, uint64_t count)
{
    struct reader *self = weft_container_of(follower, struct reader, follower);
    char text[256];
    int size = snprintf(text, sizeof text, "%.*s-%u ", (int)source->name.size,
                        (const char *)source->name.data, (unsigned)count);
    int err = take(self, weft_view(text, (size_t)size));
    self->got_lost += err == 0 ? count : 0;
    return err;
}

const struct kv_follower_ops ops = {.send = send, .lost = lost};

struct fixture *begin(const struct kv_feed_limits *limits)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof fixture);
    makes = 0;
    make_fails = false;
    fixture.feed = kv_feed_new(limits);
    assert_non_null(fixture.feed);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(weft_loop_new(&fixture.loops[i], 8), 0);
        assert_int_equal(kv_feed_loop_take(fixture.feed, fixture.loops[i], &fixture.at[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        fixture.readers[i].follower = (struct kv_follower){.ops = &ops, .format = &format};
        fixture.readers[i].room = SIZE_MAX;
    }
    return &fixture;
}

void end(struct fixture *f)
{
    for (size_t i = 0; i < 4; i++)
        kv_follower_leave(&f->readers[i].follower);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(kv_feed_loop_bytes(f->at[i]), 0);
        kv_feed_loop_give(f->at[i]);
        weft_loop_free(f->loops[i]);
    }
    kv_feed_free(f->feed);
}

static bool matches(struct weft_view pattern, struct weft_view topic)
{
    size_t steps = 0;
    return kv_pattern_matches(pattern, topic, &steps);
}

struct kv_feed_source source_of(const char *name)
{
    return (struct kv_feed_source){strpbrk(name, "*?") ? matches : NULL, weft_view_str(name)};
}

int follow(struct fixture *f, size_t reader, const char *name)
{
    const struct kv_feed_source source = source_of(name);
    return kv_follower_follow(&f->readers[reader].follower, f->at[0], &source);
}

uint64_t publish_at(struct fixture *f, size_t loop, const char *topic, const char *words)
{
    struct weft_view values[32];
    size_t count = 0;
    uint64_t receivers = 0;
    for (const char *at = words; *at; at += strspn(at, " ")) {
        size_t size = strcspn(at, " ");
        values[count++] = weft_view(at, size);
        at += size;
    }
    assert_int_equal(kv_feed_publish(f->at[loop], weft_view_str(topic), values, count, &receivers),
                     0);
    return receivers;
}

uint64_t publish(struct fixture *f, const char *topic, const char *words)
{
    return publish_at(f, 0, topic, words);
}

void run(struct fixture *f)
{
    for (int i = 0; i < 2; i++)
        for (size_t loop = 0; loop < 2; loop++)
            assert_true(virtual_loop_run_until_idle(f->loops[loop]));
}

const struct kv_feed_limits no_limits;
