/* SPDX-License-Identifier: MIT */
#include "soak/mob.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "soak/clock.h"
#include "soak/kv_frames.h"

enum { ZEROS = 32 << 20, PAIRS = 300000, PAUSE_MS = 20 };

/* Beyond a deadline: what a busy machine and a sanitizer may add. */
#define GRACE (20 * CLOCK_SECOND)

static void frame(struct wire_bytes *dst, struct wire_bytes payload, uint32_t flag)
{
    dst->size = payload.size + 4;
    dst->data = malloc(dst->size);
    if (!dst->data || !payload.data)
        errx(1, "out of memory");
    wire_header(dst->data, (uint32_t)payload.size | flag);
    memcpy(dst->data + 4, payload.data, payload.size);
}

static void make_zeros(struct wire_bytes *dst)
{
    uint8_t *zeros = calloc(1, ZEROS);
    if (!zeros)
        errx(1, "out of memory");
    struct wire_bytes member = wire_deflate(zeros, ZEROS);
    frame(dst, member, UINT32_C(0x80000000));
    wire_free(&member);
    free(zeros);
}

static void make_pairs(struct wire_bytes *dst)
{
    struct bytes pairs = {0}, message = {0};
    for (int i = 0; i < PAIRS; i++)
        bytes_put(&pairs, "\x12\x00", 2);
    put_request(&message, KV_HMSET, "pairs", &pairs);
    frame(dst, (struct wire_bytes){message.data, message.size}, 0);
    bytes_fini(&pairs);
    bytes_fini(&message);
}

void mob_arsenal_init(struct mob_arsenal *arsenal, const char *bomb_path)
{
    arsenal->bomb = wire_from_file(bomb_path);
    if (!arsenal->bomb.data)
        errx(1, "cannot read %s", bomb_path);
    make_zeros(&arsenal->zeros);
    make_pairs(&arsenal->pairs);
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
