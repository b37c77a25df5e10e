/* SPDX-License-Identifier: MIT */
#include "messages.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "job.h"
#include "subscription.h"

enum {
    VERSION = 1,
    HEAD_SIZE = 1 + KV_REDIS_PUBLISHER + 8,
    SIZE_SIZE = 4, /* of the size of a value */
    PREFIX_MAX = 24,
    SETS = 256, /* of publishers that a listener knows */
    WAYS = 4,
    TOLD_TOGETHER = 64, /* values */
};

/* The slot by whose master all messages go. */
#define SLOT_KEY "weft:messages"

/* Writes a number of `size` bytes, the high byte first. Returns the end. */
static uint8_t *put_number(uint8_t *dst, uint64_t number, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        dst[i] = (uint8_t)(number >> 8 * (size - 1 - i));
    return dst + size;
}

static uint64_t get_number(const uint8_t *src, unsigned size)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < size; i++)
        number = number << 8 | src[i];
    return number;
}

/* Returns the size of what channels begin with. */
static size_t put_prefix(char dst[PREFIX_MAX], const struct kv_redis_loop *loop)
{
    return (size_t)snprintf(dst, PREFIX_MAX, "weft:%u:", kv_redis_database(loop->store->shared));
}

/* --- publishing ------------------------------------------------------------------------------------ */

/* A message on its way. The channel and the payload lie behind it. */
struct kv_redis_posted {
    struct redis_call call;
    struct weft_view args[3];
    struct kv_message *message;
    struct kv_redis_session *session;
    struct kv_redis_posted *next, **link; /* in the session */
};

static size_t payload_size(const struct kv_message *message)
{
    size_t size = HEAD_SIZE;
    for (size_t i = 0; i < message->count; i++)
        size += SIZE_SIZE + message->values[i].size;
    return size;
}

static void take_number(struct kv_redis_mouth *mouth)
{
    if (mouth->has_hole || mouth->number == 0) {
        randombytes_buf(mouth->id, sizeof mouth->id);
        mouth->number = 0;
        mouth->has_hole = false;
    }
    mouth->number++;
}

static void put_payload(uint8_t *dst, const struct kv_redis_mouth *mouth,
                        const struct kv_message *message)
{
    *dst++ = VERSION;
    memcpy(dst, mouth->id, sizeof mouth->id);
    dst = put_number(dst + sizeof mouth->id, mouth->number, 8);
    for (size_t i = 0; i < message->count; i++) {
        const struct weft_view value = message->values[i];
        dst = put_number(dst, value.size, SIZE_SIZE);
        if (value.size > 0)
            memcpy(dst, value.data, value.size);
        dst += value.size;
    }
}

static void free_posted(struct kv_redis_posted *posted)
{
    *posted->link = posted->next;
    if (posted->next)
        posted->next->link = posted->link;
    weft_free(posted);
}

static enum kv_outcome outcome_of(enum redis_outcome outcome, const redisReply *reply)
{
    if (outcome == REDIS_ANSWERED)
        return reply->type == REDIS_REPLY_INTEGER ? KV_DONE : KV_FAILED;
    return outcome == REDIS_UNKNOWN ? KV_UNKNOWN : KV_UNAVAILABLE;
}

static void on_answer(struct redis_call *call, enum redis_outcome redis_outcome,
                      const redisReply *reply)
{
    struct kv_redis_posted *posted = weft_container_of(call, struct kv_redis_posted, call);
    struct kv_message *message = posted->message;
    enum kv_outcome outcome = outcome_of(redis_outcome, reply);
    if (outcome == KV_FAILED || outcome == KV_UNAVAILABLE)
        posted->session->loop->mouth.has_hole = true;
    free_posted(posted);
    message->done(message, outcome);
}

/* Copies all that the message shows. NULL: no memory. */
static struct kv_redis_posted *new_posted(struct kv_redis_session *session,
                                          struct kv_message *message)
{
    char prefix[PREFIX_MAX];
    size_t head = put_prefix(prefix, session->loop), channel_size = head + message->topic.size;
    size_t size = payload_size(message);
    struct kv_redis_posted *posted = weft_malloc(sizeof *posted + channel_size + size);
    if (!posted)
        return NULL;
    uint8_t *channel = (uint8_t *)(posted + 1), *payload = channel + channel_size;
    memcpy(channel, prefix, head);
    if (message->topic.size > 0)
        memcpy(channel + head, message->topic.data, message->topic.size);
    take_number(&session->loop->mouth);
    put_payload(payload, &session->loop->mouth, message);
    *posted = (struct kv_redis_posted){
        .call = {.count = 3,
                 .slot = (int)kv_redis_slot(weft_view_str(SLOT_KEY)),
                 .write = true,
                 .done = on_answer},
        .args = {weft_view_str("PUBLISH"), weft_view(channel, channel_size),
                 weft_view(payload, size)},
        .message = message,
        .session = session,
        .next = session->posted,
        .link = &session->posted,
    };
    posted->call.args = posted->args;
    if (posted->next)
        posted->next->link = &posted->next;
    session->posted = posted;
    return posted;
}

void kv_redis_publish(void *session_state, struct kv_message *message)
{
    struct kv_redis_session *session = session_state;
    struct kv_redis_posted *posted = new_posted(session, message);
    if (posted)
        kv_redis_submit(session->loop->cluster, &posted->call);
    else
        message->done(message, KV_UNAVAILABLE);
}

