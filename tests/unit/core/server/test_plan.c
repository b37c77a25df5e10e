/* SPDX-License-Identifier: MIT
 *
 * The endpoints that the URLs of a server stand for, as weft_server_describe shows them, and the URLs
 * that are refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "core/server.h"
#include "dummy_plugins.h"
#include "lib/fault.h"

static enum weft_probe claim_nothing(const void *config, struct weft_view in)
{
    (void)config, (void)in;
    return WEFT_PROBE_NO;
}

static const struct weft_option resp_options[] = {{.name = "inline"}, {.name = NULL}};
static const struct weft_option face_options[] = {{.name = "default"}, {.name = NULL}};
static const struct weft_option transport_options[] = {{.name = "backlog"}, {.name = NULL}};
static const struct weft_option layer_options[] = {{.name = "quota"}, {.name = NULL}};

struct fixture {
    struct weft_codec resp, http, blind;
    struct weft_service kv, kv_resp, kv_http, any;
    struct weft_transport tcp;
    struct weft_layer layer;
    struct weft_registry registry;
    const char *urls[4];
    struct weft_server_options options;
    struct weft_server *server;
    struct weft_error error;
    char text[2048];
};

static void make_plugins(struct fixture *f)
{
    f->resp = dummy_codec("resp");
    f->resp.speaks = "resp";
    f->resp.probe = claim_nothing;
    f->resp.options = resp_options;
    f->http = dummy_codec("http");
    f->http.speaks = "http";
    f->http.probe = claim_nothing;
    f->blind = dummy_codec("blind");
    f->kv = dummy_service("kv");
    f->kv.speaks = "protobuf:abi";
    f->kv_resp = dummy_service("kv");
    f->kv_resp.speaks = "resp";
    f->kv_resp.options = face_options;
    f->kv_http = dummy_service("kv");
    f->kv_http.speaks = "http";
    f->any = dummy_service("any");
    f->tcp = dummy_transport("tcp");
    f->tcp.options = transport_options;
    f->layer = (struct weft_layer){.name = "metrics", .options = layer_options};
}

static int setup(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;
    struct weft_registry *registry = &f->registry;
    *f = (struct fixture){.options = {
                              .registry = registry,
                              .urls = f->urls,
                              .codec = "length-delimited-gzip",
                              .service = "kv",
                              .limits = weft_limits_default(),
                              .threads = 1,
                          }};
    *state = f;
    make_plugins(f);
    return weft_registry_add_codec(registry, &weft_codec_raw) |
           weft_registry_add_codec(registry, &weft_codec_length_delimited_gzip) |
           weft_registry_add_codec(registry, &weft_codec_varint) |
           weft_registry_add_codec(registry, &f->resp) |
           weft_registry_add_codec(registry, &f->http) |
           weft_registry_add_codec(registry, &f->blind) |
           weft_registry_add_service(registry, &f->kv, NULL) |
           weft_registry_add_service(registry, &f->kv_resp, NULL) |
           weft_registry_add_service(registry, &f->kv_http, NULL) |
           weft_registry_add_service(registry, &f->any, NULL) |
           weft_registry_add_layer(registry, &f->layer, NULL) |
           weft_registry_add_transport(registry, &f->tcp);
}

/* Makes a server of up to three URLs, the first NULL ends them. */
static int make(struct fixture *f, const char *one, const char *two, const char *three)
{
    f->urls[0] = one;
    f->urls[1] = two;
    f->urls[2] = three;
    f->options.url_count = three ? 3 : two ? 2 : 1;
    f->registry.frozen = false;
    return weft_server_new(&f->server, &f->options, &f->error);
}

/* Compares the endpoints, of which each has a line: its address, codec, service and language. */
static void assert_endpoints(struct fixture *f, const char *text)
{
    char line[512];
    f->text[0] = '\0';
    for (size_t i = 0; weft_server_describe(f->server, i, line, sizeof line); i++) {
        size_t used = strlen(f->text);
        snprintf(f->text + used, sizeof f->text - used, "%s\n", line);
    }
    assert_string_equal(f->text, text);
    weft_server_free(f->server);
}

static void assert_refused(struct fixture *f, const char *one, const char *two, const char *text)
{
    assert_int_equal(make(f, one, two, NULL), WEFT_ECONFIG);
    assert_null(f->server);
    assert_string_equal(f->error.text, text);
}

