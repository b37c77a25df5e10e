/* SPDX-License-Identifier: MIT
 *
 * A service (it answers how many requests its connection has made, now or a millisecond later) with a
 * mistake that is chosen by number, under the contract suite. counter_mutants N fails for every N but 0,
 * where there is no mistake. Without a number it prints how many there are. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "suites/service_suite.h"

enum mutant {
    NONE,
    NEVER_ENDS,
    ENDS_TWICE,
    SENDS_AFTER_END,
    NO_ON_ROOM,
    ON_ROOM_DOES_NOTHING,
    TRIES_AGAIN_AT_ONCE,
    READS_PAYLOAD_LATER_WITHOUT_KEEP,
    IGNORES_FAILED_KEEP,
    CANCEL_IS_THE_END,
    LEAKS_AN_ANSWER,
    IGNORES_FAILED_ALLOCATION,
    ENDS_NOTHING_WITHOUT_MEMORY,
    LEAKS_A_CONNECTION,
    LEAKS_A_LOOP,
    REJECTS_WITH_TOO_MUCH,
    REJECTS_BY_ALLOCATING,
    REJECTS_BY_COUNTING,
    BODY_DIFFERS_EACH_TIME,
    NAME_IN_CAPITALS,
    MUTANTS
};

static enum mutant mutant;

struct loop {
    struct weft_loop *loop;
    void *block;
};

struct connection {
    uint64_t count;
    void *block;
};

struct answer {
    struct weft_timer timer;
    struct weft_request *request;
    char text[32];
};

static int start(void *memory, const void *config, struct weft_loop *loop)
{
    (void)config;
    struct loop *state = memory;
    state->loop = loop;
    state->block = weft_malloc(1);
    return state->block ? 0 : -ENOMEM;
}

static void stop(void *memory)
{
    struct loop *state = memory;
    if (mutant != LEAKS_A_LOOP)
        weft_free(state->block);
}

static int open_connection(void *memory, void *loop_state)
{
    (void)loop_state;
    struct connection *connection = memory;
    connection->block = weft_malloc(1);
    return connection->block ? 0 : -ENOMEM;
}

static void close_connection(void *memory, void *loop_state)
{
    (void)loop_state;
    struct connection *connection = memory;
    if (mutant != LEAKS_A_CONNECTION)
        weft_free(connection->block);
}

static void write_noise(const struct weft_body *body, uint8_t *dst)
{
    static uint8_t noise;
    memset(dst, noise++, body->size);
}

static int end(struct weft_request *request, const char *text)
{
    struct weft_body_bytes body = weft_body_from_view(weft_view_str(text));
    struct weft_body noise = {.size = 8, .write = write_noise};
    int err = weft_request_end(request, mutant == BODY_DIFFERS_EACH_TIME ? &noise : &body.body);
    if (err == 0 && mutant == ENDS_TWICE)
        err = weft_request_end(request, NULL);
    if (err == 0 && mutant == SENDS_AFTER_END)
        err = weft_request_send(request, &body.body);
    return err;
}

static void try_end(struct answer *answer)
{
    int err = end(answer->request, answer->text);
    if (err == -EAGAIN && mutant == TRIES_AGAIN_AT_ONCE)
        err = end(answer->request, answer->text);
    if (err == 0 && mutant != LEAKS_AN_ANSWER)
        weft_free(answer);
}

static void on_room(struct weft_request *request)
{
    if (mutant != ON_ROOM_DOES_NOTHING)
        try_end(request->data);
}

static void on_cancel(struct weft_request *request, enum weft_reason reason)
{
    (void)reason;
    struct answer *answer = request->data;
    weft_timer_stop(&answer->timer);
    if (mutant == CANCEL_IS_THE_END)
        weft_free(answer);
    else
        try_end(answer);
}

static void fire(struct weft_timer *timer)
{
    struct answer *answer = weft_container_of(timer, struct answer, timer);
    bool reads = mutant == READS_PAYLOAD_LATER_WITHOUT_KEEP || mutant == IGNORES_FAILED_KEEP;
    if (reads && answer->request->payload.size > 0)
        answer->text[0] = (char)(answer->request->payload.data[0] | 1);
    if (mutant != NEVER_ENDS)
        try_end(answer);
}

static void call(void *loop_state, void *conn_state, struct weft_request *request)
{
    struct loop *loop = loop_state;
    struct connection *connection = conn_state;
    if (connection->count++ % 2 == 0) {
        (void)end(request, "at once");
        return;
    }
    struct answer *answer = weft_malloc(sizeof *answer);
    if (!answer && mutant == ENDS_NOTHING_WITHOUT_MEMORY)
        return;
    if (!answer && mutant != IGNORES_FAILED_ALLOCATION) {
        (void)end(request, "no memory");
        return;
    }
    *answer = (struct answer){.timer.fire = fire, .request = request};
    snprintf(answer->text, sizeof answer->text, "%" PRIu64, connection->count);
    if (mutant != READS_PAYLOAD_LATER_WITHOUT_KEEP && weft_request_keep(request) < 0 &&
        mutant != IGNORES_FAILED_KEEP) {
        weft_free(answer);
        (void)end(request, "no memory");
        return;
    }
    request->data = answer;
    request->on_room = mutant == NO_ON_ROOM ? NULL : on_room;
    request->on_cancel = on_cancel;
    weft_loop_after(loop->loop, &answer->timer, 1000000);
}

static size_t reject(void *loop_state, const struct weft_rejection *rejection, uint8_t *dst)
{
    (void)loop_state;
    static unsigned calls;
    if (mutant == REJECTS_BY_ALLOCATING)
        weft_free(weft_malloc(1));
    if (mutant == REJECTS_BY_COUNTING)
        return (size_t)snprintf((char *)dst, WEFT_REJECT_MAX, "refused %u", calls++);
    if (mutant == REJECTS_WITH_TOO_MUCH) {
        memset(dst, 'x', WEFT_REJECT_MAX + 1);
        return WEFT_REJECT_MAX + 1;
    }
    return (size_t)snprintf((char *)dst, WEFT_REJECT_MAX, "refused: %d", (int)rejection->cause);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return printf("%d\n", MUTANTS) < 0;
    alarm(60); /* a mutant may never come to an end */
    if (strcmp(argv[1], "0") != 0)
        setenv("CMOCKA_TEST_ABORT", "1", 1); /* the first failure tells enough */
    mutant = (enum mutant)strtol(argv[1], NULL, 10);
    const struct weft_service counter = {
        .name = mutant == NAME_IN_CAPITALS ? "Counter" : "counter",
        .speaks = "*",
        .loop_size = sizeof(struct loop),
        .conn_size = sizeof(struct connection),
        .start = start,
        .stop = stop,
        .open = open_connection,
        .close = close_connection,
        .call = call,
        .reject = reject,
    };
    return weft_service_suite_run(&(struct weft_service_suite){.service = &counter}) > 0;
}
