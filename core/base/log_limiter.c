/* SPDX-License-Identifier: MIT
 *
 * A table of events with the lines that each has had in the current second. Events are few, and their lines are at
 * most a few thousand per second, so a table behind a lock is enough. */
#include <errno.h>
#include <pthread.h>

#include "log_private.h"
#include "mem.h"

/* Events beyond these share the last place, which then counts for all of them. */
enum { EVENTS_MAX = 64 };

struct event {
    const char *name; /* NULL: the place is free */
    int64_t second;
    uint64_t lines, left_out;
};

struct weft_log_limiter {
    pthread_mutex_t lock;
    uint64_t rate;
    struct event events[EVENTS_MAX];
};

int weft_log_limiter_new(struct weft_log_limiter **out, uint64_t rate)
{
    struct weft_log_limiter *limiter = weft_calloc(1, sizeof *limiter);

    *out = limiter;
    if (!limiter)
        return -ENOMEM;
    pthread_mutex_init(&limiter->lock, NULL);
    limiter->rate = rate;
    return 0;
}

void weft_log_limiter_free(struct weft_log_limiter *limiter)
{
    if (!limiter)
        return;
    pthread_mutex_destroy(&limiter->lock);
    weft_free(limiter);
}

void weft_log_limiter_set_rate(struct weft_log_limiter *limiter, uint64_t rate)
{
    pthread_mutex_lock(&limiter->lock);
    limiter->rate = rate;
    pthread_mutex_unlock(&limiter->lock);
}

static struct event *find(struct weft_log_limiter *limiter, const char *name)
{
    struct event *event = limiter->events;

    while (event < &limiter->events[EVENTS_MAX - 1] && event->name &&
           strcmp(event->name, name) != 0)
        event++;
    if (!event->name)
        event->name = name;
    return event;
}

bool weft__log_admit(struct weft_log_limiter *limiter, const char *name, int64_t now,
                     uint64_t *left_out)
{
    const int64_t second = now / 1000000000;

    *left_out = 0;
    if (!limiter)
        return true;
    pthread_mutex_lock(&limiter->lock);
    struct event *event = find(limiter, name);
    if (event->second != second) {
        *left_out = event->left_out;
        event->left_out = event->lines = 0;
        event->second = second;
    }
    bool admitted = limiter->rate == 0 || event->lines < limiter->rate;
    event->lines += admitted;
    event->left_out += !admitted;
    pthread_mutex_unlock(&limiter->lock);
    return admitted;
}

const char *weft__log_next_left_out(struct weft_log_limiter *limiter, int64_t now, bool last,
                                    uint64_t *left_out)
{
    const char *name = NULL;

    pthread_mutex_lock(&limiter->lock);
    for (struct event *event = limiter->events; !name && event < &limiter->events[EVENTS_MAX];
         event++) {
        if (event->left_out == 0 || (!last && event->second == now / 1000000000))
            continue;
        name = event->name;
        *left_out = event->left_out;
        event->left_out = 0;
    }
    pthread_mutex_unlock(&limiter->lock);
    return name;
}