static void test_url_of_options_alone_is_a_variant_of_the_endpoint_before(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(make(f, "tcp://h:1", "?codec=resp", "?codec=http&service=any"), 0);
    assert_endpoints(f, "tcp://h:1 codec=length-delimited-gzip service=kv speaks=protobuf:abi\n"
                        "tcp://h:1 codec=resp service=kv speaks=resp\n"
                        "tcp://h:1 codec=http service=any speaks=*\n");
}

static void test_endpoint_behind_a_variant_has_an_address_of_its_own(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(make(f, "tcp://h:1", "?codec=resp", "tcp://h:2?codec=raw"), 0);
    assert_endpoints(f, "tcp://h:1 codec=length-delimited-gzip service=kv speaks=protobuf:abi\n"
                        "tcp://h:1 codec=resp service=kv speaks=resp\n"
                        "tcp://h:2 codec=raw service=kv speaks=protobuf:abi\n");
}

static void test_auto_is_every_codec_with_a_probe_that_the_service_speaks_with(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(make(f, "tcp://h:1?codec=auto", NULL, NULL), 0);
    assert_endpoints(f, "tcp://h:1 codec=length-delimited-gzip service=kv speaks=protobuf:abi\n"
                        "tcp://h:1 codec=resp service=kv speaks=resp\n"
                        "tcp://h:1 codec=http service=kv speaks=http\n");
    f->http.speaks = "cobol";
    assert_int_equal(make(f, "tcp://h:1?codec=auto", NULL, NULL), 0);
    assert_endpoints(f, "tcp://h:1 codec=length-delimited-gzip service=kv speaks=protobuf:abi\n"
                        "tcp://h:1 codec=resp service=kv speaks=resp\n");
}

static void test_auto_begins_with_the_default_codec(void **state)
{
    struct fixture *f = *state;
    f->options.codec = "http";
    assert_int_equal(make(f, "tcp://h:1?codec=auto", NULL, NULL), 0);
    assert_endpoints(f, "tcp://h:1 codec=http service=kv speaks=http\n"
                        "tcp://h:1 codec=length-delimited-gzip service=kv speaks=protobuf:abi\n"
                        "tcp://h:1 codec=resp service=kv speaks=resp\n");
    f->options.codec = "auto";
    assert_int_equal(make(f, "tcp://h:1", NULL, NULL), 0);
    assert_endpoints(f, "tcp://h:1 codec=length-delimited-gzip service=kv speaks=protobuf:abi\n"
                        "tcp://h:1 codec=resp service=kv speaks=resp\n"
                        "tcp://h:1 codec=http service=kv speaks=http\n");
}

static void test_auto_with_names_is_those_in_their_order(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(make(f, "tcp://h:1?codec=auto:http,resp", "tcp://h:2", NULL), 0);
    assert_endpoints(f, "tcp://h:1 codec=http service=kv speaks=http\n"
                        "tcp://h:1 codec=resp service=kv speaks=resp\n"
                        "tcp://h:2 codec=length-delimited-gzip service=kv speaks=protobuf:abi\n");
    f->options.codec = "auto:resp,http";
    assert_int_equal(make(f, "tcp://h:1", NULL, NULL), 0);
    assert_endpoints(f, "tcp://h:1 codec=resp service=kv speaks=resp\n"
                        "tcp://h:1 codec=http service=kv speaks=http\n");
}

static void test_auto_as_a_variant_adds_what_the_address_lacks(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(make(f, "tcp://h:1?codec=resp", "?codec=auto", NULL), 0);
    assert_endpoints(f, "tcp://h:1 codec=resp service=kv speaks=resp\n"
                        "tcp://h:1 codec=length-delimited-gzip service=kv speaks=protobuf:abi\n"
                        "tcp://h:1 codec=http service=kv speaks=http\n");
    assert_int_equal(make(f, "tcp://h:1", "?codec=auto:http", NULL), 0);
    assert_endpoints(f, "tcp://h:1 codec=length-delimited-gzip service=kv speaks=protobuf:abi\n"
                        "tcp://h:1 codec=http service=kv speaks=http\n");
}

static void test_options_beside_auto_may_be_those_of_any_codec_or_face(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        make(f, "tcp://h:1?codec=auto&threshold=off&inline=no&default=t&backlog=3", NULL, NULL), 0);
    weft_server_free(f->server);
    assert_refused(f, "tcp://h:1?codec=auto&dunno=1", NULL,
                   "unknown option 'dunno' in 'tcp://h:1?codec=auto&dunno=1'; there are: codec, "
                   "service, layers, backlog, threshold, level, inline, default");
}

