/* SPDX-License-Identifier: MIT
 *
 * A server with hundreds of clients on virtual time, in which all that can differ between two runs
 * is drawn from a seed: what is asked, the size of every chunk, who reads how slowly, who resets,
 * when an answer is ready, when the server is stopped. Every byte and the order of the replies are
 * checked. A seed that fails can be run again by hand, as can any number of them:
 *
 *     test_simulation SEED [COUNT] */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "core/server/server_private.h"
#include "lib/fault.h"
#include "lib/virtual_loop.h"
#include "sim_client.h"
#include "sim_service.h"

enum {
    SEEDS_IN_A_TEST = 75,
    MAX_LOOPS = 3,
    MAX_STEPS = 1000000,
};

#define MILLISECONDS(n) ((int64_t)(n)*1000000)
#define SECONDS(n)      ((int64_t)(n)*1000000000)

struct sim {
    uint64_t seed;
    enum sim_profile profile;
    struct test_random random;
    struct sim_record record;
    struct weft_registry registry;
    struct weft_server *server;
    struct sim_client clients[SIM_CLIENTS];
    uint32_t planned, dialed;     /* clients in all, and those so far */
    uint32_t active[SIM_CLIENTS]; /* the ones that are not done */
    uint32_t active_count, most_active;
    bool stopped;
};

static void fail_sim(const struct sim *sim, const char *fmt, ...) WEFT_PRINTF(2, 3);

