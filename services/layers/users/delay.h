/* SPDX-License-Identifier: MIT
 *
 * A guesser of passwords waits longer after each wrong one. Failures are counted by the address from which they
 * come, whatever its connections and users; so a guesser locks out no user, but perhaps its own neighbours. */
#ifndef USERS_DELAY_H
#define USERS_DELAY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    USERS_DELAY_SLOTS = 1024, /* addresses, by a hash; two may share one */
    USERS_DELAY_PENDING = 8   /* secrets that are looked at at once of an address that has failed */
};

struct users_delays {
    pthread_mutex_t lock;
    uint8_t key[16];
    struct users_delay {
        uint32_t failures, pending;
        int64_t last; /* when the last failure was, in nanoseconds of the loops' clock */
    } slots[USERS_DELAY_SLOTS];
};

void users_delays_init(struct users_delays *delays);
void users_delays_fini(struct users_delays *delays);

/* Notes that a secret from an address will be looked at. `address` is the peer's, and its port does not count.
 * False: USERS_DELAY_PENDING are, and the address has failed in the last minute. */
bool users_delays_begin(struct users_delays *delays, const char *address, int64_t now);
/* Notes that it was, and is answered. */
void users_delays_end(struct users_delays *delays, const char *address);

/* Counts a failure. Returns after how many nanoseconds to answer: 50 ms, twice as many after each further one,
 * at most 2 s. A minute without a failure forgets them. */
int64_t users_delays_fail(struct users_delays *delays, const char *address, int64_t now);

#endif
