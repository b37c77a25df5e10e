/* SPDX-License-Identifier: MIT */
#include "mob.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "arsenal.h"
#include "clock.h"

enum { PAIRS = 300000, PAUSE_MS = 20 };

/* Beyond a deadline: what a busy machine and a sanitizer may add. */
#define GRACE   (20 * CLOCK_SECOND)
#define TENDING (CLOCK_SECOND / 2)

void mob_arsenal_init(struct mob_arsenal *arsenal)
{
    arsenal->bomb = arsenal_bomb();
    arsenal->zeros = arsenal_zeros();
    arsenal->pairs = arsenal_pairs(PAIRS);
}

void mob_arsenal_fini(struct mob_arsenal *arsenal)
{
    wire_free(&arsenal->bomb);
    wire_free(&arsenal->zeros);
    wire_free(&arsenal->pairs);
}

/* After all that the peer said. */
static bool has_ended(int fd)
{
    char bytes[65536];
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        ;
    return n == 0 || errno != EAGAIN;
}

/* Judges without reading, for a peer that never reads. An end may go unseen. */
static bool seems_ended(int fd)
{
    struct pollfd poller = {.fd = fd, .events = POLLRDHUP};
    return poll(&poller, 1, 0) > 0;
}

static void unpark(struct mob_parked *parked)
{
    if (parked->fd >= 0)
        close(parked->fd);
    parked->fd = -1;
}

void mob_park(struct mob *mob, int fd, bool ends, bool trickles)
{
    struct mob_parked *parked = &mob->parked[mob->next_parked++ % MOB_PARKED];
    unpark(parked);
    *parked = (struct mob_parked){
        .fd = fd,
        .trickles = trickles,
        .deadline = ends ? clock_now() + mob->timeout + GRACE : 0,
    };
}

static void tend_one(struct mob *mob, struct mob_parked *parked, int64_t now)
{
    /* It fails once the server has ended the connection. */
    if (parked->trickles)
        (void)!send(parked->fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    bool late = parked->deadline != 0 && now > parked->deadline;
    if (late && !has_ended(parked->fd) && mob->failure[0] == '\0')
        snprintf(mob->failure, sizeof mob->failure, "a connection outlived its deadline");
    if (late || seems_ended(parked->fd))
        unpark(parked);
}

static void tend(struct mob *mob)
{
    int64_t now = clock_now();
    if (now < mob->next_tending)
        return;
    mob->next_tending = now + TENDING;
    for (size_t i = 0; i < MOB_PARKED; i++) {
        if (mob->parked[i].fd >= 0)
            tend_one(mob, &mob->parked[i], now);
    }
}

static size_t choose(struct mob *mob)
{
    const struct attack *all = attacks();
    size_t sum = 0, i = 0;
    for (size_t k = 0; all[k].name; k++)
        sum += all[k].weight;
    size_t left = test_random_below(&mob->random, sum);
    for (; left >= all[i].weight; i++)
        left -= all[i].weight;
    return i;
}

static void *run(void *arg)
{
    struct mob *mob = arg;
    while (!atomic_load(mob->stop)) {
        size_t chosen = choose(mob);
        const char *wrong = attacks()[chosen].run(mob);
        mob->thrown[chosen]++;
        if (wrong && mob->failure[0] == '\0')
            snprintf(mob->failure, sizeof mob->failure, "%s: %s (at %.64s or %.64s)",
                     attacks()[chosen].name, wrong, mob->gzip_url, mob->raw_url);
        tend(mob);
        clock_pause((int64_t)test_random_below(&mob->random, PAUSE_MS * CLOCK_MS));
    }
    for (size_t i = 0; i < MOB_PARKED; i++)
        unpark(&mob->parked[i]);
    return NULL;
}

void mob_start(struct mob *mob)
{
    for (size_t i = 0; i < MOB_PARKED; i++)
        mob->parked[i].fd = -1;
    int error = pthread_create(&mob->thread, NULL, run, mob);
    if (error != 0)
        errx(1, "cannot make a thread: %s", strerror(error));
}

void mob_join(struct mob *mob)
{
    pthread_join(mob->thread, NULL);
}