static void fail_sim(const struct sim *sim, const char *fmt, ...)
{
    char text[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fault_disarm();
    fail_msg("test_simulation %" PRIu64 ": %s", sim->seed, text);
}

static size_t below(struct sim *sim, size_t bound)
{
    return test_random_below(&sim->random, bound);
}

static struct weft_limits draw_limits(struct sim *sim)
{
    struct weft_limits limits = weft_limits_default();

    limits.max_frame = SIM_MAX_FRAME;
    limits.max_message = SIM_MAX_MESSAGE;
    limits.output_high = below(sim, 2) ? 1 + below(sim, 10000) : WEFT_KIB(256);
    limits.output_low = 1 + below(sim, limits.output_high);
    limits.max_pending = below(sim, 2) ? 1 + below(sim, 8) : 1024;
    limits.push_high = below(sim, 2) ? 1 + below(sim, 10000) : WEFT_KIB(16);
    limits.max_bad_frames = 0;
    limits.drain_timeout = WEFT_SECONDS(1000); /* some read slowly, and nobody is to be cut */
    if (sim->profile == SIM_HOSTILE && below(sim, 4) == 0)
        limits.max_connections = 1 + below(sim, sim->planned);
    return limits;
}

/* True if the server could be made. */
static bool start_server(struct sim *sim)
{
    static const char *const urls[] = {
        "script:raw?codec=raw&layers=watch",
        "script:gzip?codec=length-delimited-gzip&layers=guard,watch,observer",
        "script:all?codec=length-delimited-gzip&threshold=64&layers=observer",
    };
    struct weft_server_options options = {
        .registry = &sim->registry,
        .urls = urls,
        .url_count = sizeof urls / sizeof *urls,
        .codec = "raw",
        .service = "sim",
        .limits = draw_limits(sim),
        .threads = 1 + (unsigned)below(sim, MAX_LOOPS),
    };
    struct weft_error error;

    return weft_registry_add_codec(&sim->registry, &weft_codec_raw) == 0 &&
           weft_registry_add_codec(&sim->registry, &weft_codec_length_delimited_gzip) == 0 &&
           weft_registry_add_transport(&sim->registry, &script_transport) == 0 &&
           weft_registry_add_service(&sim->registry, &sim_service, &sim->record) == 0 &&
           weft_registry_add_layer(&sim->registry, &sim_watch_layer, &sim->record) == 0 &&
           weft_registry_add_layer(&sim->registry, &sim_guard_layer, &sim->record) == 0 &&
           weft_registry_add_layer(&sim->registry, &sim_observer_layer, &sim->record) == 0 &&
           weft_server_new(&sim->server, &options, &error) == 0 &&
           weft_server_listen(sim->server, &error) == 0;
}

static struct script_rules draw_rules(struct sim *sim)
{
    struct script_rules rules = {0};

    /* Drawn from 1 to this; so many that no loop is thought to be restless. */
    if (below(sim, 2)) {
        rules.random_chunks = true;
        rules.read_chunk = 16 + below(sim, 8000);
        rules.write_chunk = 16 + below(sim, 8000);
    }
    if (below(sim, 4) == 0)
        rules.read_eagain = 2 + (unsigned)below(sim, 5);
    if (below(sim, 4) == 0)
        rules.write_eagain = 2 + (unsigned)below(sim, 5);
    if (below(sim, 2))
        rules.window = 16 + below(sim, 30000);
    return rules;
}

/* A stream that fails on the server's side. */
static void add_error(struct sim *sim, struct script_rules *rules)
{
    if (below(sim, 2)) {
        rules->read_error = -ECONNRESET;
        rules->read_error_after = below(sim, 5000);
    } else {
        rules->write_error = -EPIPE;
        rules->write_error_after = below(sim, 5000);
    }
}

static void dial(struct sim *sim)
{
    static const char *const names[] = {"raw", "gzip", "all"};
    uint32_t id = sim->dialed++;
    struct sim_client *client = &sim->clients[id];
    size_t name = below(sim, 8);
    enum sim_manners manners = SIM_POLITE;
    struct script_rules rules = draw_rules(sim);
    bool rude = sim->profile == SIM_HOSTILE && below(sim, 3) == 0;

    name = name < 4 ? 0 : name < 7 ? 1 : 2;
    if (rude)
        manners = (enum sim_manners)below(sim, SIM_FALLS_SILENT + 1);
    if (rude && manners == SIM_POLITE) {
        manners = SIM_RESETS;
        add_error(sim, &rules);
    }
    sim_client_init(client, sim->seed, id, name != 0, manners,
                    1 + (uint32_t)below(sim, SIM_MAX_REQUESTS));
    client->end = script_dial(names[name]);
    if (!client->end)
        fail_sim(sim, "client %" PRIu32 " cannot connect", id);
    script_set_rules(client->end, &rules);
    sim->active[sim->active_count++] = id;
}

static size_t draw_size(struct sim *sim)
{
    static const size_t most[] = {8, 200, 4000, 60000};
    return 1 + below(sim, most[below(sim, 4)]);
}

static void let_one_act(struct sim *sim)
{
    size_t i = below(sim, sim->active_count);
    struct sim_client *client = &sim->clients[sim->active[i]];

    sim_client_send(client, draw_size(sim));
    if (client->manners != SIM_NEVER_READS && below(sim, 2))
        sim_client_read(client, draw_size(sim));
    if (client->wrong)
        fail_sim(sim, "client %" PRIu32 " heard %s", client->id, client->wrong);
    if (sim_client_is_done(client))
        sim->active[i] = sim->active[--sim->active_count];
}

static void turn_all(struct sim *sim)
{
    for (size_t i = 0; i < sim->server->thread_count; i++)
        virtual_loop_turn(sim->server->threads[i].worker.loop);
}

static void advance_all(struct sim *sim, int64_t ns)
{
    for (size_t i = 0; i < sim->server->thread_count; i++)
        if (!virtual_loop_advance(sim->server->threads[i].worker.loop, ns))
            fail_sim(sim, "a loop does not come to rest");
}

static void step(struct sim *sim)
{
    while (!sim->stopped && sim->dialed < sim->planned && sim->active_count < sim->most_active)
        dial(sim);
    for (size_t left = 1 + sim->active_count / 4; left > 0 && sim->active_count > 0; left--)
        let_one_act(sim);
    turn_all(sim);
    if (below(sim, 8) == 0)
        advance_all(sim, MILLISECONDS(below(sim, 5)));
}

static void stop(struct sim *sim)
{
    sim->stopped = true;
    weft_server_stop(sim->server);
}

static void run_clients(struct sim *sim)
{
    size_t stop_at = sim->profile == SIM_DRAIN ? 1 + below(sim, 300) : MAX_STEPS;
    size_t steps = 0;

    for (; sim->active_count > 0 || (sim->dialed < sim->planned && !sim->stopped); steps++) {
        if (steps == MAX_STEPS)
            fail_sim(sim, "%" PRIu32 " clients wait for ever, client %" PRIu32 " among them",
                     sim->active_count, sim->active[0]);
        if (steps == stop_at)
            stop(sim);
        step(sim);
    }
}

static bool ends_politely(const struct sim_client *client)
{
    return client->manners == SIM_POLITE || client->manners == SIM_TRUNCATES ||
           client->manners == SIM_LOSES;
}

/* A client that has ended its side and read to the end has heard of all that was executed, and unless it was
 * told why not, has all its replies. */
static void check_client(struct sim *sim, struct sim_client *client)
{
    bool answered = sim_client_is_answered(client);
    uint32_t known = client->refused ? 0 : client->executed;

    if (!ends_politely(client) || sim->profile == SIM_STARVED)
        return;
    if (client->reset)
        fail_sim(sim, "client %" PRIu32 " was reset", client->id);
    if (!client->eof)
        fail_sim(sim, "client %" PRIu32 " has not seen the end", client->id);
    if (!client->refused && !sim->stopped && !answered)
        fail_sim(sim, "client %" PRIu32 " has no reply to its request %" PRIu32, client->id,
                 client->index);
    if (sim->record.called[client->id] != known)
        fail_sim(sim, "client %" PRIu32 " knows of %" PRIu32 " requests, %" PRIu32 " took effect",
                 client->id, known, sim->record.called[client->id]);
}

static void check_counts(struct sim *sim)
{
    struct weft_server_counts counts;
    uint64_t closed = 0;

    weft_server_count(sim->server, SIZE_MAX, &counts);
    for (int i = 0; i < WEFT_REASON_COUNT; i++)
        closed += counts.closed[i];
    if (counts.open != 0 || counts.accepted != closed)
        fail_sim(sim, "accepted %" PRIu64 ", open %" PRIu64 ", closed %" PRIu64, counts.accepted,
                 counts.open, closed);
    if (sim->record.layered > 0)
        fail_sim(sim, "layers miss the end of %zu requests", sim->record.layered);
    if (sim->record.unended > 0 || sim->record.open > 0)
        fail_sim(sim, "%zu requests and %zu connections have not ended", sim->record.unended,
                 sim->record.open);
}

static void end_sim(struct sim *sim)
{
    /* The longest deadlines; then it stops, and nothing is left to be cut. */
    advance_all(sim, SECONDS(60));
    for (uint32_t i = 0; i < sim->active_count; i++)
        sim_client_read(&sim->clients[sim->active[i]], SIZE_MAX);
    for (uint32_t i = 0; i < sim->dialed; i++)
        check_client(sim, &sim->clients[i]);
    if (!sim->stopped)
        stop(sim);
    advance_all(sim, SECONDS(2));
    if (weft_server_cut(sim->server) > 0)
        fail_sim(sim, "%" PRIu64 " connections were cut", weft_server_cut(sim->server));
    check_counts(sim);
}

static void run_seed(uint64_t seed)
{
    static struct sim sim;

    sim = (struct sim){
        .seed = seed,
        .profile = sim_profile_of(seed),
        .random = {test_random_mix(seed)},
    };
    sim.record.random = sim.random;
    sim.planned = 20 + (uint32_t)below(&sim, SIM_CLIENTS - 20);
    /* No more than the server would refuse in words. */
    sim.most_active = 1 + (uint32_t)below(&sim, WEFT__MAX_REFUSING);
    script_begin(seed);
    fault_install();
    if (!start_server(&sim))
        fail_sim(&sim, "the server does not start");
    weft__server_begin(sim.server);
    if (sim.profile == SIM_STARVED)
        fault_arm_random(seed, 20 + (uint32_t)below(&sim, 200));
    run_clients(&sim);
    fault_disarm();
    end_sim(&sim);
    weft_server_free(sim.server);
    for (uint32_t i = 0; i < sim.dialed; i++)
        sim_client_fini(&sim.clients[i]);
    if (script_finish() > 0)
        fail_sim(&sim, "streams were not closed");
    if (fault_live() > 0)
        fail_sim(&sim, "%zu blocks are left alive", fault_live());
    fault_remove();
}

static void run_profile(enum sim_profile profile)
{
    uint64_t first = test_random_start(1000).state;

    for (uint64_t i = 0; i < SEEDS_IN_A_TEST; i++)
        run_seed((first + i) * SIM_PROFILES + profile);
}

static void test_every_request_is_answered_in_order(void **state)
{
    (void)state;
    run_profile(SIM_CALM);
}

static void test_hostile_clients_leave_the_others_alone(void **state)
{
    (void)state;
    run_profile(SIM_HOSTILE);
}

static void test_draining_leaves_no_gap_and_no_reset(void **state)
{
    (void)state;
    run_profile(SIM_DRAIN);
}

static void test_failing_allocations_falsify_no_reply(void **state)
{
    (void)state;
    run_profile(SIM_STARVED);
}

/* A process for each processor, a part of the seeds for each process. */
static int run_by_hand(uint64_t seed, uint64_t count)
{
    uint64_t jobs = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
    bool good = true;
    int status;

    if (jobs > count)
        jobs = count;
    for (uint64_t job = 0; job < jobs; job++) {
        if (fork() != 0)
            continue;
        for (uint64_t i = count * job / jobs; i < count * (job + 1) / jobs; i++)
            run_seed(seed + i);
        exit(0);
    }
    while (wait(&status) > 0)
        good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (good)
        printf("%" PRIu64 " seeds from %" PRIu64 ": good\n", count, seed);
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_request_is_answered_in_order),
        cmocka_unit_test(test_hostile_clients_leave_the_others_alone),
        cmocka_unit_test(test_draining_leaves_no_gap_and_no_reset),
        cmocka_unit_test(test_failing_allocations_falsify_no_reply),
    };

    if (argc > 1)
        return run_by_hand(strtoull(argv[1], NULL, 0), argc > 2 ? strtoull(argv[2], NULL, 0) : 1);
    return cmocka_run_group_tests_name("simulation", tests, NULL, NULL);
}
