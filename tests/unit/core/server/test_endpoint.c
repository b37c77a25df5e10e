/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/server/endpoint.h"
#include "lib/fault.h"
#include "dummy_plugins.h"

/* The plugins here note how they were configured. */
struct config {
    uint64_t max_frame;
    char level;
};

static int configure_codec(void *memory, const struct weft_option_set *set,
                           const struct weft_limits *limits, struct weft_error *error)
{
    struct config *config = memory;
    const char *level = weft_option_get(set, "level");
    if (level && strcmp(level, "none") == 0)
        return -ENOMEM;
    if (level && (level[0] < '1' || level[0] > '9'))
        return weft_error_set(error, WEFT_ECONFIG, "level=%s: it takes 1 to 9", level);
    *config = (struct config){.max_frame = limits->max_frame, .level = level ? level[0] : '6'};
    return 0;
}

static int configure_service(void *memory, void *context, const struct weft_option_set *set,
                             const struct weft_limits *limits, struct weft_error *error)
{
    (void)context, (void)limits;
    struct config *config = memory;
    const char *depth = weft_option_get(set, "depth");
    if (depth && depth[0] == '-')
        return weft_error_set(error, WEFT_ECONFIG, "depth=%s: it takes a number", depth);
    config->level = depth ? depth[0] : '0';
    return 0;
}

static const struct weft_option codec_options[] = {
    {.name = "threshold"}, {.name = "level"}, {.name = NULL}};
static const struct weft_option service_options[] = {{.name = "depth"}, {.name = NULL}};
static const struct weft_option transport_options[] = {{.name = "backlog"}, {.name = NULL}};

static const struct weft_endpoint_defaults server = {.codec = "plain", .service = "kv"};
static const struct weft_endpoint_defaults client = {.codec = "plain"};
static const struct weft_endpoint_defaults client_explicit = {.codec = "plain",
                                                              .codec_is_explicit = true};

struct fixture {
    struct weft_codec plain, zip, resp;
    struct weft_service kv, any, cache;
    struct weft_transport tcp;
    struct weft_registry registry;
    struct weft_limits limits;
    struct weft_endpoint endpoint;
    struct weft_error error;
};

static void make_plugins(struct fixture *f)
{
    f->plain = dummy_codec("plain");
    f->zip = dummy_codec("zip");
    f->zip.options = codec_options;
    f->zip.config_size = sizeof(struct config);
    f->zip.configure = configure_codec;
    f->resp = dummy_codec("resp");
    f->resp.speaks = "resp";
    f->kv = dummy_service("kv");
    f->kv.speaks = "protobuf:abi";
    f->kv.options = service_options;
    f->kv.config_size = sizeof(struct config);
    f->kv.configure = configure_service;
    f->any = dummy_service("any");
    f->cache = dummy_service("cache");
    f->cache.speaks = "resp";
    f->tcp = dummy_transport("tcp");
    f->tcp.options = transport_options;
}

static int setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;
    struct weft_registry *registry = &f->registry;
    *f = (struct fixture){.limits = weft_limits_default()};
    *state = f;
    make_plugins(f);
    return weft_registry_add_codec(registry, &f->plain) |
           weft_registry_add_codec(registry, &f->zip) |
           weft_registry_add_codec(registry, &f->resp) |
           weft_registry_add_service(registry, &f->kv, NULL) |
           weft_registry_add_service(registry, &f->any, NULL) |
           weft_registry_add_service(registry, &f->cache, NULL) |
           weft_registry_add_transport(registry, &f->tcp);
}

static int init(struct fixture *f, const char *url, const struct weft_endpoint_defaults *defaults)
{
    /* Whatever it finds there means nothing. */
    memset(&f->endpoint, 0xff, sizeof f->endpoint);
    return weft_endpoint_init(&f->endpoint, url, &f->registry, defaults, &f->limits, &f->error);
}

static void assert_refused(struct fixture *f, const char *url,
                           const struct weft_endpoint_defaults *defaults, const char *text)
{
    assert_int_equal(init(f, url, defaults), WEFT_ECONFIG);
    assert_int_equal(f->error.code, WEFT_ECONFIG);
    assert_string_equal(f->error.text, text);
    assert_null(f->endpoint.codec_config);
    assert_null(f->endpoint.service_config);
}

static void test_endpoint_takes_from_the_defaults_what_the_url_leaves_out(void **state)
{
    struct fixture *f = *state;
    char text[64];
    assert_int_equal(init(f, "tcp://127.0.0.1:9527", &server), 0);
    assert_ptr_equal(f->endpoint.stack->transport, &f->tcp);
    assert_ptr_equal(f->endpoint.codec, &f->plain);
    assert_ptr_equal(f->endpoint.service, &f->kv);
    assert_string_equal(f->endpoint.url.port, "9527");
    assert_string_equal(weft_endpoint_describe(&f->endpoint, text, sizeof text),
                        "codec=plain service=kv");
    weft_endpoint_fini(&f->endpoint);
}

