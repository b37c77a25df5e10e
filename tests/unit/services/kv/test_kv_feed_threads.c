/* SPDX-License-Identifier: MIT
 *
 * The feed on four loops with a thread each: whatever they do at once, a follower gets the messages of each publisher
 * in order, each once, and is told of every one that it does not get. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/loop.h"
#include "lib/random.h"
#include "services/kv/follower.h"
#include "services/kv/filter.h"

enum { LOOPS = 4, FOLLOWERS = 6, TOPICS = 3, SOURCES = TOPICS + 1, ROUNDS = 400, MOST = 20 };

struct message {
    uint32_t publisher, topic;
    uint64_t number; /* of the publisher's messages */
};

struct world;

struct follower {
    struct kv_follower follower;
    struct world *world;
    bool follows[SOURCES];
    uint64_t next[SOURCES][LOOPS]; /* the least number that may come */
    uint64_t had[SOURCES];         /* messages, and those that are told as lost */
    size_t room;
};

struct world {
    struct weft_loop *loop;
    struct kv_feed_loop *feed;
    struct weft_timer timer;
    struct test_random random;
    uint32_t publisher, rounds;
    uint64_t sent;
    struct follower followers[FOLLOWERS];
    pthread_t thread;
    size_t wrong;
};

static const char *const names[SOURCES] = {"a", "b", "c", "*"};
static _Atomic uint64_t published[SOURCES];
static _Atomic uint32_t publishers;

static bool matches(struct weft_view pattern, struct weft_view topic)
{
    size_t steps = 0;
    return kv_pattern_matches(pattern, topic, &steps);
}

static struct kv_feed_source source_of(size_t index)
{
    return (struct kv_feed_source){index == TOPICS ? matches : NULL, weft_view_str(names[index])};
}

static uint8_t index_of(const struct kv_feed_source *source)
{
    return source->matches ? TOPICS : (uint8_t)(source->name.data[0] - 'a');
}

/* A byte for the source, and the messages. */
static struct weft_blob *make(const struct kv_feed_run *run)
{
    uint8_t *dst;
    struct weft_view rest = run->values, value;
    struct weft_blob *blob = weft_blob_new(1 + run->count * sizeof(struct message), &dst);
    if (!blob)
        return NULL;
    *dst++ = index_of(run->source);
    while (kv_feed_next_value(&rest, &value)) {
        memcpy(dst, value.data, value.size);
        dst += value.size;
    }
    return blob;
}

static const struct kv_feed_format format = {.slot = KV_FEED_PROTOBUF, .make = make};

static int send(struct kv_follower *base, struct weft_blob *blob, bool shared)
{
    struct follower *self = weft_container_of(base, struct follower, follower);
    struct weft_view view = weft_blob_view(blob);
    struct message message;
    (void)shared;
    if (self->room == 0)
        return -EAGAIN;
    self->room--;
    for (size_t at = 1; at < view.size; at += sizeof message) {
        memcpy(&message, view.data + at, sizeof message);
        uint64_t *next = &self->next[view.data[0]][message.publisher];
        self->world->wrong += message.number < *next;
        *next = message.number + 1;
        self->had[view.data[0]]++;
    }
    return 0;
}

static int lost(struct kv_follower *base, const struct kv_feed_source *source, uint64_t count)
{
    struct follower *self = weft_container_of(base, struct follower, follower);
    if (self->room == 0)
        return -EAGAIN;
    self->room--;
    self->had[index_of(source)] += count;
    return 0;
}

static const struct kv_follower_ops ops = {.send = send, .lost = lost};

/* A loop that is behind refuses; then nobody gets anything. */
static void publish(struct world *self)
{
    struct message messages[MOST];
    struct weft_view values[MOST];
    uint32_t topic = (uint32_t)test_random_below(&self->random, TOPICS);
    size_t count = 1 + test_random_below(&self->random, MOST);
    uint64_t receivers;
    for (size_t i = 0; i < count; i++) {
        messages[i] = (struct message){self->publisher, topic, self->sent + i};
        values[i] = weft_view(&messages[i], sizeof messages[i]);
    }
    self->sent += count;
    int err = kv_feed_publish(self->feed, weft_view_str(names[topic]), values, count, &receivers);
    if (err < 0)
        return;
    atomic_fetch_add(&published[topic], count);
    atomic_fetch_add(&published[TOPICS], count);
}

static bool has_all(const struct world *self)
{
    bool all = true;
    for (size_t i = 0; i < FOLLOWERS; i++)
        for (size_t k = 0; k < SOURCES; k++)
            all &= !self->followers[i].follows[k] ||
                   self->followers[i].had[k] == atomic_load(&published[k]);
    return all;
}

static void fire(struct weft_timer *timer)
{
    struct world *self = weft_container_of(timer, struct world, timer);
    for (size_t i = 0; i < FOLLOWERS; i++) {
        struct follower *follower = &self->followers[i];
        follower->room += i == 0 ? MOST : test_random_below(&self->random, 2);
        if (follower->follower.waits)
            (void)kv_follower_resume(&follower->follower);
    }
    if (self->rounds > 0) {
        publish(self);
        if (--self->rounds == 0)
            atomic_fetch_sub(&publishers, 1);
    } else if (atomic_load(&publishers) == 0 && has_all(self)) {
        weft_loop_stop(self->loop);
        return;
    }
    weft_loop_after(self->loop, &self->timer, 0);
}