void kv_redis_messages_abandon(struct kv_redis_session *session)
{
    while (session->posted) {
        struct kv_redis_posted *posted = session->posted;
        struct kv_message *message = posted->message;
        if (!kv_redis_cancel(session->loop->cluster, &posted->call))
            session->loop->mouth.has_hole = true;
        free_posted(posted);
        message->done(message, KV_UNKNOWN);
    }
}

/* --- listening ------------------------------------------------------------------------------------- */

/* A publisher from which something has come. */
struct known {
    uint8_t id[KV_REDIS_PUBLISHER];
    uint64_t number; /* of its last message; 0: nobody is here */
    uint64_t heard;  /* when that came, in messages */
};

struct kv_redis_ear {
    struct redis_subscription subscription;
    struct kv_listener *listener;
    uint64_t heard; /* messages */
    size_t prefix_size;
    char pattern[PREFIX_MAX + 1];
    struct known known[SETS][WAYS];
};

/* Returns the publisher's place, or the place of the one of its set that was silent the longest, emptied. */
static struct known *find(struct kv_redis_ear *ear, const uint8_t id[KV_REDIS_PUBLISHER])
{
    struct known *set = ear->known[id[0] % SETS], *oldest = set;
    for (struct known *known = set; known < set + WAYS; known++) {
        if (known->number > 0 && memcmp(known->id, id, sizeof known->id) == 0)
            return known;
        if (known->heard < oldest->heard)
            oldest = known;
    }
    *oldest = (struct known){.number = 0};
    memcpy(oldest->id, id, sizeof oldest->id);
    return oldest;
}

/* Counts a message in. Returns false if it comes too late: it was told as missing, or has come already. */
static bool count_in(struct kv_redis_ear *ear, const uint8_t id[KV_REDIS_PUBLISHER],
                     uint64_t number)
{
    struct known *known = find(ear, id);
    bool is_new = known->number == 0;
    if (number <= known->number)
        return false;
    if (!is_new && number > known->number + 1)
        ear->listener->gap(ear->listener);
    known->number = number;
    known->heard = ++ear->heard;
    return true;
}

/* Takes the next value off *rest. Returns false if that is not whole. */
static bool next_value(struct weft_view *rest, struct weft_view *value)
{
    if (rest->size < SIZE_SIZE)
        return false;
    uint64_t size = get_number(rest->data, SIZE_SIZE);
    *rest = weft_view_skip(*rest, SIZE_SIZE);
    if (size > rest->size)
        return false;
    *value = weft_view(rest->data, (size_t)size);
    *rest = weft_view_skip(*rest, (size_t)size);
    return true;
}

/* Returns false if the payload is not one of ours. */
static bool is_whole(struct weft_view payload)
{
    struct weft_view value;
    if (payload.size <= HEAD_SIZE || payload.data[0] != VERSION)
        return false;
    payload = weft_view_skip(payload, HEAD_SIZE);
    while (payload.size > 0)
        if (!next_value(&payload, &value))
            return false;
    return true;
}

static void tell(const struct kv_redis_ear *ear, struct weft_view topic, struct weft_view rest)
{
    struct weft_view values[TOLD_TOGETHER];
    while (rest.size > 0) {
        size_t count = 0;
        while (count < TOLD_TOGETHER && rest.size > 0 && next_value(&rest, &values[count]))
            count++;
        ear->listener->message(ear->listener, topic, values, count);
    }
}

static void on_message(struct redis_subscription *subscription, struct weft_view channel,
                       struct weft_view payload)
{
    struct kv_redis_ear *ear = weft_container_of(subscription, struct kv_redis_ear, subscription);
    if (!is_whole(payload))
        return;
    const uint8_t *id = payload.data + 1;
    uint64_t number = get_number(id + KV_REDIS_PUBLISHER, 8);
    if (count_in(ear, id, number))
        tell(ear, weft_view_skip(channel, ear->prefix_size), weft_view_skip(payload, HEAD_SIZE));
}

/* Nobody knows what came from whom meanwhile. */
static void on_begun(struct redis_subscription *subscription)
{
    struct kv_redis_ear *ear = weft_container_of(subscription, struct kv_redis_ear, subscription);
    memset(ear->known, 0, sizeof ear->known);
    ear->listener->gap(ear->listener);
}

int kv_redis_listen(void *loop_state, struct kv_listener *listener)
{
    const struct kv_redis_loop *loop = loop_state;
    struct kv_redis_ear *ear = weft_calloc(1, sizeof *ear);
    if (!ear)
        return -ENOMEM;
    ear->listener = listener;
    ear->prefix_size = put_prefix(ear->pattern, loop);
    ear->pattern[ear->prefix_size] = '*';
    ear->subscription = (struct redis_subscription){
        .name = weft_view(ear->pattern, ear->prefix_size + 1),
        .is_pattern = true,
        .message = on_message,
        .begun = on_begun,
    };
    listener->state = ear;
    kv_redis_subscribe(loop->cluster, &ear->subscription);
    return 0;
}

void kv_redis_unlisten(void *loop_state, struct kv_listener *listener)
{
    const struct kv_redis_loop *loop = loop_state;
    struct kv_redis_ear *ear = listener->state;
    kv_redis_unsubscribe(loop->cluster, &ear->subscription);
    weft_free(ear);
}