static void test_endpoint_takes_what_the_url_names_and_configures_it(void **state)
{
    struct fixture *f = *state;
    f->limits.max_frame = 4711;
    assert_int_equal(
        init(f, "tcp://[::1]:0?codec=zip&service=kv&level=3&depth=7&backlog=1", &server), 0);
    assert_ptr_equal(f->endpoint.codec, &f->zip);
    const struct config *codec = f->endpoint.codec_config, *service = f->endpoint.service_config;
    assert_int_equal(codec->max_frame, 4711);
    assert_int_equal(codec->level, '3');
    assert_int_equal(service->level, '7');
    weft_endpoint_fini(&f->endpoint);
}

static void test_endpoint_of_a_client_has_no_service(void **state)
{
    struct fixture *f = *state;
    char text[64];
    assert_int_equal(init(f, "tcp://127.0.0.1:9527?codec=zip", &client), 0);
    assert_null(f->endpoint.service);
    assert_string_equal(weft_endpoint_describe(&f->endpoint, text, sizeof text), "codec=zip");
    weft_endpoint_fini(&f->endpoint);
}

static void test_endpoint_lets_star_speak_with_everything(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(init(f, "tcp://h:1?codec=resp&service=any", &server), 0);
    weft_endpoint_fini(&f->endpoint);
    assert_int_equal(init(f, "tcp://h:1?codec=resp&service=cache", &server), 0);
    weft_endpoint_fini(&f->endpoint);
}

static void test_endpoint_refuses_a_codec_and_a_service_that_speak_differently(void **state)
{
    assert_refused(*state, "tcp://h:1?codec=resp", &server,
                   "codec 'resp' carries resp, but service 'kv' speaks protobuf:abi in "
                   "'tcp://h:1?codec=resp'");
}

/* Services of one name are its faces. */
static void test_endpoint_takes_the_face_that_its_codec_carries(void **state)
{
    struct fixture *f = *state;
    struct weft_service face = dummy_service("kv"), any = dummy_service("kv");
    face.speaks = "resp";
    assert_int_equal(weft_registry_add_service(&f->registry, &any, NULL), 0);
    assert_int_equal(weft_registry_add_service(&f->registry, &face, &f->cache), 0);
    assert_int_equal(init(f, "tcp://h:1?codec=resp", &server), 0);
    assert_ptr_equal(f->endpoint.service, &face);
    weft_endpoint_fini(&f->endpoint);
    f->resp.speaks = "http";
    assert_int_equal(init(f, "tcp://h:1?codec=resp", &server), 0);
    assert_ptr_equal(f->endpoint.service, &any);
    weft_endpoint_fini(&f->endpoint);
    assert_int_equal(init(f, "tcp://h:1?codec=zip&depth=3", &server), 0);
    assert_ptr_equal(f->endpoint.service, &f->kv);
    weft_endpoint_fini(&f->endpoint);
}

static void test_endpoint_lists_the_languages_where_no_face_fits(void **state)
{
    struct fixture *f = *state;
    struct weft_service face = dummy_service("kv");
    face.speaks = "http";
    assert_int_equal(weft_registry_add_service(&f->registry, &face, NULL), 0);
    assert_refused(f, "tcp://h:1?codec=resp&service=kv", &server,
                   "codec 'resp' carries resp, but service 'kv' speaks protobuf:abi, http in "
                   "'tcp://h:1?codec=resp&service=kv'");
}

static void test_endpoint_refuses_an_address_without_its_transport(void **state)
{
    assert_refused(*state, "somewhere:9527", &server,
                   "'somewhere:9527' names no transport: is tcp://somewhere:9527 meant?");
    assert_refused(*state, "localhost:http", &server,
                   "unknown transport 'localhost'; there are: tcp");
}

static void test_endpoint_refuses_unknown_names_and_lists_the_known(void **state)
{
    assert_refused(*state, "udp://h:1", &server, "unknown transport 'udp'; there are: tcp");
    assert_refused(*state, "ws+tcp://h:1", &server, "unknown transport 'ws+tcp'; there are: tcp");
    assert_refused(*state, "tcp://h:1/path", &server,
                   "'tcp://h:1/path': tcp has no use for the path '/path' behind the port");
    assert_refused(*state, "tcp://h:1?codec=zap", &server,
                   "unknown codec 'zap'; there are: plain, zip, resp");
    assert_refused(*state, "tcp://h:1?service=kw", &server,
                   "unknown service 'kw'; there are: kv, any, cache");
}