static void begin(struct world *self, struct kv_feed *feed, uint32_t number)
{
    memset(self, 0, sizeof *self);
    self->publisher = number;
    self->rounds = ROUNDS;
    self->random = test_random_start(number + 1);
    self->timer.fire = fire;
    assert_int_equal(weft_loop_new(&self->loop, 8), 0);
    assert_int_equal(kv_feed_loop_take(feed, self->loop, &self->feed), 0);
    for (size_t i = 0; i < FOLLOWERS; i++) {
        struct follower *follower = &self->followers[i];
        follower->world = self;
        follower->follower = (struct kv_follower){.ops = &ops, .format = &format};
        for (size_t k = 0; k < SOURCES; k++) {
            const struct kv_feed_source source = source_of(k);
            follower->follows[k] = i == 0 || test_random_below(&self->random, 2) == 0;
            if (follower->follows[k])
                assert_int_equal(kv_follower_follow(&follower->follower, self->feed, &source), 0);
        }
    }
    weft_loop_after(self->loop, &self->timer, 0);
}

static void *run(void *arg)
{
    weft_loop_run(((struct world *)arg)->loop);
    return NULL;
}

static void test_each_message_comes_once_in_order_or_is_told_as_lost(void **state)
{
    const struct kv_feed_limits limits = {.ring = 8192, .memory = 65536};
    static struct world worlds[LOOPS];
    struct kv_feed *feed = kv_feed_new(&limits);
    (void)state;
    assert_non_null(feed);
    atomic_store(&publishers, LOOPS);
    for (uint32_t i = 0; i < LOOPS; i++)
        begin(&worlds[i], feed, i);
    for (size_t i = 0; i < LOOPS; i++)
        assert_int_equal(pthread_create(&worlds[i].thread, NULL, run, &worlds[i]), 0);
    for (size_t i = 0; i < LOOPS; i++)
        assert_int_equal(pthread_join(worlds[i].thread, NULL), 0);
    for (size_t i = 0; i < LOOPS; i++) {
        assert_int_equal(worlds[i].wrong, 0);
        for (size_t k = 0; k < FOLLOWERS; k++)
            kv_follower_leave(&worlds[i].followers[k].follower);
        assert_int_equal(kv_feed_loop_bytes(worlds[i].feed), 0);
        kv_feed_loop_give(worlds[i].feed);
        weft_loop_free(worlds[i].loop);
    }
    kv_feed_free(feed);
}

/* --- gaps ------------------------------------------------------------------------------------------ */

/* A loop that tells gaps, with a follower of one topic. */
struct loser {
    struct weft_loop *loop;
    struct kv_feed_loop *feed;
    struct kv_follower follower;
    struct weft_timer timer;
    pthread_t thread;
    uint64_t told, wrong;
    unsigned rounds;
};

static int ignore_message(struct kv_follower *follower, struct weft_blob *blob, bool shared)
{
    (void)follower, (void)blob, (void)shared;
    return 0;
}

static int count_gap(struct kv_follower *base, const struct kv_feed_source *source, uint64_t count)
{
    struct loser *self = weft_container_of(base, struct loser, follower);
    (void)source;
    self->told++;
    self->wrong += count != 0;
    return 0;
}

/* The last gap of all is told before a loop ends. */
static void lose(struct weft_timer *timer)
{
    struct loser *self = weft_container_of(timer, struct loser, timer);
    bool is_last = atomic_load(&publishers) == 0;
    if (self->rounds > 0) {
        kv_feed_lose(self->feed);
        if (--self->rounds == 0)
            atomic_fetch_sub(&publishers, 1);
    }
    if (!is_last) {
        weft_loop_after(self->loop, &self->timer, 0);
        return;
    }
    self->told = 0;
    kv_feed_lose(self->feed);
    self->wrong += kv_follower_finish(&self->follower) != 0 || self->told == 0;
    weft_loop_stop(self->loop);
}

static void *run_loser(void *arg)
{
    weft_loop_run(((struct loser *)arg)->loop);
    return NULL;
}

static void test_gaps_are_told_however_they_meet(void **state)
{
    static const struct kv_follower_ops gap_ops = {.send = ignore_message, .lost = count_gap};
    static struct loser losers[LOOPS];
    const struct kv_feed_limits limits = {0};
    struct kv_feed *feed = kv_feed_new(&limits);
    const struct kv_feed_source source = {NULL, weft_view_str("t")};
    (void)state;
    assert_non_null(feed);
    atomic_store(&publishers, LOOPS);
    for (size_t i = 0; i < LOOPS; i++) {
        struct loser *self = &losers[i];
        *self = (struct loser){
            .follower = {.ops = &gap_ops, .format = &format}, .timer.fire = lose, .rounds = ROUNDS};
        assert_int_equal(weft_loop_new(&self->loop, 8), 0);
        assert_int_equal(kv_feed_loop_take(feed, self->loop, &self->feed), 0);
        assert_int_equal(kv_follower_follow(&self->follower, self->feed, &source), 0);
        weft_loop_after(self->loop, &self->timer, 0);
    }
    for (size_t i = 0; i < LOOPS; i++)
        assert_int_equal(pthread_create(&losers[i].thread, NULL, run_loser, &losers[i]), 0);
    for (size_t i = 0; i < LOOPS; i++)
        assert_int_equal(pthread_join(losers[i].thread, NULL), 0);
    for (size_t i = 0; i < LOOPS; i++) {
        assert_int_equal(losers[i].wrong, 0);
        kv_follower_leave(&losers[i].follower);
        kv_feed_loop_give(losers[i].feed);
        weft_loop_free(losers[i].loop);
    }
    kv_feed_free(feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_message_comes_once_in_order_or_is_told_as_lost),
        cmocka_unit_test(test_gaps_are_told_however_they_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
