/* SPDX-License-Identifier: MIT
 *
 * The stream of a filter (core/stack/filter_stream.h), with a toy filter over the scripted transport. The toy
 * takes all input at once and gives out what it holds afterwards, as TLS does with a record. The byte 'H' is
 * its handshake, and 'Z' is the peer's last word. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/stack/stack.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "lib/fault.h"
#include "lib/script_transport.h"
#include "lib/virtual_loop.h"

enum { TOY_SIZE = 256 };

struct toy_config {
    int *released;
};

struct toy {
    uint8_t held[TOY_SIZE];
    size_t begin, end;
    bool open, over;
};

static int toy_configure(void *config, void *context, const struct weft_url *url,
                         enum weft_role role, const struct weft_codec *const *codecs,
                         struct weft_error *error)
{
    (void)url, (void)role, (void)codecs, (void)error;
    ((struct toy_config *)config)->released = context;
    return 0;
}

static void toy_release(void *config)
{
    ++*((struct toy_config *)config)->released;
}

static int toy_init(void *state, const void *config, enum weft_role role)
{
    (void)state, (void)config, (void)role;
    return 0;
}

static void toy_fini(void *state)
{
    (void)state;
}

static void take(struct toy *toy, struct weft_filter_io *io)
{
    for (; io->in.size > 0; io->in = weft_view_skip(io->in, 1)) {
        if (*io->in.data == 'Z')
            toy->over = true;
        else if (!toy->open)
            toy->open = io->open = *io->in.data == 'H';
        else
            toy->held[toy->end++] = *io->in.data;
    }
}

static ssize_t toy_open(void *state, uint8_t *dst, size_t size, struct weft_filter_io *io)
{
    struct toy *toy = state;
    take(toy, io);
    size_t n = toy->end - toy->begin < size ? toy->end - toy->begin : size;
    if (n > 0)
        memcpy(dst, toy->held + toy->begin, n);
    toy->begin += n;
    io->more = toy->begin < toy->end || (n > 0 && toy->over);
    if (n > 0 || io->more)
        return n > 0 ? (ssize_t)n : -EAGAIN;
    return toy->over ? 0 : io->eof ? WEFT_ETRUNCATED : -EAGAIN;
}

static int toy_seal(void *state, struct weft_view plain, struct weft_filter_io *io)
{
    (void)state;
    return weft_chain_append(io->down, plain);
}

static const char *toy_trouble(const void *state)
{
    (void)state;
    return "no last word";
}

static const struct weft_filter toy_filter = {
    .name = "toy",
    .config_size = sizeof(struct toy_config),
    .state_size = sizeof(struct toy),
    .configure = toy_configure,
    .release = toy_release,
    .init = toy_init,
    .fini = toy_fini,
    .open = toy_open,
    .seal = toy_seal,
    .trouble = toy_trouble,
};

static const char *quiet_trouble(const void *state)
{
    (void)state;
    return NULL;
}

/* A toy that has no words for an error. */
static const struct weft_filter quiet_filter = {
    .name = "quiet",
    .config_size = sizeof(struct toy_config),
    .state_size = sizeof(struct toy),
    .configure = toy_configure,
    .release = toy_release,
    .init = toy_init,
    .fini = toy_fini,
    .open = toy_open,
    .seal = toy_seal,
    .trouble = quiet_trouble,
};

struct world {
    struct weft_registry registry;
    struct weft__stack stack;
    struct weft_piece_pool pool;
    struct weft_loop *loop;
    struct weft_stream *stream;
    struct script_end *end;
    struct weft_url url;
    int released, quiet_released, readable;
};

static struct world world;

static void on_ready(struct weft_stream *stream, unsigned events)
{
    (void)stream;
    world.readable += (events & WEFT_READABLE) != 0;
}

