/* SPDX-License-Identifier: MIT */
#include "floods.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

enum { THREADS = 8, ATTACKERS = 1000, PATIENCE_MS = 30000 };

/* --- a connection ------------------------------------------------------------------------------------- */

int flood_connect(const struct world *world, unsigned url)
{
    char address[128];
    const char *at = strstr(world->server.urls[url], "//");
    snprintf(address, sizeof address, "tcp:%.100s", at ? at : "");
    return wire_connect(address);
}

bool flood_is_ended(int fd)
{
    static _Thread_local uint8_t heard[65536];
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    for (;;) {
        ssize_t n = recv(fd, heard, sizeof heard, 0);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return true;
        if (n < 0 && (errno != EAGAIN || poll(&poller, 1, PATIENCE_MS) <= 0))
            return false;
    }
}

bool flood_stand_back(void)
{
    const struct sched_param none = {0};
    return sched_setscheduler(0, SCHED_IDLE, &none) == 0;
}

/* --- a thousand of them ------------------------------------------------------------------------------- */

/* The bytes of each connection. Set while no thread runs. */
static struct {
    struct bytes begin, again;
    unsigned url;
    bool behaves;
} plan;

/* Returns true once the server has closed the connection. What it says is not looked at, so the client hears of the end when
 * nothing can be sent any more. */
static bool flood(int fd)
{
    int result = wire_send(fd, plan.begin.data, plan.begin.size);
    while (result == 0)
        result = wire_send(fd, plan.again.data, plan.again.size);
    return result == -EPIPE || result == -ECONNRESET;
}

static bool behave(int fd)
{
    if (wire_send(fd, plan.begin.data, plan.begin.size) < 0 ||
        wire_send(fd, plan.again.data, plan.again.size) < 0)
        return false;
    wire_shutdown(fd);
    return flood_is_ended(fd);
}

static bool connect_often(struct world *world)
{
    int ended = 0;
    if (!flood_stand_back())
        return false;
    for (int i = 0; i < ATTACKERS / THREADS; i++) {
        int fd = flood_connect(world, plan.url);
        if (fd < 0)
            return false;
        ended += plan.behaves ? behave(fd) : flood(fd);
        close(fd);
    }
    return ended == ATTACKERS / THREADS;
}

struct outcome {
    bool well;    /* all were closed, and the good client was served */
    double p99;   /* milliseconds, of the good client meanwhile */
    double grown; /* MiB, at most */
    double cpu;   /* milliseconds of kvs for each connection, the good client's share included */
};

/* Has a thousand connections do as planned, or none for a second. */
static struct outcome try(const struct flood_setup *setup, bool has_connections)
{
    struct world world;
    unsigned done = THREADS;
    world_start(&world, setup->options);
    if (has_connections)
        done = parallel(THREADS, connect_often, &world);
    else
        clock_pause(CLOCK_SECOND);
    const struct server_usage usage = server_usage(&world.server);
    struct outcome outcome = {
        .grown = (double)world_highest_grown(&world) / (1 << 20),
        .cpu = (double)(usage.cpu_ns - world.before.cpu_ns) / 1e6 / ATTACKERS,
    };
    outcome.well = world_stop(&world) == 0 && !world.probe.failed && done == THREADS;
    outcome.p99 = (double)cli_histogram_quantile(&world.probe.latency, 99000) / 1e6;
    server_fini(&world.server);
    return outcome;
}

static struct outcome try_plan(const struct flood_setup *setup, void (*begin)(struct bytes *out),
                               void (*put)(struct bytes *out))
{
    memset(&plan, 0, sizeof plan);
    plan.url = setup->url;
    plan.behaves = put == setup->behave;
    if (setup->begin)
        setup->begin(&plan.begin);
    if (begin)
        begin(&plan.begin);
    put(&plan.again);
    struct outcome outcome = try(setup, true);
    bytes_fini(&plan.begin);
    bytes_fini(&plan.again);
    return outcome;
}

/* --- the row ------------------------------------------------------------------------------------------ */

/* Keeps the lowest of each time, since what else the machine does can only add to that of a second, and the most of the
 * memory. */
static void fold(struct outcome *into, struct outcome outcome)
{
    into->well &= outcome.well;
    if (outcome.p99 < into->p99)
        into->p99 = outcome.p99;
    if (outcome.cpu < into->cpu)
        into->cpu = outcome.cpu;
    if (outcome.grown > into->grown)
        into->grown = outcome.grown;
}

bool flood_in_turn(const struct flood_setup *setup, const struct flood *flood)
{
    enum { ROUNDS = 5 };
    const struct outcome none = {.well = true, .p99 = 1e9, .cpu = 1e9};
    struct outcome alone = none, usual = none, got = none;
    for (int i = 0; i < ROUNDS; i++) {
        fold(&alone, try(setup, false));
        fold(&usual, try_plan(setup, NULL, setup->behave));
        fold(&got, try_plan(setup, flood->begin, flood->put));
    }
    bool well = alone.well && usual.well && got.well;
    return row(flood->name, well && got.p99 <= 2 * usual.p99 && got.grown <= 2,
               "1,000 connections, 8 at once: each closed, memory grows by 2 MiB at most, and the "
               "good client's p99 is "
               "at most twice that beside as many of 100 calls",
               "%s; memory grew by %.1f MiB; p99 %.3f ms, beside calls %.3f ms (ratio %.2f), alone "
               "%.3f ms (%.2f); CPU of "
               "kvs %.3f ms a connection, with calls %.3f ms",
               well ? "all closed" : "not all closed", got.grown, got.p99, usual.p99,
               got.p99 / usual.p99, alone.p99, got.p99 / alone.p99, got.cpu, usual.cpu);
}
