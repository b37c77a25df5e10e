/* SPDX-License-Identifier: MIT
 *
 * The check before a start, on a loop of its own that is gone afterwards. */
#include <errno.h>

#include "core/base/compiler.h"
#include "core/loop.h"
#include "shared.h"

enum { DESCRIPTORS = 16384, WORDS = 2 };

struct check {
    struct redis_call call;
    struct weft_view words[WORDS];
    bool is_over, failed;
};

static void on_done(struct redis_call *call, enum redis_outcome outcome, const redisReply *reply)
{
    struct check *check = weft_container_of(call, struct check, call);

    (void)reply;
    check->is_over = true;
    check->failed = outcome != REDIS_ANSWERED;
}

/* Asks for a key, so that a cluster whose slots are not served fails, too. */
static int run(struct redis_shared *shared, struct weft_loop *loop, struct check *check)
{
    static const char key[] = "{weft:tables:0}";
    const struct redis_hooks hooks = {0};
    struct redis_cluster *cluster;
    int err = kv_redis_start(&cluster, shared, loop, &hooks);

    if (err < 0)
        return err;
    check->words[0] = weft_view_str("EXISTS");
    check->words[1] = weft_view_str(key);
    check->call = (struct redis_call){.args = check->words,
                                      .count = WORDS,
                                      .slot = (int)kv_redis_slot(check->words[1]),
                                      .done = on_done};
    kv_redis_submit(cluster, &check->call);
    while (!check->is_over)
        weft_loop_turn(loop);
    kv_redis_stop(cluster);
    return 0;
}

static int judge(const struct redis_shared *shared, const struct check *check,
                 struct weft_error *error)
{
    if (!check->failed)
        return 0;
    return weft_error_set(error, -EHOSTUNREACH,
                          "%s store: no node serves (%s); start them, or correct --store",
                          kv_redis_store_name(shared), shared->trouble);
}

int kv_redis_check(struct redis_shared *shared, struct weft_error *error)
{
    char trouble[REDIS_TROUBLE_MAX] = "none answers";
    struct check check = {.is_over = false};
    struct weft_loop *loop;
    int err = weft_loop_new(&loop, DESCRIPTORS);

    shared->trouble = trouble;
    if (err == 0) {
        err = run(shared, loop, &check);
        weft_loop_free(loop);
    }
    err = err < 0 ? weft_error_set(error, err, "%s store: %s", kv_redis_store_name(shared),
                                   weft_strerror(err))
                  : judge(shared, &check, error);
    shared->trouble = NULL;
    return err;
}
