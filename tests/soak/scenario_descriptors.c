/* SPDX-License-Identifier: MIT
 *
 * kvs runs out of descriptors: prlimit(2) takes them away from it while it serves. */
#include <err.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "world.h"

enum { LEFT = 50, COMERS = 100, SECONDS = 2 };

/* hexist. */
static const struct wire_bytes question = {
    .data = (uint8_t[]){0, 0, 0, 8, 0x42, 6, 0x0a, 1, 't', 0x12, 1, 'k'}, .size = 12};

static void limit_descriptors(const struct world *world)
{
    rlim_t most = server_usage(&world->server).descriptors + LEFT;
    const struct rlimit limit = {.rlim_cur = most, .rlim_max = most};
    if (prlimit(world->server.pid, RLIMIT_NOFILE, &limit, NULL) < 0)
        err(1, "prlimit");
}

static double cpu_percent(const struct world *world)
{
    uint64_t begin = server_usage(&world->server).cpu_ns;
    clock_pause(SECONDS * CLOCK_SECOND);
    return (double)(server_usage(&world->server).cpu_ns - begin) / 1e7 / SECONDS;
}

/* Returns the milliseconds until a newcomer is served. Negative: not within 5 s. */
static double time_to_serve(const struct world *world)
{
    int64_t begin = clock_now();
    while (clock_now() - begin < 5 * CLOCK_SECOND) {
        if (ask(world, &question) == 200)
            return (double)(clock_now() - begin) / 1e6;
        clock_pause(CLOCK_MS);
    }
    return -1;
}

bool scenario_descriptors(void)
{
    struct world world;
    int fds[COMERS];
    world_start(&world, (const char *const[]){NULL});
    limit_descriptors(&world);
    for (int i = 0; i < COMERS; i++) {
        fds[i] = wire_connect(world.server.urls[0]);
        if (fds[i] < 0)
            errx(1, "cannot connect");
    }
    double cpu = cpu_percent(&world);
    bool refused = ask(&world, &question) != 200;
    for (int i = 0; i < COMERS; i++)
        close(fds[i]);
    double again = time_to_serve(&world);
    bool well = world_stop(&world) == 0 && !world.probe.failed;
    server_fini(&world.server);
    double p99 = (double)cli_histogram_quantile(&world.probe.latency, 99000) / 1e6;
    return row("descriptors", well && refused && cpu < 10 && again >= 0,
               "descriptors exhausted: serving connections unhurt, CPU idle, accepts again when "
               "some are freed",
               "good client's p99 %.2f ms; CPU %.1f %% with it; newcomer served %.0f ms after", p99,
               cpu, again);
}
