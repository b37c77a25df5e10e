/* SPDX-License-Identifier: MIT
 *
 * Streams of all kinds over several connections of one server, drawn from a seed, in virtual time: requests and answers
 * with one message and with many, windows that open late, resets and deadlines at any time, connections that are cut, drains,
 * and allocations that fail. What must hold, whatever is drawn: the messages of a stream come whole and in order, in both
 * directions; a stream that nothing has befallen ends with all of them; the service hears of each end once, and of nothing
 * behind it; and no block is left. A failure names its seed, which WEFT_TEST_SEED runs alone. WEFT_TEST_SEEDS runs so many. */
#include <stdio.h>

#include "codecs/codecs.h"
#include "lib/fault.h"
#include "lib/grpc_peer.h"
#include "lib/random.h"
#include "sim_flows.h"
#include "unit/core/conn/server_fixture.h"

enum { SEEDS = 300, CLIENTS = 3, CALLS = 30, FRAME = 30000, SAID = 40, ROUNDS = 600 };

enum { CALM, STARVED, DRAINED, CUT, PROFILES };

static char url_flows[] = "script:server?codec=grpc&service=flows";

static const char *const targets[] = {"/f/echo", "/f/sum",  "/f/some",
                                      "/f/list", "/f/feed", "/f/wait"};
enum { ECHO, SUM, SOME, LIST, FEED, WAIT, KINDS };

struct client;

/* A call, and what it has been told to do. */
struct plan {
    struct client *client;
    struct grpc_peer_call *call;
    int kind;
    size_t said, sizes[SAID]; /* messages of the request */
    size_t bytes;             /* of those */
    size_t count, size;       /* of the answer, if it is a list */
    bool ended, reset, late;
};

struct client {
    struct test_peer *peer;
    struct grpc_peer grpc;
    bool cut; /* by us */
};

static struct world {
    struct server_fixture *f;
    uint64_t seed;
    int profile;
    struct test_random random;
    struct client clients[CLIENTS];
    size_t client_count;
    struct plan plans[CALLS];
    size_t count;
    bool drained;
} world;

/* Counts over all seeds. */
static size_t whole, late, reset, crowded, lost, heard, said;

static uint32_t draw(struct world *w, uint32_t below)
{
    return (uint32_t)test_random_below(&w->random, below);
}

static bool is_alive(const struct client *client)
{
    return !client->cut && !client->grpc.broken && !script_is_gone(client->peer->end);
}

/* --- what a client does ------------------------------------------------------------------------------- */

static void hear(struct world *w, struct client *client, bool all)
{
    size_t size;
    if (client->cut)
        return;
    const uint8_t *data = script_received(client->peer->end, &size);
    const size_t part = all || size == 0 ? size : draw(w, (uint32_t)size + 1);
    grpc_peer_hear(&client->grpc, data, part);
    script_consume(client->peer->end, part);
}

static void send(struct world *w, struct client *client)
{
    if (client->cut)
        return;
    grpc_peer_make(&client->grpc);
    peer_send(client->peer, client->grpc.out, client->grpc.out_size);
    grpc_peer_sent(&client->grpc);
    turns(w->f);
}

static void say(struct world *w, struct plan *plan)
{
    static uint8_t message[FRAME], bytes[FRAME + 5];
    if (plan->said == SAID || plan->ended || plan->call->closed)
        return;
    const size_t size = draw(w, draw(w, 8) == 0 ? FRAME : 400);
    sim_flows_fill(message, size, plan->said);
    plan->sizes[plan->said++] = size;
    plan->bytes += size;
    said++;
    grpc_peer_add(&plan->client->grpc, plan->call, bytes,
                  grpc_prefixed(bytes, message, size, false), true);
}

static void end(struct plan *plan)
{
    if (plan->ended || plan->call->closed)
        return;
    plan->ended = true;
    grpc_peer_add(&plan->client->grpc, plan->call, NULL, 0, false);
}

static void ask(struct world *w, struct client *client)
{
    const struct grpc_peer_field fields[] = {{"grpc-timeout", "50m"}, {NULL, NULL}};
    char text[32] = "";
    uint8_t bytes[64];
    struct plan *plan = &w->plans[w->count];
    if (w->count == CALLS || !is_alive(client) || client->grpc.goaways > 0)
        return;
    w->count++;
    *plan = (struct plan){.client = client, .kind = (int)draw(w, KINDS), .late = draw(w, 5) == 0};
    plan->count = draw(w, 12);
    plan->size = 1 + draw(w, draw(w, 5) == 0 ? FRAME / 2 : 300);
    if (plan->kind == WAIT)
        (void)snprintf(text, sizeof text, "%u", draw(w, 90));
    else if (plan->kind >= LIST)
        (void)snprintf(text, sizeof text, "%zu %zu", plan->count, plan->size);
    plan->ended = plan->kind >= LIST;
    const size_t size = plan->ended ? grpc_prefixed(bytes, text, strlen(text), false) : 0;
    plan->call = grpc_peer_ask(&client->grpc, targets[plan->kind], plan->late ? fields : NULL,
                               bytes, size, !plan->ended);
}

