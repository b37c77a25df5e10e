/* SPDX-License-Identifier: MIT
 *
 * echo against a request of the test's: what it sends, when, and what it does where there is no
 * room, no memory or nobody left to read. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "lib/fault.h"
#include "lib/virtual_loop.h"
#include "services/echo/echo.h"

#define MILLISECONDS(n) ((int64_t)(n)*1000000)

/* The request, with so much room for messages, and what became of it: "hello hello." where the
 * point is the end. */
struct fake_request {
    struct weft_request base;
    struct weft_arena arena;
    size_t room;
    bool kept, ended, cancelled;
    char log[256];
};

static struct fake_request *fake_of(struct weft_request *request)
{
    return weft_container_of(request, struct fake_request, base);
}

static void note(struct fake_request *fake, const struct weft_body *body, const char *end)
{
    char text[32] = "";
    size_t used = strlen(fake->log);
    if (body) {
        assert_true(body->size < sizeof text);
        weft_body_write(body, (uint8_t *)text);
    }
    snprintf(fake->log + used, sizeof fake->log - used, "%s%s%s", used > 0 ? " " : "", text, end);
}

int weft_request_send(struct weft_request *request, const struct weft_body *body)
{
    struct fake_request *fake = fake_of(request);
    assert_false(fake->ended);
    if (fake->cancelled)
        return -ECANCELED;
    if (fake->room == 0)
        return -EAGAIN;
    fake->room--;
    note(fake, body, "");
    return 0;
}

int weft_request_end(struct weft_request *request, const struct weft_body *body)
{
    struct fake_request *fake = fake_of(request);
    assert_false(fake->ended);
    if (!fake->cancelled && body && body->size > 0 && fake->room == 0)
        return -EAGAIN;
    note(fake, fake->cancelled ? NULL : body, ".");
    fake->ended = true;
    weft_arena_fini(&fake->arena);
    return 0;
}

int weft_request_keep(struct weft_request *request)
{
    struct fake_request *fake = fake_of(request);
    uint8_t *copy = weft_arena_alloc(&fake->arena, request->payload.size);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, request->payload.data, request->payload.size);
    request->payload.data = copy;
    fake->kept = true;
    return 0;
}

struct weft_arena *weft_request_arena(struct weft_request *request)
{
    return &fake_of(request)->arena;
}

struct fixture {
    struct weft_loop *loop;
    _Alignas(max_align_t) unsigned char config[64], loop_state[64];
    struct fake_request request;
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.loop = NULL};
    *state = &fixture;
    return weft_loop_new(&fixture.loop, 16);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    bool no_timer = virtual_loop_next_timer(f->loop) == INT64_MAX;
    weft_loop_free(f->loop);
    return no_timer ? 0 : -1;
}

static int configure(struct fixture *f, const char *name, const char *value,
                     struct weft_error *error)
{
    const struct weft_option_value values[] = {{name, value}};
    const struct weft_option_set set = {values, name ? 1 : 0};
    const struct weft_limits limits = weft_limits_default();
    assert_true(echo_service.config_size <= sizeof f->config);
    assert_true(echo_service.loop_size <= sizeof f->loop_state);
    memset(f->config, 0, sizeof f->config);
    return echo_service.configure(f->config, NULL, &set, &limits, error);
}

static void start(struct fixture *f, const char *name, const char *value)
{
    assert_int_equal(configure(f, name, value, NULL), 0);
    assert_int_equal(echo_service.start(f->loop_state, f->config, f->loop), 0);
}

/* The payload does not outlive the call unless it is kept. */
static void call(struct fixture *f, const char *text, size_t room)
{
    char payload[32];
    snprintf(payload, sizeof payload, "%s", text);
    f->request = (struct fake_request){.base.payload = weft_view_str(payload), .room = room};
    weft_arena_init(&f->request.arena, 4096);
    echo_service.call(f->loop_state, NULL, &f->request.base);
    memset(payload, '?', sizeof payload);
}

static void drain(struct fixture *f, size_t room)
{
    f->request.room = room;
    f->request.base.on_room(&f->request.base);
}

static void cancel(struct fixture *f)
{
    f->request.cancelled = true;
    f->request.base.on_cancel(&f->request.base, WEFT_REASON_PEER_RESET);
}

static void test_echo_answers_a_message_with_itself(void **state)
{
    struct fixture *f = *state;
    start(f, NULL, NULL);
    call(f, "hello", 1);
    assert_string_equal(f->request.log, "hello.");
    assert_false(f->request.kept);
}

static void test_echo_answers_later_when_delayed(void **state)
{
    struct fixture *f = *state;
    start(f, "delay", "20");
    call(f, "hello", 1);
    assert_true(virtual_loop_advance(f->loop, MILLISECONDS(20) - 1));
    assert_string_equal(f->request.log, "");
    assert_true(virtual_loop_advance(f->loop, 1));
    assert_string_equal(f->request.log, "hello.");
}

