/* SPDX-License-Identifier: MIT */
#include "replies.h"

#include <errno.h>

#include "services/kv/client/message.h"

void cli_bench_replies_init(struct cli_bench_replies *replies,
                            const struct cli_bench_values *values, size_t budget)
{
    *replies = (struct cli_bench_replies){.values = values};
    weft_arena_init(&replies->arena, budget);
}

void cli_bench_replies_fini(struct cli_bench_replies *replies)
{
    weft_arena_fini(&replies->arena);
}

/* Keeps a right reply's bytes, with which the command's next ones are compared. `tail` may differ: it is
 * the value, if that comes last. */
static void remember(struct cli_bench_shape *shape, struct weft_view payload, struct weft_view tail)
{
    size_t head_size = payload.size - tail.size;
    if (head_size > sizeof shape->head ||
        (tail.size > 0 && tail.data + tail.size != payload.data + payload.size))
        return;
    shape->size = payload.size;
    shape->head_size = head_size;
    memcpy(shape->head, payload.data, head_size);
}

static enum cli_bench_verdict say(struct cli_bench_replies *replies, enum cli_bench_verdict verdict,
                                  const char *why)
{
    (void)weft_error_set(&replies->why, WEFT_EMALFORMED, "%s", why);
    return verdict;
}

static enum cli_bench_verdict say_wrong(struct cli_bench_replies *replies, const char *why)
{
    return say(replies, CLI_BENCH_WRONG, why);
}

static enum cli_bench_verdict judge_status(struct cli_bench_replies *replies,
                                           enum cli_bench_command command,
                                           const struct weft_kv_reply *reply)
{
    replies->status = reply->status;
    if (reply->status == 404 && command == CLI_BENCH_HGET && replies->may_miss)
        return CLI_BENCH_MISS;
    /* Cleaned, as it is a peer's. */
    (void)weft_error_set(&replies->why, WEFT_EMALFORMED, "%u %.*s", reply->status,
                         (int)(reply->message.size < 400 ? reply->message.size : 400),
                         (const char *)reply->message.data);
    return CLI_BENCH_REFUSED;
}

static enum cli_bench_verdict judge_presence(struct cli_bench_replies *replies,
                                             const struct weft_kv_value *value,
                                             struct weft_view payload)
{
    if (value->type != WEFT_KV_BOOL)
        return say_wrong(replies, "not a bool");
    if (value->boolean) {
        remember(&replies->shapes[CLI_BENCH_HEXIST], payload, weft_view(NULL, 0));
        return CLI_BENCH_RIGHT;
    }
    return replies->may_miss ? CLI_BENCH_MISS
                             : say_wrong(replies, "false for a key that was stored");
}

static enum cli_bench_verdict judge_value(struct cli_bench_replies *replies,
                                          enum cli_bench_command command,
                                          const struct cli_bench_key *key,
                                          const struct weft_kv_value *value,
                                          struct weft_view payload)
{
    if (value->type == cli_bench_values_type(replies->values) &&
        cli_bench_value_is(replies->values, key, value->bytes)) {
        remember(&replies->shapes[command], payload, value->bytes);
        return CLI_BENCH_RIGHT;
    }
    if (command == CLI_BENCH_HSET && replies->any_old)
        return CLI_BENCH_RIGHT;
    if (value->type == WEFT_KV_EMPTY && command != CLI_BENCH_HGET && replies->may_miss)
        return CLI_BENCH_MISS;
    return say_wrong(replies, "another value than was stored");
}

static enum cli_bench_verdict judge(struct cli_bench_replies *replies,
                                    enum cli_bench_command command, const struct cli_bench_key *key,
                                    struct weft_view payload)
{
    struct weft_kv_reply reply;
    const char *why;
    replies->status = 0;
    int err = weft__kv_reply_read(&reply, payload, &replies->arena, &why);
    if (err < 0)
        return say(replies, err == -ENOMEM ? CLI_BENCH_UNREAD : CLI_BENCH_WRONG, why);
    if (reply.status != 200)
        return judge_status(replies, command, &reply);
    if (reply.value_count != 1)
        return say_wrong(replies, "not one value");
    if (command == CLI_BENCH_HEXIST)
        return judge_presence(replies, reply.values, payload);
    return judge_value(replies, command, key, reply.values, payload);
}

enum cli_bench_verdict cli_bench_reply_check(struct cli_bench_replies *replies,
                                             enum cli_bench_command command,
                                             const struct cli_bench_key *key,
                                             struct weft_view payload)
{
    const struct cli_bench_shape *shape = &replies->shapes[command];
    if (payload.size == shape->size && payload.size > 0 &&
        memcmp(payload.data, shape->head, shape->head_size) == 0 &&
        (shape->head_size == shape->size ||
         cli_bench_value_is(replies->values, key, weft_view_skip(payload, shape->head_size))))
        return CLI_BENCH_RIGHT;
    enum cli_bench_verdict verdict = judge(replies, command, key, payload);
    weft_arena_reset(&replies->arena);
    return verdict;
}
