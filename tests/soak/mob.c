/* SPDX-License-Identifier: MIT */
#include "soak/mob.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "soak/arsenal.h"
#include "soak/clock.h"

enum { PAIRS = 300000, PAUSE_MS = 20 };

/* Beyond a deadline: what a busy machine and a sanitizer may add. */
#define GRACE (20 * CLOCK_SECOND)

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

static bool has_ended(int fd)
{
    char bytes[65536];
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        ;
    return n == 0 || errno != EAGAIN;
}

static void unpark(struct mob *mob, struct mob_parked *parked)
{
    if (parked->fd < 0)
        return;
    if (clock_now() - parked->since > mob->deadline + GRACE && !has_ended(parked->fd) &&
        mob->failure[0] == '\0')
        snprintf(mob->failure, sizeof mob->failure, "a connection outlived its deadline");
    close(parked->fd);
    parked->fd = -1;
}

void mob_park(struct mob *mob, int fd, bool trickles)
{
    struct mob_parked *parked = &mob->parked[mob->next_parked++ % MOB_PARKED];
    unpark(mob, parked);
    *parked = (struct mob_parked){.fd = fd, .trickles = trickles, .since = clock_now()};
}

static void trickle(struct mob *mob)
{
    for (size_t i = 0; i < MOB_PARKED; i++) {
        const struct mob_parked *parked = &mob->parked[i];
        /* It fails once the server has ended the connection. */
        if (parked->fd >= 0 && parked->trickles)
            (void)!send(parked->fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
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
            snprintf(mob->failure, sizeof mob->failure, "%s: %s", attacks()[chosen].name, wrong);
        trickle(mob);
        clock_pause((int64_t)test_random_below(&mob->random, PAUSE_MS * CLOCK_MS));
    }
    for (size_t i = 0; i < MOB_PARKED; i++)
        unpark(mob, &mob->parked[i]);
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
