/* SPDX-License-Identifier: MIT
 *
 * The trail of a store: its newest changes in a bounded amount of memory, and those who follow them. Stores make
 * follow, next_change and unfollow (store.h) from it.
 *
 * A trail is off until somebody follows. A writer that finds it off pays for one load. It is on from the first follower
 * until the last has left and so many changes have come since then as it has memory for: until then a follower may
 * come back and go on where it was.
 *
 * A loop writes a change to the trail with the locks of the store held, before the change takes effect, so the order of
 * one key's changes is that in which they take effect. Followers see the change when the turn of that loop has
 * ended, and so does a follower that began in between. So whoever begins to follow and then reads the store has missed
 * nothing. A writer that looked before the trail came on, and does its change where readers need not wait for it, asks
 * kv_trail_came_on afterwards and calls kv_trail_lose if so. */
#ifndef KV_TRAIL_H
#define KV_TRAIL_H

#include <pthread.h>
#include <stdatomic.h>

#include "services/kv/store.h"

struct kv_trail_chunk;
struct kv_trail_follower;

struct kv_trail {
    size_t limit;      /* bytes of memory; 0: nobody may follow */
    atomic_uint turns; /* how often the trail came on or went off; odd: it is on */
    pthread_mutex_t lock;

    /* Under the lock. */
    struct kv_trail_port *ports;
    struct kv_trail_chunk *first, *newest;
    size_t bytes;  /* of all chunks */
    uint64_t last; /* the number of the last change */
    uint64_t
        reserved; /* changes up to this number can be read and may come; 0: none but those up to `last` */
    uint64_t forgotten; /* changes up to this number are not kept */
    size_t followers;
    size_t unread; /* bytes written since the last follower left */
};

/* One loop's part. */
struct kv_trail_port {
    struct kv_trail *trail;
    struct weft_loop *loop;
    atomic_bool *flag; /* set while the trail is on; NULL: none */
    bool flag_off;     /* the flag's value while it is off */
    struct kv_trail_port *next;

    /* Written by the loop's thread, under the lock. */
    uint64_t
        pending;    /* the first change of this loop that is not to be seen yet; 0: there is none */
    size_t waiting; /* followers whose next_change has returned 0 */
    bool posted;    /* under the lock */

    /* For the loop's thread. */
    bool hooked;
    struct weft_turn_hook hook;
    struct weft_post post;
    struct kv_trail_follower *followers, *visited;
};

/* The option of a store: {"changes", "SIZE", ...}. Sets *limit from it, or to the default. Returns 0, or WEFT_ECONFIG with
 * one line in *error. */
#define KV_TRAIL_OPTION                                                                            \
    {                                                                                              \
        "changes", "SIZE", "memory for changes that followers have not read yet, or 0 (64MiB)"     \
    }
WEFT_MUST_USE int kv_trail_option(size_t *limit, const struct weft_option_set *set,
                                  struct weft_error *error);

/* Sets up a trail, which is off. Returns 0 or -errno. */
WEFT_MUST_USE int kv_trail_init(struct kv_trail *trail, size_t limit);
/* All ports have left. */
void kv_trail_fini(struct kv_trail *trail);

/* A loop joins before it runs and leaves after it has ended. The port stays in place meanwhile. flag, if not NULL, is true
 * while the trail is on, and flag_off otherwise; join sets it. */
void kv_trail_join(struct kv_trail *trail, struct kv_trail_port *port, struct weft_loop *loop,
                   atomic_bool *flag, bool flag_off);
void kv_trail_leave(struct kv_trail_port *port);

/* Returns a number that is odd while the trail is on. */
static inline unsigned kv_trail_turns(const struct kv_trail *trail)
{
    return atomic_load(&((struct kv_trail *)(uintptr_t)trail)->turns);
}

static inline bool kv_trail_is_on(const struct kv_trail *trail)
{
    return kv_trail_turns(trail) & 1;
}

/* True if the trail came on since it had this number of turns, so that a change may be missing in it. */
static inline bool kv_trail_came_on(const struct kv_trail *trail, unsigned turns)
{
    unsigned now = kv_trail_turns(trail);
    return now != turns && (now & 1);
}

/* Writes a change, and gives it a number. Does nothing if the trail is off. It is seen when the turn of the port's loop
 * ends. Called on the loop's thread; port NULL: any thread may call it, the change is seen at once, and the caller
 * calls kv_trail_notify when it has written all. If there is no memory, all followers lose their place. */
void kv_trail_add(struct kv_trail *trail, struct kv_trail_port *port,
                  const struct kv_change *change);
/* Does so for all changes of an operation, between which no other change comes. begin returns false if the trail is off:
 * then nothing is put. Otherwise put is called at least once, with `more` set in all changes but the last, and then end.
 * The trail's lock is held from begin to end. */
WEFT_MUST_USE bool kv_trail_begin(struct kv_trail *trail);
void kv_trail_put(struct kv_trail *trail, struct kv_trail_port *port,
                  const struct kv_change *change);
void kv_trail_end(struct kv_trail *trail, struct kv_trail_port *port);
/* For a writer whose changes can be read before it writes them to the trail without a port: reserve is called before that
 * with the most changes that may come, and notify when all were written. */
void kv_trail_reserve(struct kv_trail *trail, size_t count);
/* Wakes the followers that wait. Any thread. */
void kv_trail_notify(struct kv_trail *trail);

/* A change may be missing in the trail: all followers lose their place. Any thread. */
void kv_trail_lose(struct kv_trail *trail);

/* The slots of a store. */
WEFT_MUST_USE int kv_trail_follow(struct kv_trail_port *port, struct kv_follow *follow);
void kv_trail_unfollow(struct kv_follow *follow);
int kv_trail_next(struct kv_follow *follow, struct kv_change *change);

#endif
