/* SPDX-License-Identifier: MIT */
#include "disk_clock.h"

#include "core/base/compiler.h"

enum { TICK_MS = 100 }; /* between two times that a timer tells the writer the time */

int64_t kv_disk_tell_time(struct kv_disk_loop *loop)
{
    struct kv_disk *disk = loop->disk;
    int64_t now = weft_loop_wall(loop->port.loop);
    long long before = atomic_load_explicit(&disk->now, memory_order_relaxed);
    while (before < now && !atomic_compare_exchange_weak(&disk->now, &before, now))
        ;
    return now;
}

static void on_timer(struct weft_timer *timer)
{
    struct kv_disk_loop *loop = weft_container_of(timer, struct kv_disk_loop, timer);
    struct kv_disk *disk = loop->disk;
    if (atomic_load(&disk->next_expiry) <= kv_disk_tell_time(loop))
        kv_writer_wake(&disk->writer);
    kv_disk_arm(loop);
}

void kv_disk_arm(struct kv_disk_loop *loop)
{
    int64_t next = atomic_load_explicit(&loop->disk->next_expiry, memory_order_relaxed);
    if (next == INT64_MAX || (weft_timer_is_armed(&loop->timer) && loop->armed_for <= next))
        return;
    loop->armed_for = next;
    int64_t delay = next - weft_loop_wall(loop->port.loop);
    if (delay < TICK_MS)
        delay = TICK_MS;
    if (delay > INT64_MAX / 1000000)
        delay = INT64_MAX / 1000000;
    loop->timer.fire = on_timer;
    weft_loop_after(loop->port.loop, &loop->timer, delay * 1000000);
}
