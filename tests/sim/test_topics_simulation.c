/* SPDX-License-Identifier: MIT
 *
 * Topics of a kvs on virtual time: publishers, subscribers who read fast, slowly or break off and come back, and a
 * drain in the middle, all drawn from a seed. A subscriber hears the messages of each publisher in order, each once, and
 * what it does not get it is told as lost. Any number of seeds can be run by hand:
 *
 *     test_topics_simulation SEED [COUNT] */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "abi.pb-c.h"
#include "codecs/codecs.h"
#include "core/base/bytes.h"
#include "core/server/server_private.h"
#include "lib/random.h"
#include "lib/script_transport.h"
#include "lib/virtual_loop.h"
#include "services/kv/service.h"
#include "services/kv/stores/stores.h"

enum {
    SEEDS = 40,
    TOPICS = 3,
    PUBLISHERS = 4,
    SUBSCRIBERS = 12,
    MOST = 600,
    MAX_LOOPS = 3,
    ROUNDS = 100000
};

enum fate { UNKNOWN, PUBLISHED, REFUSED };

/* A connection, and the part of a message that was read. */
struct link {
    struct script_end *end;
    size_t size;
    uint8_t in[32768];
};

struct publisher {
    struct link link;
    uint32_t sent, answered;
    uint8_t topics[MOST], fates[MOST];
};

struct subscriber {
    struct link link; /* without an end it has not come yet */
    uint32_t source;  /* TOPICS: all */
    bool slow, active, ended;
    uint32_t before[PUBLISHERS]; /* answered when it asked: none of them comes */
    uint32_t start[PUBLISHERS];  /* sent when it was answered: all from here on come */
    uint32_t next[PUBLISHERS];
    bool got[PUBLISHERS][MOST];
    uint64_t lost;
};

struct sim {
    uint64_t seed, losses, messages, pulled;
    struct test_random random;
    struct weft_registry registry;
    struct weft_server *server;
    struct weft_kv_context context;
    struct publisher publishers[PUBLISHERS];
    struct subscriber subscribers[SUBSCRIBERS];
    bool drains, stopped;
};

static struct sim sim;
static const char *const names[] = {"a", "b", "c", "*"};

static void require(bool good, const char *what)
{
    if (!good)
        fail_msg("test_topics_simulation %" PRIu64 ": %s", sim.seed, what);
}

static size_t below(size_t bound)
{
    return test_random_below(&sim.random, bound);
}

static void send_request(struct script_end *end, const Abi__CommandRequest *request)
{
    uint8_t frame[256];
    size_t size = abi__command_request__get_packed_size(request);
    assert_true(size + 4 <= sizeof frame);
    weft_store_be32(frame, (uint32_t)size);
    abi__command_request__pack(request, frame + 4);
    script_send(end, frame, 4 + size);
}

/* Reads until there are so many bytes; no more, because who is slow leaves the rest. */
static bool pull(struct link *self, size_t size)
{
    size_t there, missing = size - self->size;
    const uint8_t *data = script_received(self->end, &there);
    assert_true(size <= sizeof self->in);
    size_t now = there < missing ? there : missing;
    if (now > 0)
        memcpy(self->in + self->size, data, now);
    self->size += now;
    sim.pulled += now;
    script_consume(self->end, now);
    return self->size == size;
}

/* Takes the next message; NULL: there is none yet. */
static Abi__CommandResponse *take(struct link *self)
{
    if (self->size < 4 && !pull(self, 4))
        return NULL;
    uint32_t length = weft_load_be32(self->in);
    if (!pull(self, 4 + length))
        return NULL;
    Abi__CommandResponse *response = abi__command_response__unpack(NULL, length, self->in + 4);
    require(response, "a message that is none");
    self->size = 0;
    return response;
}

static struct script_end *dial(void)
{
    struct script_rules rules = {0};
    struct script_end *end = script_dial("topics");
    require(end, "nobody listens");
    rules.window = below(2) ? 16 + below(4000) : 0;
    rules.random_chunks = below(2);
    rules.write_chunk = 16 + below(2000);
    script_set_rules(end, &rules);
    return end;
}

static void publish(uint32_t number)
{
    struct publisher *self = &sim.publishers[number];
    Abi__CommandRequest request;
    Abi__Publish command;
    Abi__Value value, *values[] = {&value};
    if (self->sent == MOST)
        return;
    uint8_t topic = self->topics[self->sent] = (uint8_t)below(TOPICS);
    abi__command_request__init(&request);
    abi__publish__init(&command);
    abi__value__init(&value);
    value.value_case = ABI__VALUE__VALUE_INTEGER;
    value.integer = number * MOST + self->sent++;
    command.topic = (char *)(uintptr_t)names[topic];
    command.n_data = 1;
    command.data = values;
    request.request_data_case = ABI__COMMAND_REQUEST__REQUEST_DATA_PUBLISH;
    request.publish = &command;
    send_request(self->link.end, &request);
}

