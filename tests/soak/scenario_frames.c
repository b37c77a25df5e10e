/* SPDX-License-Identifier: MIT
 *
 * Frames that would cost much: beside each, the good client goes on. */
#include "arsenal.h"
#include "world.h"

enum { SENDERS = 8, ROUNDS = 20 };

static struct wire_bytes frame; /* what the senders send; constant while they run */
static int wanted;

static bool send_all(struct world *world)
{
    for (int i = 0; i < ROUNDS; i++) {
        if (ask(world, &frame) != wanted)
            return false;
    }
    return true;
}

struct outcome {
    unsigned answered;
    double p99_ms, max_ms, grown_mib;
    bool well; /* nobody lost anything, and kvs exited with 0 */
};

static struct outcome throw_at_once(unsigned senders, struct wire_bytes thrown, int status)
{
    struct world world;
    struct outcome outcome;
    frame = thrown;
    wanted = status;
    world_start(&world, (const char *const[]){NULL});
    outcome.answered = parallel(senders, send_all, &world) * ROUNDS;
    outcome.grown_mib = (double)world_highest_grown(&world) / (1 << 20);
    outcome.well = world_stop(&world) == 0 && !world.probe.failed;
    outcome.p99_ms = (double)cli_histogram_quantile(&world.probe.latency, 99000) / 1e6;
    outcome.max_ms = (double)world.probe.latency.max / 1e6;
    server_fini(&world.server);
    wire_free(&frame);
    return outcome;
}

bool scenario_bombs(void)
{
    struct outcome got = throw_at_once(SENDERS, arsenal_bomb(), 413);
    return row("bombs",
               got.well && got.answered == SENDERS * ROUNDS && got.p99_ms < 20 &&
                   got.grown_mib < 32,
               "1 GiB bomb x 8 at once: all 413; good client's p99 < 20 ms; memory grows < 32 MiB",
               "%u of %d answered 413; p99 %.2f ms; %.1f MiB", got.answered, SENDERS * ROUNDS,
               got.p99_ms, got.grown_mib);
}

bool scenario_zeros(void)
{
    struct outcome got = throw_at_once(SENDERS, arsenal_zeros(), 400);
    return row("zeros",
               got.well && got.answered == SENDERS * ROUNDS && got.p99_ms < 150 &&
                   got.grown_mib < 96,
               "32 MiB of zeros x 8 at once: answered; good client's p99 < 150 ms; memory grows < "
               "96 MiB",
               "%u of %d answered; p99 %.2f ms; %.1f MiB", got.answered, SENDERS * ROUNDS,
               got.p99_ms, got.grown_mib);
}

bool scenario_pairs(void)
{
    enum { PAIRS = (4 << 20) - 16 }; /* with the table, just under 8 MiB */
    struct outcome got = throw_at_once(1, arsenal_pairs(PAIRS), 413);
    return row("pairs", got.well && got.answered == ROUNDS && got.max_ms < 50 && got.grown_mib < 64,
               "8 MiB hmset of 4 million empty pairs: 413; good client's max < 50 ms; memory grows "
               "< 64 MiB",
               "%u of %d answered 413; max %.2f ms; %.1f MiB", got.answered, ROUNDS, got.max_ms,
               got.grown_mib);
}
