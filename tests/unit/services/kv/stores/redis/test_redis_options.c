/* SPDX-License-Identifier: MIT
 *
 * The place and the options of `--store redis://...` are read, and mistakes in them are worded. */
#include "redis_world.h"

#include <stdlib.h>
#include <unistd.h>

#include "services/kv/stores/redis/shared.h"

static const struct {
    bool single;
    const char *where, *options, *text;
} refused[] = {
    {true, NULL, NULL, "redis store: the form is redis://HOST:PORT[/DATABASE]"},
    {false, "a:1", NULL, "redis-cluster store: the form is redis-cluster://HOST:PORT,HOST:PORT..."},
    {true, "//", NULL, "it is HOST:PORT, and more with a comma between"},
    {true, "//a@b:1", NULL, "it is HOST:PORT, and more with a comma between"},
    {false, "//a:1,", NULL, "it is HOST:PORT, and more with a comma between"},
    {true, "//[::1", NULL, "an IPv6 address is in brackets, as [::1]:6379"},
    {true, "//[::1]x", NULL, "an IPv6 address is in brackets, as [::1]:6379"},
    {true, "//a:0", NULL, "a port is a number from 1 to 65535"},
    {true, "//a:65536", NULL, "a port is a number from 1 to 65535"},
    {true, "//a:1:2", NULL, "a port is a number from 1 to 65535"},
    {true, "//a:1,b:1", NULL, "several nodes are a cluster, which is redis-cluster://"},
    {false, "//a:1/1", NULL, "a cluster has no databases"},
    {true, "//a:1/x", NULL, "a database is a number, as in redis://HOST:PORT/1"},
    {true, "//a:1/65536", NULL, "a database is a number, as in redis://HOST:PORT/1"},
    {true, "//a:1", "?ack=all",
     "ack is master, replica, replica(N), replica(N,MILLISECONDS) or fsync; N is 1 to 16"},
    {true, "//a:1", "?ack=replica(0)", "ack is master"},
    {true, "//a:1", "?ack=replica(1,0)", "ack is master"},
    {true, "//a:1", "?ack=replica(1,2)x", "ack is master"},
    {true, "//a:1", "?ack=replica(1", "ack is master"},
    {true, "//a:1", "?timeout=0", "a time is 0.001 to 3600 seconds"},
    {true, "//a:1", "?connect-timeout=x", "a time is 0.001 to 3600 seconds"},
    {true, "//a:1", "?max-calls=1", "max-calls is 2 to 16777216"},
    {true, "//a:1", "?user=me", "a user needs password-file=FILE"},
    {true, "//a:1", "?password-file=/nonexistent/p",
     "redis store: cannot read the password in /nonexistent/p: No such file or directory"},
    {true, "//a:1", "?password-file=/dev/null",
     "the first line of the file is the password, of 1 to 512 bytes"},
    {true, "//a:1", "?tls=yes", "tls is on or off"},
    {true, "//a:1", "?ca=x", "this option needs tls=on"},
    {true, "//a:1", "?tls=on", "unknown transport"},
};

static void test_mistakes_are_refused_with_what_is_right(void **state)
{
    char text[32 * 70] = "//", host[300];
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        int err = world_try(refused[i].single, refused[i].where, refused[i].options);
        assert_true(err < 0);
        if (!strstr(world.error.text, refused[i].text))
            fail_msg("%zu: '%s' lacks '%s'", i, world.error.text, refused[i].text);
        assert_null(world.shared);
    }
    for (int i = 0; i < 65; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%sa%d:1", i ? "," : "", i);
    assert_int_equal(world_try(false, text, NULL), WEFT_ECONFIG);
    assert_non_null(
        strstr(world.error.text, "more than 64 nodes; a few are enough to find the others"));
    snprintf(host, sizeof host, "//%0*d", 280, 0);
    assert_int_equal(world_try(false, host, NULL), WEFT_ECONFIG);
    assert_non_null(strstr(world.error.text, "the name of a host is too long"));
}

static void test_store_needs_a_program_that_lets_it_connect(void **state)
{
    const struct weft_option_set none = {NULL, 0};
    const struct kv_store_options given = {.where = "//a:1", .set = &none};
    (void)state;
    assert_int_equal(kv_redis_shared_new(&world.shared, &given, true, &world.error), WEFT_ECONFIG);
    assert_non_null(
        strstr(world.error.text, "redis store: this program gives its stores no way to connect"));
}