static void open_windows(struct client *client, const struct plan *plan, int32_t size)
{
    if (!plan->call->closed)
        (void)nghttp2_submit_window_update(client->grpc.session, 0, plan->call->id, size);
    (void)nghttp2_submit_window_update(client->grpc.session, 0, 0, size);
}

static void cancel(struct plan *plan)
{
    if (plan->call->closed)
        return;
    plan->reset = true;
    (void)nghttp2_submit_rst_stream(plan->client->grpc.session, 0, plan->call->id, NGHTTP2_CANCEL);
}

static void cut(struct world *w, struct client *client)
{
    if (client->cut)
        return;
    hear(w, client, true);
    client->cut = true;
    peer_reset(client->peer);
}

/* One thing that happens. */
static void act(struct world *w)
{
    struct client *client = &w->clients[draw(w, (uint32_t)w->client_count)];
    struct plan *plan = w->count > 0 ? &w->plans[draw(w, (uint32_t)w->count)] : NULL;
    const uint32_t what = draw(w, 14);
    if (what < 3)
        ask(w, client);
    else if (what < 6 && plan)
        for (uint32_t left = 1 + draw(w, 5); left > 0; left--)
            say(w, plan);
    else if (what == 6 && plan)
        end(plan);
    else if (what == 7 && plan)
        open_windows(plan->client, plan, 1 + (int32_t)draw(w, 20000));
    else if (what == 8 && plan && draw(w, 4) == 0)
        cancel(plan);
    else if (what == 9)
        advance(w->f, MILLISECONDS(1 + draw(w, 10)));
    else if (what == 10 && w->profile == CUT && draw(w, 20) == 0)
        cut(w, client);
    else
        hear(w, client, false);
    send(w, plan ? plan->client : client);
    send(w, client);
}

/* --- the end ------------------------------------------------------------------------------------------ */

/* Ends all requests and opens all windows until everything has come. */
static void finish(struct world *w)
{
    bool open = true;
    for (int rounds = 0; rounds < ROUNDS && open; rounds++) {
        open = false;
        for (size_t i = 0; i < w->count; i++) {
            struct plan *plan = &w->plans[i];
            if (plan->call->closed || !is_alive(plan->client))
                continue;
            open = true;
            end(plan);
            open_windows(plan->client, plan, 20000);
        }
        for (size_t i = 0; i < w->client_count; i++) {
            send(w, &w->clients[i]);
            hear(w, &w->clients[i], false);
        }
        advance(w->f, MILLISECONDS(1));
    }
    for (size_t i = 0; i < w->client_count; i++)
        hear(w, &w->clients[i], true);
}

static void fail_plan(const struct world *w, const struct plan *plan, const char *why)
{
    fail_msg("seed %llu, profile %d, %s %d: %s (closed %d, error %u, code %d, said %zu, reset %d)",
             (unsigned long long)w->seed, w->profile, targets[plan->kind], plan->call->id, why,
             plan->call->closed, plan->call->error, plan->call->code, plan->said, plan->reset);
}

/* True if it is the i-th message that the answer has to have. */
static bool is_right(const struct plan *plan, size_t i, const uint8_t *message, size_t size)
{
    static uint8_t expected[FRAME];
    char text[32];
    if (plan->kind == ECHO || plan->kind == LIST || plan->kind == FEED) {
        const size_t most = plan->kind == ECHO ? plan->said : plan->count;
        const size_t right = plan->kind == ECHO && i < SAID ? plan->sizes[i] : plan->size;
        sim_flows_fill(expected, right, i);
        return i < most && size == right && memcmp(message, expected, size) == 0;
    }
    if (plan->kind == SUM)
        (void)snprintf(text, sizeof text, "%zu %zu", plan->said, plan->bytes);
    else
        (void)snprintf(text, sizeof text, "%s", plan->kind == SOME ? "enough" : "late");
    return i == 0 && size == strlen(text) && memcmp(message, text, size) == 0;
}

static size_t right_count(const struct plan *plan)
{
    if (plan->kind == ECHO)
        return plan->said;
    if (plan->kind == SOME)
        return plan->said >= 3;
    return plan->kind == LIST || plan->kind == FEED ? plan->count : 1;
}

static void judge(const struct world *w, const struct plan *plan)
{
    const struct grpc_peer_call *call = plan->call;
    const uint8_t *message;
    size_t found = 0, size, bytes = 0;
    bool compressed;
    for (; (message = grpc_peer_message(call, found, &size, &compressed)); found++) {
        if (!is_right(plan, found, message, size))
            fail_plan(w, plan, "a message is not as it was sent");
        bytes += size + 5;
    }
    heard += found;
    const bool is_whole =
        call->closed && call->code == 0 && found == right_count(plan) && bytes == call->reply_size;
    const bool is_late = plan->late && call->closed && call->code == 4;
    /* A connection has a limit of what waits in it, which other streams may have reached. */
    const bool is_crowded =
        plan->kind < LIST && call->closed && call->code == 8 && strstr(call->words, "under way");
    const bool may_be_lost = is_crowded || w->profile == STARVED || plan->client->cut || w->drained;
    whole += is_whole;
    late += is_late;
    reset += plan->reset;
    crowded += is_crowded;
    lost += !is_whole && !is_late && !is_crowded && !plan->reset;
    if (call->code == 0 && !is_whole && !plan->reset)
        fail_plan(w, plan, "an answer ends well without all of its messages");
    if (!is_whole && !is_late && !plan->reset && !may_be_lost)
        fail_plan(w, plan, "a call that nothing has befallen is not answered");
}