static void test_variant_has_layers_of_its_own_and_no_options_of_the_transport(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(make(f, "tcp://h:1", "?codec=resp&layers=metrics&quota=3", NULL), 0);
    weft_server_free(f->server);
    assert_refused(
        f, "tcp://h:1", "?codec=resp&backlog=3",
        "unknown option 'backlog' in '?codec=resp&backlog=3'; there are: codec, service, "
        "layers, inline, default");
}

static void test_variant_belongs_to_the_endpoint_right_before_it(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(make(f, "tcp://h:1", "tcp://h:2", "?codec=resp"), 0);
    assert_endpoints(f, "tcp://h:1 codec=length-delimited-gzip service=kv speaks=protobuf:abi\n"
                        "tcp://h:2 codec=length-delimited-gzip service=kv speaks=protobuf:abi\n"
                        "tcp://h:2 codec=resp service=kv speaks=resp\n");
}

static void test_variant_without_an_endpoint_is_refused(void **state)
{
    assert_refused(*state, "?codec=resp", NULL,
                   "'?codec=resp' adds to the endpoint before it, and there is none");
}

static void test_variant_of_a_codec_that_the_address_has_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_refused(f, "tcp://h:1", "?threshold=off",
                   "codec 'length-delimited-gzip' in '?threshold=off' is at this address already");
    assert_refused(f, "tcp://h:1?codec=auto:resp,resp", NULL,
                   "codec 'resp' in 'tcp://h:1?codec=auto:resp,resp' is at this address already");
}

static void test_codec_without_a_probe_is_refused_behind_another(void **state)
{
    assert_refused(
        *state, "tcp://h:1", "?codec=raw",
        "codec 'raw' in '?codec=raw' does not know its peers by their first bytes, so it "
        "can only be the first one at an address");
}

static void test_codec_without_a_probe_may_be_first_where_nobody_takes_its_frames(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(make(f, "tcp://h:1?codec=raw", "?codec=auto:http,resp", NULL), 0);
    assert_endpoints(f, "tcp://h:1 codec=raw service=kv speaks=protobuf:abi\n"
                        "tcp://h:1 codec=http service=kv speaks=http\n"
                        "tcp://h:1 codec=resp service=kv speaks=resp\n");
    assert_int_equal(make(f, "tcp://h:1?codec=blind", "?codec=resp", NULL), 0);
    weft_server_free(f->server);
}

static void test_codec_without_a_probe_is_refused_where_another_takes_its_frames(void **state)
{
    struct fixture *f = *state;
    assert_refused(f, "tcp://h:1?codec=raw", "?codec=length-delimited-gzip",
                   "codec 'length-delimited-gzip' would take frames of codec 'raw' for its own, so "
                   "they cannot share the address tcp://h:1");
    assert_refused(f, "tcp://h:1?codec=varint", "?codec=auto",
                   "codec 'length-delimited-gzip' would take frames of codec 'varint' for its own, "
                   "so they cannot share the address tcp://h:1");
}

static int encode_without_memory(const struct weft_codec_state *state, const struct weft_body *body,
                                 struct weft_encode_io *io)
{
    (void)state, (void)body, (void)io;
    return -ENOMEM;
}

static int encode_over_a_limit(const struct weft_codec_state *state, const struct weft_body *body,
                               struct weft_encode_io *io)
{
    (void)state, (void)body, (void)io;
    return WEFT_ETOOBIG;
}

static void test_codec_that_makes_no_frame_to_try_is_taken(void **state)
{
    struct fixture *f = *state;
    f->blind.encode = encode_over_a_limit;
    assert_int_equal(make(f, "tcp://h:1?codec=blind", "?codec=resp", NULL), 0);
    weft_server_free(f->server);
    f->blind.encode = encode_without_memory;
    assert_int_equal(make(f, "tcp://h:1?codec=blind", "?codec=resp", NULL), -ENOMEM);
    assert_string_equal(f->error.text, "cannot try codec 'blind': Cannot allocate memory");
}

static void test_names_that_are_unknown_are_refused_as_elsewhere(void **state)
{
    struct fixture *f = *state;
    const char *known = "there are: raw, length-delimited-gzip, varint, resp, http, blind";
    char text[256];
    snprintf(text, sizeof text, "unknown codec 'rasp'; %s", known);
    assert_refused(f, "tcp://h:1?codec=auto:resp,rasp", NULL, text);
    snprintf(text, sizeof text, "unknown codec 'automatic'; %s", known);
    assert_refused(f, "tcp://h:1?codec=automatic", NULL, text);
    snprintf(text, sizeof text, "unknown codec ''; %s", known);
    assert_refused(f, "tcp://h:1?codec=auto:resp,", NULL, text);
    assert_refused(f, "tcp://h:1?codec=auto&service=vk", NULL,
                   "unknown service 'vk'; there are: kv, any");
}

