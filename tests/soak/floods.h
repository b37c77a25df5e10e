/* SPDX-License-Identifier: MIT
 *
 * Clients that flood, for the scenarios of each protocol that carries many streams: each of a thousand connections, eight
 * at once, sends one kind of frame without end until the server has closed it. The measure is the latency of the good
 * client (world.h) meanwhile, beside that while as many connections behave well, and while there are none. */
#ifndef SOAK_FLOODS_H
#define SOAK_FLOODS_H

#include "kv_frames.h"
#include "world.h"

struct flood {
    const char *name;
    void (*begin)(struct bytes *out); /* what a connection sends once; NULL: nothing */
    void (*put)(struct bytes *out);   /* what it sends again and again behind that */
};

struct flood_setup {
    const char *const *options;       /* of kvs, ended by NULL */
    unsigned url;                     /* which of its URLs is flooded */
    void (*begin)(struct bytes *out); /* what each connection begins with; NULL: nothing */
    /* The 100 calls of a connection that behaves well, which then ends its side and reads the answers. */
    void (*behave)(struct bytes *out);
};

/* Makes one flood, and prints its row. Returns true if the goals are met. */
bool flood_in_turn(const struct flood_setup *setup, const struct flood *flood);

/* Connects to one of the server's URLs whose stream is TCP. Returns a descriptor, or -errno. */
int flood_connect(const struct world *world, unsigned url);

/* Reads until the server ends the connection. Returns false if that has not come after half a minute. */
bool flood_is_ended(int fd);

/* Takes the CPU for this thread only when neither kvs nor the good client needs it, as if it were on a machine of its
 * own. Returns false if the system refuses. */
bool flood_stand_back(void);

#endif