static void hear_answers(struct publisher *self)
{
    Abi__CommandResponse *response;
    while ((response = take(&self->link))) {
        require(self->answered < self->sent, "an answer to nothing");
        require(response->status == 200 || response->status == 503, "another status");
        self->fates[self->answered++] = response->status == 200 ? PUBLISHED : REFUSED;
        abi__command_response__free_unpacked(response, NULL);
    }
}

static void subscribe(struct subscriber *self)
{
    Abi__CommandRequest request;
    Abi__Subscribe command;
    memset(self, 0, sizeof *self);
    self->link.end = dial();
    self->source = (uint32_t)below(TOPICS + 1);
    self->slow = below(3) == 0;
    abi__command_request__init(&request);
    abi__subscribe__init(&command);
    command.topic = (char *)(uintptr_t)names[self->source];
    command.pattern = self->source == TOPICS;
    request.request_data_case = ABI__COMMAND_REQUEST__REQUEST_DATA_SUBSCRIBE;
    request.subscribe = &command;
    for (size_t i = 0; i < PUBLISHERS; i++)
        self->before[i] = sim.publishers[i].answered;
    send_request(self->link.end, &request);
}

static void hear_value(struct subscriber *self, const char *topic, const Abi__Value *value)
{
    size_t publisher = (size_t)value->integer / MOST, number = (size_t)value->integer % MOST;
    require(value->value_case == ABI__VALUE__VALUE_INTEGER && publisher < PUBLISHERS &&
                number < sim.publishers[publisher].sent,
            "a message of nobody");
    uint8_t index = sim.publishers[publisher].topics[number];
    require(strcmp(topic, names[index]) == 0, "a message of another topic");
    require(self->source == TOPICS || self->source == index, "a topic that was not asked for");
    require(number >= self->next[publisher], "a message twice, or after a later one");
    require(number >= self->before[publisher], "a message of before");
    self->next[publisher] = (uint32_t)number + 1;
    self->got[publisher][number] = true;
    sim.messages++;
}

static void hear(struct subscriber *self, const Abi__CommandResponse *response)
{
    require(!self->ended, "more after the end");
    if (response->published_case == ABI__COMMAND_RESPONSE__PUBLISHED__NOT_SET) {
        require(!self->active, "a second answer");
        self->active = response->status == 200;
        self->ended = !self->active;
        require(self->active || sim.stopped, "a refusal");
        for (size_t i = 0; i < PUBLISHERS; i++)
            self->start[i] = sim.publishers[i].sent;
        return;
    }
    require(self->active, "a message before the answer");
    if (response->status == 200) {
        require(response->n_values > 0, "a message of nothing");
        for (size_t i = 0; i < response->n_values; i++)
            hear_value(self, response->topic, response->values[i]);
        return;
    }
    require(strcmp(response->topic, names[self->source]) == 0, "a word about another source");
    require(response->status == 410 || (response->status == 503 && sim.stopped), "another word");
    self->ended = response->status == 503;
    self->lost += response->number;
}

static void hear_some(struct subscriber *self, size_t most)
{
    Abi__CommandResponse *response;
    for (; most > 0 && (response = take(&self->link)); most--) {
        hear(self, response);
        abi__command_response__free_unpacked(response, NULL);
    }
}

static void subscriber_acts(struct subscriber *self)
{
    if (!self->link.end) {
        if (!sim.stopped)
            subscribe(self);
    } else if (!sim.stopped && below(150) == 0) {
        below(2) ? script_reset(self->link.end) : script_close(self->link.end);
        subscribe(self);
    } else if (!self->slow || below(16) == 0) {
        hear_some(self, self->slow ? 2 : SIZE_MAX);
    }
}

static void run_loops(int64_t ns)
{
    for (size_t i = 0; i < sim.server->thread_count; i++) {
        struct weft_loop *loop = sim.server->threads[i].worker.loop;
        if (ns == 0)
            virtual_loop_turn(loop);
        else
            require(virtual_loop_advance(loop, ns), "a loop does not come to rest");
    }
}

/* Everybody reads until nothing comes any more. */
static void settle(void)
{
    size_t quiet = 0;
    for (size_t round = 0; quiet < 3; round++) {
        uint64_t before = sim.pulled;
        require(round < ROUNDS, "it never comes to rest");
        run_loops(1000000);
        for (size_t i = 0; i < PUBLISHERS; i++)
            hear_answers(&sim.publishers[i]);
        for (size_t i = 0; i < SUBSCRIBERS; i++)
            if (sim.subscribers[i].link.end)
                hear_some(&sim.subscribers[i], SIZE_MAX);
        quiet = sim.pulled == before ? quiet + 1 : 0;
    }
}