static void test_url_without_a_name_is_refused_if_there_is_no_default(void **state)
{
    struct fixture *f = *state;
    f->options.codec = NULL;
    assert_refused(f, "tcp://h:1?codec=raw", "tcp://h:2",
                   "'tcp://h:2' names no codec, and there is no default: add codec=NAME");
    f->options.service = NULL;
    assert_refused(f, "tcp://h:1?service=any&codec=raw", "?codec=resp",
                   "'?codec=resp' names no service, and there is no default: add service=NAME");
    assert_int_equal(
        make(f, "tcp://h:1?codec=raw&service=kv", "?codec=auto:http&service=any", NULL), 0);
    assert_endpoints(f, "tcp://h:1 codec=raw service=kv speaks=protobuf:abi\n"
                        "tcp://h:1 codec=http service=any speaks=*\n");
    assert_int_equal(make(f, "tcp://h:1?codec=auto&service=kv", NULL, NULL), 0);
    assert_endpoints(f, "tcp://h:1 codec=length-delimited-gzip service=kv speaks=protobuf:abi\n"
                        "tcp://h:1 codec=resp service=kv speaks=resp\n"
                        "tcp://h:1 codec=http service=kv speaks=http\n");
}

static void test_variant_that_is_no_url_is_refused(void **state)
{
    assert_refused(*state, "tcp://h:1", "?codec",
                   "'?codec': an option is NAME=VALUE, not 'codec'; the forms are "
                   "tcp://HOST:PORT?name=value&... and unix:PATH?name=value&...");
}

static void test_auto_that_adds_nothing_is_refused(void **state)
{
    assert_refused(*state, "tcp://h:1?codec=auto", "?codec=auto",
                   "'?codec=auto' adds no codec: none is left that knows its peers by their first "
                   "bytes and that service 'kv' has a face for");
}

static void make_and_free(void *arg)
{
    struct fixture *f = arg;
    int err = make(f, "tcp://h:1?codec=raw", "?codec=auto:http,resp", NULL);
    assert_true(err == 0 || (err == -ENOMEM && fault_failed() > 0));
    weft_server_free(f->server);
}

static void test_server_with_variants_survives_every_failing_allocation(void **state)
{
    fault_each(make_and_free, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_url_of_options_alone_is_a_variant_of_the_endpoint_before,
                               setup),
        cmocka_unit_test_setup(test_endpoint_behind_a_variant_has_an_address_of_its_own, setup),
        cmocka_unit_test_setup(test_auto_is_every_codec_with_a_probe_that_the_service_speaks_with,
                               setup),
        cmocka_unit_test_setup(test_auto_begins_with_the_default_codec, setup),
        cmocka_unit_test_setup(test_auto_with_names_is_those_in_their_order, setup),
        cmocka_unit_test_setup(test_auto_as_a_variant_adds_what_the_address_lacks, setup),
        cmocka_unit_test_setup(test_options_beside_auto_may_be_those_of_any_codec_or_face, setup),
        cmocka_unit_test_setup(test_variant_has_layers_of_its_own_and_no_options_of_the_transport,
                               setup),
        cmocka_unit_test_setup(test_variant_belongs_to_the_endpoint_right_before_it, setup),
        cmocka_unit_test_setup(test_variant_without_an_endpoint_is_refused, setup),
        cmocka_unit_test_setup(test_variant_of_a_codec_that_the_address_has_is_refused, setup),
        cmocka_unit_test_setup(test_codec_without_a_probe_is_refused_behind_another, setup),
        cmocka_unit_test_setup(
            test_codec_without_a_probe_may_be_first_where_nobody_takes_its_frames, setup),
        cmocka_unit_test_setup(test_codec_without_a_probe_is_refused_where_another_takes_its_frames,
                               setup),
        cmocka_unit_test_setup(test_codec_that_makes_no_frame_to_try_is_taken, setup),
        cmocka_unit_test_setup(test_names_that_are_unknown_are_refused_as_elsewhere, setup),
        cmocka_unit_test_setup(test_url_without_a_name_is_refused_if_there_is_no_default, setup),
        cmocka_unit_test_setup(test_variant_that_is_no_url_is_refused, setup),
        cmocka_unit_test_setup(test_auto_that_adds_nothing_is_refused, setup),
        cmocka_unit_test_setup(test_server_with_variants_survives_every_failing_allocation, setup),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