static void test_places_and_options_are_read(void **state)
{
    char url[REDIS_URL_MAX];
    (void)state;
    world_start(true, "//[::1]/3", NULL);
    assert_string_equal(world.shared->seeds[0].host, "::1");
    assert_int_equal(world.shared->seeds[0].port, 6379);
    assert_int_equal(world.shared->database, 3);
    assert_int_equal(world.shared->ack, REDIS_ACK_MASTER);
    kv_redis_url(world.shared, "::1", 7, url, sizeof url);
    assert_string_equal(url, "tcp://[::1]:7");
    world_stop();

    world_start(false, "//a:1,b:2/", "?ack=replica(3,70)&timeout=2&connect-timeout=0.5&tls=off");
    assert_int_equal(world.shared->seed_count, 2);
    assert_int_equal(world.shared->ack, REDIS_ACK_REPLICA);
    assert_int_equal(world.shared->ack_replicas, 3);
    assert_int_equal(world.shared->timeout, MS(2000));
    assert_int_equal(world.shared->connect_timeout, MS(500));
    world_stop();
    world_start(false, "//a:1", NULL);
    assert_int_equal(world.shared->ack, REDIS_ACK_REPLICA);
    assert_int_equal(world.shared->ack_replicas, 1);
}

/* A filter of that name, since the real one needs certificates. */
static char configured[512];

static int configure(void *config, void *context, const struct weft_url *url, enum weft_role role,
                     const struct weft_codec *const *codecs, struct weft_error *error)
{
    (void)config, (void)context, (void)role, (void)codecs, (void)error;
    snprintf(configured, sizeof configured, "%s %s:%s %s %s", url->scheme, url->host, url->port,
             url->options[0].value, url->options[1].value);
    return 0;
}

static int init(void *state, const void *config, enum weft_role role)
{
    (void)state, (void)config, (void)role;
    return -ENOMEM;
}

static void fini(void *state)
{
    (void)state;
}

static ssize_t open_nothing(void *state, uint8_t *dst, size_t size, struct weft_filter_io *io)
{
    (void)state, (void)dst, (void)size, (void)io;
    return -EAGAIN;
}

static int seal_nothing(void *state, struct weft_view plain, struct weft_filter_io *io)
{
    (void)state, (void)plain, (void)io;
    return 0;
}

static void test_options_of_tls_become_those_of_each_node(void **state)
{
    static const struct weft_option options[] = {{.name = "ca"}, {.name = "name"}, {.name = NULL}};
    static const struct weft_filter tls = {.name = "tls",
                                           .options = options,
                                           .configure = configure,
                                           .init = init,
                                           .fini = fini,
                                           .open = open_nothing,
                                           .seal = seal_nothing};
    (void)state;
    assert_int_equal(weft_registry_add_filter(&world.registry, &tls, NULL), 0);
    world_start(true, "//a:1", "?tls=on&ca=/a%26b%25%20c&name=n");
    assert_string_equal(configured, "tls+tcp a:1 /a&b% c n");
}

static void start_and_stop(void *arg)
{
    int err;
    (void)arg;
    memset(&world.registry, 0, sizeof world.registry);
    world_add_transport();
    err = world_try(true, "//a:1", "?user=u&password-file=/etc/hostname");
    assert_int_equal(err, fault_failed() > 0 ? -ENOMEM : 0);
    world_stop();
}

static void test_start_survives_every_failing_allocation(void **state)
{
    (void)state;
    assert_int_equal(weft_loop_new(&world.loop, 0), 0);
    script_begin(1);
    fault_each(start_and_stop, NULL);
    weft_loop_free(world.loop);
    assert_int_equal(script_finish(), 0);
}

struct taker {
    struct weft_samples samples;
    double calls;
    size_t count;
};

static void take(struct weft_samples *samples, const struct weft_sample *sample)
{
    struct taker *taker = (struct taker *)(void *)samples;
    taker->count++;
    if (strcmp(sample->metric->name, "weft_redis_calls") == 0)
        taker->calls = sample->value;
}

static void test_samples_of_all_loops_are_added_up(void **state)
{
    const struct redis_hooks hooks = {.arg = NULL};
    struct redis_cluster *other;
    struct test_call a = {0};
    struct taker taker = {.samples = {.take = take}};
    (void)state;
    world_start(true, "//a:1", NULL);
    assert_int_equal(kv_redis_start(&other, world.shared, world.loop, &hooks), 0);
    submit(&a, "a", 1, "GET k", "");
    (void)kv_redis_cancel(world.cluster, &a.call);
    a.call.done = NULL;
    kv_redis_submit(other, &a.call);
    (void)kv_redis_cancel(other, &a.call);
    kv_redis_collect(world.shared, &taker.samples);
    assert_true(taker.calls == 2);
    assert_int_equal(taker.count, 13);
    kv_redis_stop(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_mistakes_are_refused_with_what_is_right),
        WORLD_TEST(test_store_needs_a_program_that_lets_it_connect),
        WORLD_TEST(test_places_and_options_are_read),
        WORLD_TEST(test_options_of_tls_become_those_of_each_node),
        cmocka_unit_test(test_start_survives_every_failing_allocation),
        WORLD_TEST(test_samples_of_all_loops_are_added_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
