/* SPDX-License-Identifier: MIT */
#include "outcome.h"

#include "services/kv/update.h"

/* An error of a node. The first words of the text say which it is; a script of Redis 6 has words of its own before them. */
static bool says(const redisReply *reply, const char *words)
{
    return strstr(reply->str, words) != NULL;
}

static enum kv_outcome outcome_of_error(const struct kv_redis_part *part)
{
    /* A node refuses with these before anything of a command or script takes effect. */
    static const char *const at_present[] = {"MISCONF",    "NOREPLICAS",  "LOADING",  "BUSY",
                                             "MASTERDOWN", "CLUSTERDOWN", "READONLY", "TRYAGAIN",
                                             "MOVED",      "ASK",         "NOSCRIPT"};
    static const char *const for_good[] = {"WRONGTYPE", "NOPERM", "NOAUTH", "unknown command"};
    if (says(part->reply, "OOM command not allowed"))
        return KV_FULL;
    for (size_t i = 0; i < sizeof at_present / sizeof *at_present; i++)
        if (says(part->reply, at_present[i]))
            return KV_UNAVAILABLE;
    for (size_t i = 0; i < sizeof for_good / sizeof *for_good; i++)
        if (says(part->reply, for_good[i]))
            return KV_FAILED;
    return part->call.write ? KV_UNKNOWN : KV_FAILED;
}

enum kv_outcome kv_redis_part_outcome(const struct kv_redis_part *part, enum kv_redis_wants wants)
{
    if (part->outcome == REDIS_UNAVAILABLE)
        return KV_UNAVAILABLE;
    if (part->outcome == REDIS_UNKNOWN)
        return KV_UNKNOWN;
    if (part->reply->type == REDIS_REPLY_ERROR)
        return outcome_of_error(part);
    int type = wants == KV_REDIS_WANTS_ARRAY ? REDIS_REPLY_ARRAY : REDIS_REPLY_INTEGER;
    if (wants == KV_REDIS_WANTS_ANY || part->reply->type == type)
        return KV_DONE;
    return part->call.write ? KV_UNKNOWN : KV_FAILED;
}

enum kv_outcome kv_redis_job_outcome(const struct kv_redis_job *job, enum kv_redis_wants wants)
{
    enum kv_outcome failure = KV_DONE;
    bool applied = job->applied;
    for (size_t i = 0; i < job->next_part; i++) {
        const struct kv_redis_part *part = &job->parts[i];
        if (part->skip)
            continue;
        enum kv_outcome outcome = kv_redis_part_outcome(part, wants);
        if (part->call.write && (outcome == KV_DONE || outcome == KV_UNKNOWN))
            applied = true;
        if (failure == KV_DONE)
            failure = outcome;
    }
    return failure != KV_DONE && applied ? KV_UNKNOWN : failure;
}

void kv_redis_find(struct kv_item *item, const redisReply *reply, int64_t now)
{
    struct weft_view field;
    struct kv_redis_value value;
    item->present = false;
    if (!kv_redis_field_of(reply, &field))
        return;
    kv_redis_read_value(field, &value);
    if (kv_has_expired(value.expires, now))
        return;
    item->present = true;
    item->found = (struct kv_value){.bytes = value.bytes};
    item->found_expires = value.expires;
}