/* --- seeds -------------------------------------------------------------------------------------------- */

static void set_limits(struct server_fixture *f)
{
    struct weft_limits *limits = &f->options.limits;
    limits->output_high = 60000;
    limits->output_low = 20000;
    limits->max_frame = limits->max_message = FRAME;
    limits->write_timeout = (uint64_t)SECONDS(1000);
    limits->drain_timeout = (uint64_t)SECONDS(1000);
}

static void begin_clients(struct world *w)
{
    w->client_count = 1 + draw(w, CLIENTS);
    for (size_t i = 0; i < w->client_count; i++) {
        struct client *client = &w->clients[i];
        const bool is_wide = draw(w, 3) == 0;
        client->cut = false;
        client->peer = peer_dial(w->f);
        script_set_rules(client->peer->end,
                         &(struct script_rules){.random_chunks = true,
                                                .read_chunk = 1 + draw(w, 3000),
                                                .write_chunk = 1 + draw(w, 3000)});
        grpc_peer_init(&client->grpc, is_wide ? 1 << 20 : 1 + draw(w, 3000), is_wide);
    }
}

static void act_all(struct world *w)
{
    const int acts = 50 + (int)draw(w, 400), drain_at = acts / 4 + (int)draw(w, (uint32_t)acts / 2);
    if (w->profile == STARVED)
        fault_arm_random(w->seed, 50 + draw(w, 2000));
    for (int i = 0; i < acts; i++) {
        if (w->profile == DRAINED && i == drain_at) {
            w->drained = true;
            weft_server_stop(w->f->server);
            turns(w->f);
        }
        act(w);
    }
    finish(w);
    fault_disarm();
}

static void run(uint64_t seed)
{
    struct world *w = &world;
    void *state = url_flows;
    fault_install();
    assert_int_equal(server_fixture_setup(&state), 0);
    w->f = state;
    w->seed = seed;
    w->random = (struct test_random){test_random_mix(seed)};
    w->profile = (int)(seed % PROFILES);
    w->count = 0;
    w->drained = false;
    set_limits(w->f);
    assert_int_equal(weft_registry_add_codec(&w->f->registry, &weft_codec_grpc), 0);
    assert_int_equal(weft_registry_add_service(&w->f->registry, &sim_flows_service, NULL), 0);
    server_fixture_start(w->f);
    begin_clients(w);
    act_all(w);
    for (size_t i = 0; i < w->count; i++)
        judge(w, &w->plans[i]);
    for (size_t i = 0; i < w->client_count; i++) {
        if (w->clients[i].grpc.broken)
            fail_msg("seed %llu: the server has broken HTTP/2", (unsigned long long)seed);
        grpc_peer_fini(&w->clients[i].grpc);
        peer_close(w->clients[i].peer);
    }
    turns(w->f);
    if (sim_flows.pending > 0)
        fail_msg("seed %llu: %zu calls have not ended", (unsigned long long)seed,
                 sim_flows.pending);
    assert_int_equal(server_fixture_teardown(&state), 0);
    if (fault_live() > 0)
        fail_msg("seed %llu: %zu blocks are left alive", (unsigned long long)seed, fault_live());
    fault_remove();
}

static void test_streams_keep_their_promises_for_every_seed(void **state)
{
    (void)state;
    const char *alone = getenv("WEFT_TEST_SEED"), *many = getenv("WEFT_TEST_SEEDS");
    const uint64_t first = alone ? strtoull(alone, NULL, 0) : 1;
    const uint64_t count = alone ? 1 : many ? strtoull(many, NULL, 0) : SEEDS;
    for (uint64_t seed = first; seed < first + count; seed++)
        run(seed);
    print_message("%llu seeds: %zu calls, %zu whole, %zu late, %zu reset, %zu crowded, %zu lost\n",
                  (unsigned long long)count, sim_flows.calls, whole, late, reset, crowded, lost);
    print_message("messages: %zu said, %zu taken, %zu sent, %zu heard; %zu rooms, %zu cancels, %zu "
                  "drains\n",
                  said, sim_flows.messages_in, sim_flows.messages_out, heard, sim_flows.rooms,
                  sim_flows.cancels, sim_flows.drains);
    if (count >= SEEDS)
        assert_true(whole > 2000 && late > 100 && reset > 100 && lost > 50 && heard > 10000 &&
                    sim_flows.rooms > 100 && sim_flows.cancels > 100 && sim_flows.drains > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams_keep_their_promises_for_every_seed),
    };
    return cmocka_run_group_tests_name("flows simulation", tests, NULL, NULL);
}