static int begin(const char *scheme, const char *url)
{
    static const struct weft_codec *const codecs[] = {NULL};
    struct weft_error error;
    world = (struct world){0};
    script_begin(1);
    script_serve("x");
    script_set_default_rules(&(struct script_rules){.protocol = "below"});
    if (weft_loop_new(&world.loop, 8) < 0 ||
        weft_registry_add_transport(&world.registry, &script_transport) < 0 ||
        weft_registry_add_filter(&world.registry, &toy_filter, &world.released) < 0 ||
        weft_registry_add_filter(&world.registry, &quiet_filter, &world.quiet_released) < 0 ||
        weft_url_parse(&world.url, url, &error) < 0 ||
        weft__stack_find(&world.stack, &world.registry, scheme, &error) < 0 ||
        weft__stack_configure(&world.stack, &world.url, WEFT_CLIENT, codecs, &error) < 0)
        return -1;
    world.stream = calloc(1, world.stack.stream_size);
    world.stream->on_ready = on_ready;
    if (weft__stack_connect(&world.stack, world.stream, world.loop, &world.pool, &world.url,
                            &error) < 0)
        return -1;
    world.stream->ops->want(world.stream, WEFT_READABLE);
    virtual_loop_run_until_idle(world.loop);
    world.end = script_take("x");
    return world.end ? 0 : -1;
}

static int set_up(void **state)
{
    (void)state;
    return begin("toy+script", "toy+script:x");
}

static int set_up_two_filters(void **state)
{
    (void)state;
    return begin("quiet+toy+script", "quiet+toy+script:x");
}

static int tear_down(void **state)
{
    (void)state;
    if (world.stream)
        world.stream->ops->close(world.stream);
    script_close(world.end);
    virtual_loop_run_until_idle(world.loop);
    free(world.stream);
    weft__stack_fini(&world.stack);
    weft_piece_pool_fini(&world.pool);
    weft_loop_free(world.loop);
    return script_finish() == 0 && world.released == 1 ? 0 : -1;
}

static ssize_t read_some(uint8_t *dst, size_t size)
{
    return world.stream->ops->read(world.stream, dst, size);
}

static void test_bytes_inside_the_filter_are_reported_without_input(void **state)
{
    uint8_t text[4];
    (void)state;
    script_send(world.end, "Habcdef", 7);
    assert_true(virtual_loop_advance(world.loop, 0) || world.readable > 0);
    assert_int_equal(read_some(text, 4), 4);
    assert_memory_equal(text, "abcd", 4);
    world.readable = 0;
    virtual_loop_turn(world.loop);
    assert_true(world.readable > 0);
    world.readable = 0; /* it has not been read, and is reported until it is */
    virtual_loop_turn(world.loop);
    assert_true(world.readable > 0);
    assert_int_equal(read_some(text, 4), 2);
    assert_memory_equal(text, "ef", 2);
    world.readable = 0;
    virtual_loop_turn(world.loop);
    assert_int_equal(world.readable, 0);
}

static void test_end_without_a_last_word_is_truncated(void **state)
{
    uint8_t text[4];
    (void)state;
    script_send(world.end, "Hab", 3);
    script_shutdown(world.end);
    virtual_loop_turn(world.loop);
    assert_int_equal(read_some(text, 4), 2);
    virtual_loop_turn(world.loop);
    assert_int_equal(read_some(text, 4), WEFT_ETRUNCATED);
    assert_string_equal(world.stream->ops->trouble(world.stream), "no last word");
}

static void test_trouble_of_a_filter_below_is_told(void **state)
{
    uint8_t text[4];
    (void)state;
    script_send(world.end, "HHab", 4);
    script_shutdown(world.end);
    virtual_loop_turn(world.loop);
    assert_int_equal(read_some(text, 4), 2);
    virtual_loop_turn(world.loop);
    assert_int_equal(read_some(text, 4), WEFT_ETRUNCATED);
    assert_string_equal(world.stream->ops->trouble(world.stream), "no last word");
}

static void test_last_word_is_the_end(void **state)
{
    uint8_t text[4];
    (void)state;
    script_send(world.end, "HabZ", 4);
    virtual_loop_turn(world.loop);
    assert_int_equal(read_some(text, 4), 2);
    virtual_loop_turn(world.loop);
    assert_int_equal(read_some(text, 4), 0);
}

static void test_reset_goes_down_to_the_connection(void **state)
{
    (void)state;
    weft_stream_reset(world.stream);
    assert_true(script_is_gone(world.end));
    assert_true(script_is_reset(world.end));
    free(world.stream);
    world.stream = NULL;
}