/* Requires that as many messages were told as lost as have not come and should have. */
static void check(const struct subscriber *self)
{
    uint64_t missing = 0, perhaps = 0;
    require(!sim.stopped || (self->ended && script_at_eof(self->link.end)), "the end is not told");
    for (size_t i = 0; self->active && i < PUBLISHERS; i++) {
        const struct publisher *publisher = &sim.publishers[i];
        for (uint32_t k = self->before[i]; k < publisher->sent; k++) {
            bool mine = self->source == TOPICS || self->source == publisher->topics[k];
            require(!self->got[i][k] || publisher->fates[k] != REFUSED,
                    "a message that was refused");
            if (!mine || self->got[i][k] || publisher->fates[k] == REFUSED)
                continue;
            if (k >= self->start[i] && publisher->fates[k] == PUBLISHED)
                missing++;
            else
                perhaps++;
        }
    }
    require(self->lost >= missing, "a loss that nobody tells");
    require(self->lost <= missing + perhaps, "a loss that is none");
    sim.losses += self->lost;
}

static void start(void)
{
    static const char *const urls[] = {"script:topics?codec=raw"};
    struct weft_kv_limits kv_limits = weft_kv_limits_default();
    struct weft_limits limits = weft_limits_default();
    struct weft_error error;
    kv_limits.feed_ring = UINT64_C(256) << below(8);
    limits.drain_timeout = WEFT_SECONDS(1000);
    limits.push_high = 1 + below(10000);
    struct weft_server_options options = {.registry = &sim.registry,
                                          .urls = urls,
                                          .url_count = 1,
                                          .codec = "raw",
                                          .service = "kv",
                                          .limits = limits,
                                          .threads = 1 + (unsigned)below(MAX_LOOPS)};
    assert_int_equal(
        weft_kv_context_init(&sim.context, &weft_kv_store_memory, &kv_limits, NULL, &error), 0);
    assert_int_equal(weft_registry_add_codec(&sim.registry, &weft_codec_raw), 0);
    assert_int_equal(weft_registry_add_transport(&sim.registry, &script_transport), 0);
    assert_int_equal(weft_registry_add_service(&sim.registry, &weft_kv_service, &sim.context), 0);
    assert_int_equal(weft_server_new(&sim.server, &options, &error), 0);
    assert_int_equal(weft_server_listen(sim.server, &error), 0);
    weft__server_begin(sim.server);
}

static void finish(void)
{
    if (!sim.stopped)
        weft_server_stop(sim.server);
    for (size_t i = 0; i < PUBLISHERS; i++)
        script_close(sim.publishers[i].link.end);
    for (size_t i = 0; i < SUBSCRIBERS; i++)
        if (sim.subscribers[i].link.end)
            script_close(sim.subscribers[i].link.end);
    run_loops(WEFT_SECONDS(2));
    require(weft_server_cut(sim.server) == 0, "connections were cut");
    weft_server_free(sim.server);
    weft_kv_context_fini(&sim.context);
    require(script_finish() == 0, "streams were not closed");
}

static void run_seed(uint64_t seed)
{
    uint64_t losses = sim.losses, messages = sim.messages;
    sim = (struct sim){.seed = seed,
                       .losses = losses,
                       .messages = messages,
                       .random = {test_random_mix(seed)},
                       .drains = seed % 2};
    script_begin(seed);
    start();
    for (size_t i = 0; i < PUBLISHERS; i++)
        sim.publishers[i].link.end = dial();
    /* All are accepted, because a server that drains refuses before anything is asked. */
    run_loops(1000000);
    size_t steps = 200 + below(1500), stop_at = sim.drains ? below(steps) : steps;
    for (size_t i = 0; i < steps; i++) {
        if (i == stop_at) {
            sim.stopped = true;
            weft_server_stop(sim.server);
        }
        uint32_t who = (uint32_t)below(PUBLISHERS);
        for (size_t k = below(4); k > 0 && !sim.stopped; k--)
            publish(who);
        hear_answers(&sim.publishers[who]);
        subscriber_acts(&sim.subscribers[below(SUBSCRIBERS)]);
        run_loops(0);
    }
    settle();
    for (size_t i = 0; i < SUBSCRIBERS; i++)
        if (sim.subscribers[i].link.end)
            check(&sim.subscribers[i]);
    finish();
}

static void test_no_loss_is_untold_and_no_message_comes_twice(void **state)
{
    uint64_t first = test_random_start(1000).state;
    (void)state;
    for (uint64_t i = 0; i < SEEDS; i++)
        run_seed(first + i);
    assert_true(sim.losses > 0 && sim.messages > sim.losses);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_loss_is_untold_and_no_message_comes_twice),
    };
    if (argc < 2)
        return cmocka_run_group_tests_name("topics simulation", tests, NULL, NULL);
    uint64_t seed = strtoull(argv[1], NULL, 0), count = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    for (uint64_t i = 0; i < count; i++)
        run_seed(seed + i);
    printf("%" PRIu64 " seeds: %" PRIu64 " messages, %" PRIu64 " losses told\n", count,
           sim.messages, sim.losses);
    return 0;
}