static void test_endpoint_refuses_an_option_nobody_declares_and_lists_the_declared(void **state)
{
    assert_refused(*state, "tcp://h:1?codec=zip&treshold=5", &server,
                   "unknown option 'treshold' in 'tcp://h:1?codec=zip&treshold=5'; there are: "
                   "codec, service, layers, backlog, threshold, level, depth");
    assert_refused(*state, "tcp://h:1?depth=5", &client,
                   "unknown option 'depth' in 'tcp://h:1?depth=5'; there are: codec, backlog");
}

static void test_endpoint_refuses_layers_in_the_url_of_a_client(void **state)
{
    assert_refused(*state, "tcp://h:1?layers=a", &client,
                   "'layers=a' in 'tcp://h:1?layers=a' is for servers; a client's URL names "
                   "the address and the codec");
}

static void test_endpoint_refuses_a_service_in_the_url_of_a_client(void **state)
{
    assert_refused(*state, "tcp://h:1?service=kv", &client,
                   "'service=kv' in 'tcp://h:1?service=kv' is for servers; a client's URL names "
                   "the address and the codec");
}

static void test_endpoint_refuses_a_url_that_contradicts_the_codec_asked_for(void **state)
{
    struct fixture *f = *state;
    assert_refused(f, "tcp://h:1?codec=zip", &client_explicit,
                   "codec 'plain' was asked for, but 'tcp://h:1?codec=zip' names codec 'zip'");
    assert_int_equal(init(f, "tcp://h:1?codec=plain", &client_explicit), 0);
    weft_endpoint_fini(&f->endpoint);
}

static void test_endpoint_says_in_which_url_a_plugin_refused_its_option(void **state)
{
    assert_refused(*state, "tcp://h:1?codec=zip&level=x", &server,
                   "level=x: it takes 1 to 9 in 'tcp://h:1?codec=zip&level=x'");
    assert_refused(*state, "tcp://h:1?codec=zip&depth=-", &server,
                   "depth=-: it takes a number in 'tcp://h:1?codec=zip&depth=-'");
}

static void test_endpoint_passes_on_what_the_system_refused_a_plugin(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(init(f, "tcp://h:1?codec=zip&level=none", &client), -ENOMEM);
    assert_int_equal(f->error.code, -ENOMEM);
    assert_null(f->endpoint.codec_config);
}

static void test_endpoint_refuses_a_text_that_is_no_url(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(init(f, "9527", &server), WEFT_ECONFIG);
    assert_int_not_equal(strlen(f->error.text), 0);
}

static void init_and_fini(void *arg)
{
    struct fixture *f = arg;
    int err = init(f, "tcp://h:1?codec=zip&service=kv", &server);
    assert_int_equal(err, fault_failed() > 0 ? -ENOMEM : 0);
    weft_endpoint_fini(&f->endpoint);
}

static void test_endpoint_survives_every_failing_allocation(void **state)
{
    fault_each(init_and_fini, *state);
}

static void test_endpoint_fini_takes_a_zeroed_one(void **state)
{
    (void)state;
    struct weft_endpoint endpoint = {.codec = NULL};
    weft_endpoint_fini(&endpoint);
    assert_null(endpoint.codec_config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_endpoint_takes_from_the_defaults_what_the_url_leaves_out,
                               setup),
        cmocka_unit_test_setup(test_endpoint_takes_what_the_url_names_and_configures_it, setup),
        cmocka_unit_test_setup(test_endpoint_of_a_client_has_no_service, setup),
        cmocka_unit_test_setup(test_endpoint_lets_star_speak_with_everything, setup),
        cmocka_unit_test_setup(test_endpoint_refuses_a_codec_and_a_service_that_speak_differently,
                               setup),
        cmocka_unit_test_setup(test_endpoint_takes_the_face_that_its_codec_carries, setup),
        cmocka_unit_test_setup(test_endpoint_lists_the_languages_where_no_face_fits, setup),
        cmocka_unit_test_setup(test_endpoint_refuses_an_address_without_its_transport, setup),
        cmocka_unit_test_setup(test_endpoint_refuses_unknown_names_and_lists_the_known, setup),
        cmocka_unit_test_setup(
            test_endpoint_refuses_an_option_nobody_declares_and_lists_the_declared, setup),
        cmocka_unit_test_setup(test_endpoint_refuses_layers_in_the_url_of_a_client, setup),
        cmocka_unit_test_setup(test_endpoint_refuses_a_service_in_the_url_of_a_client, setup),
        cmocka_unit_test_setup(test_endpoint_refuses_a_url_that_contradicts_the_codec_asked_for,
                               setup),
        cmocka_unit_test_setup(test_endpoint_says_in_which_url_a_plugin_refused_its_option, setup),
        cmocka_unit_test_setup(test_endpoint_passes_on_what_the_system_refused_a_plugin, setup),
        cmocka_unit_test_setup(test_endpoint_refuses_a_text_that_is_no_url, setup),
        cmocka_unit_test_setup(test_endpoint_survives_every_failing_allocation, setup),
        cmocka_unit_test(test_endpoint_fini_takes_a_zeroed_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
