/* SPDX-License-Identifier: MIT
 *
 * Calls of gRPC whose windows, cuts, resets and deadlines are drawn from a seed, in virtual time. What must hold, whatever
 * is drawn: the messages of a call come whole and in order; a call that nobody reset ends with all of them, or with the code of
 * its deadline; the service hears of each end once; and no block is left. A failure names its seed. */
#include <stdio.h>

#include "codecs/codecs.h"
#include "lib/fault.h"
#include "lib/grpc_peer.h"
#include "lib/random.h"
#include "unit/core/conn/server_fixture.h"

enum { SEEDS = 200, CALLS = 40, FRAME = 30000 };

static char url_grpc[] = "script:server?codec=grpc&service=probe";

struct plan {
    struct grpc_peer_call *call;
    size_t messages, size;
    bool reset, late;
};

/* Counts what was drawn, over all seeds. */
static size_t whole_calls, late_calls, reset_calls;

struct world {
    struct server_fixture *f;
    struct test_peer *peer;
    struct grpc_peer client;
    struct test_random random;
    struct plan plans[CALLS];
    size_t count;
};

static uint32_t draw(struct world *w, uint32_t below)
{
    return (uint32_t)test_random_below(&w->random, below);
}

static int setup(void **state)
{
    if (server_fixture_setup_fault(state) < 0)
        return -1;
    struct server_fixture *f = *state;
    f->options.limits.output_high = 60000;
    f->options.limits.output_low = 20000;
    f->options.limits.max_frame = f->options.limits.max_message = FRAME;
    f->options.limits.write_timeout = (uint64_t)SECONDS(1000);
    return weft_registry_add_codec(&f->registry, &weft_codec_grpc);
}

static void hear(struct world *w)
{
    size_t size;
    const uint8_t *data = script_received(w->peer->end, &size);
    size_t part = size > 0 ? draw(w, (uint32_t)size + 1) : 0;
    grpc_peer_hear(&w->client, data, part);
    script_consume(w->peer->end, part);
}

static void send(struct world *w)
{
    grpc_peer_make(&w->client);
    peer_send(w->peer, w->client.out, w->client.out_size);
    grpc_peer_sent(&w->client);
    turns(w->f);
}

static void ask(struct world *w)
{
    struct plan *plan = &w->plans[w->count++];
    struct grpc_peer_field fields[] = {{"grpc-timeout", "50m"}, {NULL, NULL}};
    char text[64];
    uint8_t bytes[80];
    plan->messages = draw(w, 12);
    plan->size = 1 + draw(w, draw(w, 4) == 0 ? FRAME / 2 : 300);
    plan->late = draw(w, 4) == 0;
    int size = snprintf(text, sizeof text, "stream %c%zu %zu %zu", (char)('a' + w->count % 26),
                        w->count, plan->messages, plan->size);
    plan->call = grpc_peer_ask(&w->client, "/p.S/M", plan->late ? fields : NULL, bytes,
                               grpc_prefixed(bytes, text, (size_t)size, false), false);
}

static struct plan *any_plan(struct world *w)
{
    return w->count > 0 ? &w->plans[draw(w, (uint32_t)w->count)] : NULL;
}

/* One thing that a client may do. */
static void act(struct world *w)
{
    struct plan *plan = any_plan(w);
    switch (draw(w, 6)) {
    case 0:
        if (w->count < CALLS)
            ask(w);
        break;
    case 1:
        if (plan && !plan->call->closed)
            (void)nghttp2_submit_window_update(w->client.session, 0, plan->call->id,
                                               1 + (int32_t)draw(w, 20000));
        break;
    case 2:
        (void)nghttp2_submit_window_update(w->client.session, 0, 0, 1 + (int32_t)draw(w, 30000));
        break;
    case 3:
        if (plan && draw(w, 4) == 0 && !plan->call->closed) {
            plan->reset = true;
            (void)nghttp2_submit_rst_stream(w->client.session, 0, plan->call->id, NGHTTP2_CANCEL);
        }
        break;
    case 4:
        advance(w->f, MILLISECONDS(1 + draw(w, 10)));
        break;
    default:
        hear(w);
        break;
    }
    send(w);
}

/* Opens every window until all has come. */
static void finish(struct world *w)
{
    for (int rounds = 0; rounds < 400; rounds++) {
        bool open = false;
        for (size_t i = 0; i < w->count; i++) {
            if (w->plans[i].call->closed)
                continue;
            open = true;
            (void)nghttp2_submit_window_update(w->client.session, 0, w->plans[i].call->id, 10000);
        }
        (void)nghttp2_submit_window_update(w->client.session, 0, 0, 100000);
        send(w);
        hear(w);
        if (!open)
            return;
    }
}

static void judge(const struct world *w, const struct plan *plan, uint64_t seed)
{
    const struct grpc_peer_call *call = plan->call;
    size_t size, found = 0;
    bool compressed;
    const uint8_t *message;
    while ((message = grpc_peer_message(call, found, &size, &compressed))) {
        found++;
        if (size != plan->size || message[0] != message[size - 1])
            fail_msg("seed %llu, call %d: a message is not as it was sent",
                     (unsigned long long)seed, call->id);
    }
    bool whole =
        call->code == 0 && found == plan->messages && call->reply_size == found * (plan->size + 5);
    bool late = plan->late && call->code == 4;
    whole_calls += whole;
    late_calls += late;
    reset_calls += plan->reset;
    if (!call->closed || !(whole || late || plan->reset) || w->client.broken)
        fail_msg("seed %llu, call %d: closed %d, code %d, %zu of %zu messages, broken %d",
                 (unsigned long long)seed, call->id, call->closed, call->code, found,
                 plan->messages, w->client.broken);
}

static void run(struct server_fixture *f, uint64_t seed)
{
    static struct world world;
    struct world *w = &world;
    *w = (struct world){.f = f, .random = {test_random_mix(seed)}};
    w->peer = peer_dial(f);
    script_set_rules(w->peer->end, &(struct script_rules){.random_chunks = true,
                                                          .read_chunk = 1 + draw(w, 2000),
                                                          .write_chunk = 1 + draw(w, 2000)});
    grpc_peer_init(&w->client, 1 + draw(w, 3000), false);
    int acts = 50 + (int)draw(w, 300);
    for (int i = 0; i < acts; i++)
        act(w);
    finish(w);
    for (size_t i = 0; i < w->count; i++)
        judge(w, &w->plans[i], seed);
    assert_int_equal(f->probe.pending, 0);
    peer_close(w->peer);
    turns(f);
    assert_int_equal(f->worker->conn_count, 0);
    f->probe.log[0] = '\0';
    grpc_peer_fini(&w->client);
}

static void test_calls_keep_their_promises_for_every_seed(void **state)
{
    struct server_fixture *f = *state;
    server_fixture_start(f);
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run(f, seed);
    assert_true(whole_calls > 2000 && late_calls > 100 && reset_calls > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"streams", test_calls_keep_their_promises_for_every_seed, setup,
         server_fixture_teardown_fault, url_grpc},
    };
    return cmocka_run_group_tests_name("streams simulation", tests, NULL, NULL);
}