static void test_protocol_is_that_of_the_stream_below_unless_the_filter_has_one(void **state)
{
    (void)state;
    assert_string_equal(world.stream->ops->protocol(world.stream), "below");
}

static void test_handshake_reads_the_clock_again(void **state)
{
    int64_t before = weft_loop_now(world.loop);
    uint8_t text[4];
    (void)state;
    script_send(world.end, "H", 1);
    virtual_loop_spend(world.loop, 5000000);
    (void)read_some(text, 4);
    assert_true(weft_loop_now(world.loop) >= before + 5000000);
}

/* Both directions, with bytes left in the filter and bytes that below does not take at once. */
static void exchange_over(struct weft_stream *stream)
{
    static const uint8_t reply[40000];
    struct iovec vec[] = {{(void *)(uintptr_t)reply, 30000}, {(void *)(uintptr_t)reply, 10000}};
    uint8_t text[4];
    size_t size, taken = 0;
    script_send(world.end, "Habcdef", 7);
    virtual_loop_run_until_idle(world.loop);
    ssize_t n = stream->ops->read(stream, text, sizeof text);
    ssize_t left = n > 0 ? stream->ops->read(stream, text, sizeof text) : 0;
    if (fault_failed() == 0)
        assert_int_equal(n + left, 6);
    assert_true(n == 4 || n == -EAGAIN || n == -ENOMEM);
    n = stream->ops->writev(stream, vec, 2);
    taken = n > 0 ? (size_t)n : 0;
    assert_true(n > 0 || fault_failed() > 0);
    virtual_loop_run_until_idle(world.loop);
    (void)script_received(world.end, &size);
    assert_true(size <= taken || fault_failed() > 0);
    (void)!stream->ops->shutdown(stream);
    virtual_loop_run_until_idle(world.loop);
}

static int make_stack(struct weft_error *error)
{
    static const struct weft_codec *const codecs[] = {NULL};
    if (weft_url_parse(&world.url, "toy+script:x", error) < 0 ||
        weft__stack_find(&world.stack, &world.registry, "toy+script", error) < 0)
        return -EINVAL;
    return weft__stack_configure(&world.stack, &world.url, WEFT_CLIENT, codecs, error);
}

static void connect_and_exchange(void *arg)
{
    struct weft_error error;
    (void)arg;
    world = (struct world){0};
    script_begin(1);
    script_serve("x");
    weft_piece_pool_init(&world.pool, 4);
    assert_int_equal(weft_registry_add_transport(&world.registry, &script_transport), 0);
    assert_int_equal(weft_registry_add_filter(&world.registry, &toy_filter, &world.released), 0);
    int err = make_stack(&error);
    if (err == 0 && weft_loop_new(&world.loop, 8) == 0) {
        world.stream = calloc(1, world.stack.stream_size);
        world.stream->on_ready = on_ready;
        err = weft__stack_connect(&world.stack, world.stream, world.loop, &world.pool, &world.url,
                                  &error);
        if (err == 0) {
            world.stream->ops->want(world.stream, WEFT_READABLE);
            virtual_loop_run_until_idle(world.loop);
            world.end = script_take("x");
            if (world.end)
                exchange_over(world.stream);
            world.stream->ops->close(world.stream);
        }
        if (world.end)
            script_close(world.end);
        virtual_loop_run_until_idle(world.loop);
        free(world.stream);
        weft_loop_free(world.loop);
    }
    weft__stack_fini(&world.stack);
    weft_piece_pool_fini(&world.pool);
    assert_int_equal(script_finish(), 0);
    assert_true(err == 0 || fault_failed() > 0);
}

static void test_stream_survives_every_failing_allocation(void **state)
{
    (void)state;
    fault_each(connect_and_exchange, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bytes_inside_the_filter_are_reported_without_input,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_end_without_a_last_word_is_truncated, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_trouble_of_a_filter_below_is_told, set_up_two_filters,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_last_word_is_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reset_goes_down_to_the_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_protocol_is_that_of_the_stream_below_unless_the_filter_has_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_handshake_reads_the_clock_again, set_up, tear_down),
        cmocka_unit_test(test_stream_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