static void test_echo_streams_when_repeating(void **state)
{
    struct fixture *f = *state;
    start(f, "repeat", "3");
    call(f, "hello", 3);
    assert_string_equal(f->request.log, "hello hello hello.");
}

static void test_echo_goes_on_where_there_was_no_room(void **state)
{
    struct fixture *f = *state;
    start(f, "repeat", "4");
    call(f, "x", 1);
    assert_string_equal(f->request.log, "x");
    drain(f, 2);
    assert_string_equal(f->request.log, "x x x");
    drain(f, 0);
    assert_false(f->request.ended);
    drain(f, 1);
    assert_string_equal(f->request.log, "x x x x.");
}

static void test_echo_ends_a_cancelled_answer_that_waits_for_room(void **state)
{
    struct fixture *f = *state;
    start(f, "repeat", "4");
    call(f, "x", 1);
    cancel(f);
    assert_string_equal(f->request.log, "x .");
}

static void test_echo_ends_a_cancelled_answer_that_waits_for_its_time(void **state)
{
    struct fixture *f = *state;
    start(f, "delay", "20");
    call(f, "x", 1);
    cancel(f);
    assert_true(f->request.ended);
    assert_true(virtual_loop_advance(f->loop, MILLISECONDS(40)));
    assert_string_equal(f->request.log, ".");
}

/* A send is told before on_cancel was. */
static void test_echo_ends_when_a_send_finds_the_connection_gone(void **state)
{
    struct fixture *f = *state;
    start(f, "repeat", "4");
    call(f, "x", 1);
    f->request.cancelled = true;
    drain(f, 1);
    assert_string_equal(f->request.log, "x .");
}

static void call_without_memory(void *arg)
{
    struct fixture *f = arg;
    call(f, "hello", 1);
    assert_true(virtual_loop_advance(f->loop, MILLISECONDS(20)));
    assert_string_equal(f->request.log, fault_failed() > 0 ? "." : "hello.");
}

static void test_echo_answers_with_an_empty_message_where_memory_is_short(void **state)
{
    struct fixture *f = *state;
    start(f, "delay", "20");
    fault_each(call_without_memory, f);
}

static void test_echo_refuses_numbers_out_of_range(void **state)
{
    struct fixture *f = *state;
    struct weft_error error;
    assert_int_equal(configure(f, "delay", "soon", &error), WEFT_ECONFIG);
    assert_string_equal(error.text, "delay=soon is not a number from 0 to 3600000");
    assert_int_equal(configure(f, "delay", "3600001", &error), WEFT_ECONFIG);
    assert_int_equal(configure(f, "delay", "0", &error), 0);
    assert_int_equal(configure(f, "delay", "3600000", &error), 0);
    assert_int_equal(configure(f, "repeat", "0", &error), WEFT_ECONFIG);
    assert_string_equal(error.text, "repeat=0 is not a number from 1 to 1000000");
    assert_int_equal(configure(f, "repeat", "1", &error), 0);
    assert_int_equal(configure(f, "repeat", "1000000", &error), 0);
}

static void test_echo_has_words_for_layers_alone(void **state)
{
    (void)state;
    static const struct {
        struct weft_rejection rejection;
        const char *words;
    } rows[] = {
        {{.cause = WEFT_REJECT_NOT_KNOWN}, "not known"},
        {{.cause = WEFT_REJECT_DENIED, .what = "read only"}, "denied: read only"},
        {{.cause = WEFT_REJECT_RATE, .limit = 7}, "too often"},
        {{.cause = WEFT_REJECT_MALFORMED, .what = "bad"}, ""},
        {{.cause = WEFT_REJECT_DRAINING}, ""},
    };
    uint8_t bytes[WEFT_REJECT_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t size = echo_service.reject(NULL, &rows[i].rejection, bytes);
        assert_int_equal(size, strlen(rows[i].words));
        assert_memory_equal(bytes, rows[i].words, size);
    }
    char what[2000];
    memset(what, 'w', sizeof what - 1);
    what[sizeof what - 1] = '\0';
    struct weft_rejection longest = {.cause = WEFT_REJECT_DENIED, .what = what};
    assert_in_range(echo_service.reject(NULL, &longest, bytes), 1, sizeof bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_echo_answers_a_message_with_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(test_echo_answers_later_when_delayed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_echo_streams_when_repeating, setup, teardown),
        cmocka_unit_test_setup_teardown(test_echo_goes_on_where_there_was_no_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_echo_ends_a_cancelled_answer_that_waits_for_room,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_echo_ends_a_cancelled_answer_that_waits_for_its_time,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_echo_ends_when_a_send_finds_the_connection_gone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_echo_answers_with_an_empty_message_where_memory_is_short, setup, teardown),
        cmocka_unit_test_setup_teardown(test_echo_refuses_numbers_out_of_range, setup, teardown),
        cmocka_unit_test(test_echo_has_words_for_layers_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
