/* SPDX-License-Identifier: MIT */
#include "reply.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "redis.h"

enum { ALIGNMENT = _Alignof(max_align_t), BUFFER_KEPT = 64 * 1024 };

static size_t aligned(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Makes an object and puts it into its array, if it is of one. */
static redisReply *make(const redisReadTask *task, size_t more)
{
    struct redis_reader *reader = task->privdata;
    redisReply *reply = weft_arena_alloc(&reader->arena, aligned(sizeof *reply) + more);

    if (!reply)
        return NULL;
    *reply = (redisReply){.type = task->type};
    if (task->parent) {
        redisReply *parent = task->parent->obj;
        parent->element[task->idx] = reply;
    }
    return reply;
}

static char *behind(redisReply *reply)
{
    return (char *)reply + aligned(sizeof *reply);
}

static void *make_string(const redisReadTask *task, char *text, size_t size)
{
    redisReply *reply = make(task, size + 1);

    if (!reply)
        return NULL;
    reply->str = behind(reply);
    reply->len = size;
    if (size > 0)
        memcpy(reply->str, text, size);
    reply->str[size] = '\0';
    return reply;
}

static void *make_array_of(const redisReadTask *task, size_t count)
{
    if (count > SIZE_MAX / sizeof(redisReply *) / 2)
        return NULL;
    redisReply *reply = make(task, count * sizeof(redisReply *));

    if (!reply)
        return NULL;
    reply->elements = count;
    if (count > 0) {
        reply->element = (redisReply **)(void *)behind(reply);
        memset(reply->element, 0, count * sizeof *reply->element);
    }
    return reply;
}

/* The type of the number has changed. */
#if HIREDIS_MAJOR >= 1
static void *make_array(const redisReadTask *task, size_t count)
{
    return make_array_of(task, count);
}
#else
static void *make_array(const redisReadTask *task, int count)
{
    return make_array_of(task, (size_t)count);
}
#endif

static void *make_integer(const redisReadTask *task, long long value)
{
    redisReply *reply = make(task, 0);

    if (reply)
        reply->integer = value;
    return reply;
}

static void *make_nil(const redisReadTask *task)
{
    redisReply *reply = make(task, 0);

    if (reply)
        reply->type = REDIS_REPLY_NIL;
    return reply;
}

/* The arena has them all. */
static void free_nothing(void *reply)
{
    (void)reply;
}

/* hiredis does not write to it, though it does not say so. */
static const redisReplyObjectFunctions functions = {
    .createString = make_string,
    .createArray = make_array,
    .createInteger = make_integer,
    .createNil = make_nil,
    .freeObject = free_nothing,
};

void kv_redis_reader_init(struct redis_reader *reader, size_t max)
{
    *reader = (struct redis_reader){.max = max};
    weft_arena_init(&reader->arena, max);
}

void kv_redis_reader_fini(struct redis_reader *reader)
{
    if (reader->reader)
        redisReaderFree(reader->reader);
    reader->reader = NULL;
    reader->is_read = false;
    weft_arena_fini(&reader->arena);
}

int kv_redis_reader_feed(struct redis_reader *reader, struct weft_view bytes)
{
    if (!reader->reader) {
        reader->reader =
            redisReaderCreateWithFunctions((redisReplyObjectFunctions *)(uintptr_t)&functions);
        if (!reader->reader)
            return -ENOMEM;
        reader->reader->privdata = reader;
        reader->reader->maxbuf = BUFFER_KEPT;
    }
    if (reader->reader->len - reader->reader->pos + bytes.size > reader->max)
        return WEFT_ETOOBIG;
    if (redisReaderFeed(reader->reader, (const char *)bytes.data, bytes.size) != REDIS_OK)
        return -ENOMEM;
    return 0;
}

int kv_redis_reader_next(struct redis_reader *reader, redisReply **reply)
{
    void *result = NULL;

    if (reader->is_read)
        weft_arena_reset(&reader->arena);
    reader->is_read = false;
    if (!reader->reader)
        return 0;
    if (redisReaderGetReply(reader->reader, &result) != REDIS_OK) {
        if (reader->arena.over_budget)
            return WEFT_ETOOBIG;
        return reader->reader->err == REDIS_ERR_PROTOCOL ? -EPROTO : -ENOMEM;
    }
    reader->is_read = result != NULL;
    *reply = result;
    return reader->is_read;
}

static size_t size_of(const redisReply *reply)
{
    size_t size = aligned(sizeof *reply);

    if (reply->str)
        size += aligned(reply->len + 1);
    size += aligned(reply->elements * sizeof *reply->element);
    for (size_t i = 0; i < reply->elements; i++)
        size += size_of(reply->element[i]);
    return size;
}

/* Copies a reply to *at, which moves behind it. */
static redisReply *copy_to(const redisReply *reply, char **at)
{
    redisReply *copy = (redisReply *)(void *)*at;

    *copy = *reply;
    *at += aligned(sizeof *copy);
    if (reply->str) {
        copy->str = *at;
        memcpy(copy->str, reply->str, reply->len + 1);
        *at += aligned(reply->len + 1);
    }
    if (reply->elements > 0) {
        copy->element = (redisReply **)(void *)*at;
        *at += aligned(reply->elements * sizeof *copy->element);
        for (size_t i = 0; i < reply->elements; i++)
            copy->element[i] = copy_to(reply->element[i], at);
    }
    return copy;
}

redisReply *kv_redis_reply_copy(const redisReply *reply)
{
    char *block = weft_malloc(size_of(reply));

    return block ? copy_to(reply, &block) : NULL;
}

redisReply *kv_redis_copy(struct weft_arena *arena, const redisReply *reply)
{
    char *block = weft_arena_alloc(arena, size_of(reply));

    return block ? copy_to(reply, &block) : NULL;
}
