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
    PREFIX_MAX = 24,
    SETS = 256, /* of publishers that a listener knows */
    WAYS = 4,
    TOLD_TOGETHER = 64, /* values */
};

/* The slot by whose master all messages go. */
#define SLOT_KEY "weft:messages"

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

static void take_number(struct kv_redis_mouth *mouth)
{
    if (mouth->has_hole || mouth->number == 0) {
        randombytes_buf(mouth->id, sizeof mouth->id);
        mouth->number = 0;
        mouth->has_hole = false;
    }
    mouth->number++;
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
    struct kv_redis_mouth *mouth = &session->loop->mouth;
    char prefix[PREFIX_MAX];
    size_t head = put_prefix(prefix, session->loop), channel_size = head + message->topic.size;
    size_t size = kv_redis_payload_size(message->values, message->count);
    struct kv_redis_posted *posted = weft_malloc(sizeof *posted + channel_size + size);
    if (!posted)
        return NULL;
    uint8_t *channel = (uint8_t *)(posted + 1), *payload = channel + channel_size;
    memcpy(channel, prefix, head);
    if (message->topic.size > 0)
        memcpy(channel + head, message->topic.data, message->topic.size);
    take_number(mouth);
    kv_redis_payload_write(
        payload, &(struct kv_redis_payload){.publisher = mouth->id, .number = mouth->number},
        message->values, message->count);
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

static void tell(const struct kv_redis_ear *ear, struct weft_view topic, struct weft_view rest)
{
    struct weft_view values[TOLD_TOGETHER];
    while (rest.size > 0) {
        size_t count = 0;
        while (count < TOLD_TOGETHER && kv_redis_payload_next(&rest, &values[count]))
            count++;
        ear->listener->message(ear->listener, topic, values, count);
    }
}

/* Others may publish in our channels, too. */
static void on_message(struct redis_subscription *subscription, struct weft_view channel,
                       struct weft_view bytes)
{
    struct kv_redis_ear *ear = weft_container_of(subscription, struct kv_redis_ear, subscription);
    struct kv_redis_payload payload;
    if (kv_redis_payload_read(&payload, bytes) && count_in(ear, payload.publisher, payload.number))
        tell(ear, weft_view_skip(channel, ear->prefix_size), payload.values);
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
