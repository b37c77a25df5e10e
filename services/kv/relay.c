/* SPDX-License-Identifier: MIT */
#include "relay.h"

#include "core/base/compiler.h"
#include "feed.h"
#include "packed.h"

static bool are_values(const struct weft_view *values, size_t count)
{
    struct kv_unpacked ignored;
    for (size_t i = 0; i < count; i++)
        if (!kv_unpack(values[i], &ignored))
            return false;
    return true;
}

/* A message whose parts are no packed values is of some other program, and is dropped. */
static void on_message(struct kv_listener *listener, struct weft_view topic,
                       const struct weft_view *values, size_t count)
{
    const struct kv_relay *self = weft_container_of(listener, struct kv_relay, listener);
    uint64_t receivers;
    if (are_values(values, count) &&
        kv_feed_publish(self->feed, topic, values, count, &receivers) < 0)
        kv_feed_lose(self->feed);
}

static void on_gap(struct kv_listener *listener)
{
    kv_feed_lose(weft_container_of(listener, struct kv_relay, listener)->feed);
}

int kv_relay_start(struct kv_relay *self, const struct kv_store *store, void *store_loop,
                   struct kv_feed_loop *feed)
{
    if (self->feed || !(store->flags & KV_STORE_MESSAGES))
        return 0;
    *self = (struct kv_relay){.listener = {.message = on_message, .gap = on_gap},
                              .store = store,
                              .store_loop = store_loop,
                              .feed = feed};
    int err = store->listen(store_loop, &self->listener);
    if (err < 0)
        self->feed = NULL;
    return err;
}

void kv_relay_stop(struct kv_relay *self)
{
    if (!self->feed)
        return;
    self->store->unlisten(self->store_loop, &self->listener);
    self->feed = NULL;
}
