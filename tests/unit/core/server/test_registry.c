/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/registry.h"
#include "dummy_plugins.h"

static void test_registry_finds_each_kind_by_name(void **state)
{
    (void)state;
    struct weft_registry registry = {.frozen = false};
    const struct weft_codec codecs[] = {dummy_codec("one"), dummy_codec("two")};
    const struct weft_service services[] = {dummy_service("one"), dummy_service("two")};
    const struct weft_transport transports[] = {dummy_transport("one"), dummy_transport("two")};
    int contexts[2];
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(weft_registry_add_codec(&registry, &codecs[i]), 0);
        assert_int_equal(weft_registry_add_service(&registry, &services[i], &contexts[i]), 0);
        assert_int_equal(weft_registry_add_transport(&registry, &transports[i]), 0);
    }

    void *context = NULL;
    assert_ptr_equal(weft_registry_codec(&registry, "two", NULL), &codecs[1]);
    assert_ptr_equal(weft_registry_transport(&registry, "two", NULL), &transports[1]);
    assert_ptr_equal(weft_registry_service(&registry, "two", NULL, &context, NULL), &services[1]);
    assert_ptr_equal(context, &contexts[1]);
}

static void test_registry_refuses_a_taken_name(void **state)
{
    (void)state;
    struct weft_registry registry = {.frozen = false};
    const struct weft_codec codec = dummy_codec("x"), other = dummy_codec("x");
    const struct weft_service service = dummy_service("x");
    const struct weft_transport transport = dummy_transport("x");
    assert_int_equal(weft_registry_add_codec(&registry, &codec), 0);
    assert_int_equal(weft_registry_add_codec(&registry, &other), -EEXIST);
    assert_ptr_equal(weft_registry_codec(&registry, "x", NULL), &codec);
    assert_int_equal(weft_registry_add_service(&registry, &service, NULL), 0);
    assert_int_equal(weft_registry_add_service(&registry, &service, NULL), -EEXIST);
    assert_int_equal(weft_registry_add_transport(&registry, &transport), 0);
    assert_int_equal(weft_registry_add_transport(&registry, &transport), -EEXIST);
}

static void test_registry_finds_the_face_that_speaks_a_language(void **state)
{
    (void)state;
    struct weft_registry registry = {.frozen = false};
    struct weft_service faces[] = {dummy_service("kv"), dummy_service("kv"), dummy_service("kv")};
    struct weft_error error;
    int contexts[3];
    void *context = NULL;
    faces[0].speaks = "protobuf:abi";
    faces[1].speaks = "resp";
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(weft_registry_add_service(&registry, &faces[i], &contexts[i]), 0);
    assert_ptr_equal(weft_registry_service(&registry, "kv", "resp", &context, NULL), &faces[1]);
    assert_ptr_equal(context, &contexts[1]);
    assert_ptr_equal(weft_registry_service(&registry, "kv", "*", &context, NULL), &faces[0]);
    assert_ptr_equal(weft_registry_service(&registry, "kv", NULL, &context, NULL), &faces[0]);
    assert_null(weft_registry_service(&registry, "kv", "http", &context, &error));
    assert_int_equal(error.code, WEFT_ECONFIG);
    assert_string_equal(error.text, "service 'kv' speaks protobuf:abi, resp, not http");
    assert_int_equal(weft_registry_add_service(&registry, &faces[2], &contexts[2]), 0);
    assert_ptr_equal(weft_registry_service(&registry, "kv", "http", &context, NULL), &faces[2]);
    assert_ptr_equal(weft_registry_service(&registry, "kv", "resp", &context, NULL), &faces[1]);
    assert_null(weft_registry_service(&registry, "vk", "resp", &context, &error));
    assert_string_equal(error.text, "unknown service 'vk'; there are: kv");
}

/* Of a list of names in a URL each part has room for 63 bytes. */
static void test_registry_refuses_names_that_no_url_can_say(void **state)
{
    (void)state;
    struct weft_registry registry = {.frozen = false};
    static const char fits[] = "123456789012345678901234567890123456789012345678901234567890123";
    static const char longer[] = "1234567890123456789012345678901234567890123456789012345678901234";
    static const char *const bad[] = {longer, "", "a,b", "a&b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct weft_codec codec = dummy_codec(bad[i]);
        const struct weft_service service = dummy_service(bad[i]);
        const struct weft_transport transport = dummy_transport(bad[i]);
        const struct weft_layer layer = {.name = bad[i]};
        assert_int_equal(weft_registry_add_codec(&registry, &codec), -EINVAL);
        assert_int_equal(weft_registry_add_service(&registry, &service, NULL), -EINVAL);
        assert_int_equal(weft_registry_add_transport(&registry, &transport), -EINVAL);
        assert_int_equal(weft_registry_add_layer(&registry, &layer, NULL), -EINVAL);
    }
    const struct weft_codec codec = dummy_codec(fits);
    const struct weft_service service = dummy_service(fits);
    const struct weft_transport transport = dummy_transport(fits);
    const struct weft_layer layer = {.name = fits};
    assert_int_equal(weft_registry_add_codec(&registry, &codec), 0);
    assert_int_equal(weft_registry_add_service(&registry, &service, NULL), 0);
    assert_int_equal(weft_registry_add_transport(&registry, &transport), 0);
    assert_int_equal(weft_registry_add_layer(&registry, &layer, NULL), 0);
}

static void test_registry_refuses_codecs_that_would_hide_behind_auto(void **state)
{
    (void)state;
    struct weft_registry registry = {.frozen = false};
    const struct weft_codec plain = dummy_codec("auto"), list = dummy_codec("auto:raw"),
                            other = dummy_codec("automatic");
    assert_int_equal(weft_registry_add_codec(&registry, &plain), -EINVAL);
    assert_int_equal(weft_registry_add_codec(&registry, &list), -EINVAL);
    assert_int_equal(weft_registry_add_codec(&registry, &other), 0);
}

static void test_registry_refuses_two_services_of_a_name_and_a_language(void **state)
{
    (void)state;
    struct weft_registry registry = {.frozen = false};
    struct weft_service one = dummy_service("kv"), other = dummy_service("kv");
    one.speaks = other.speaks = "resp";
    assert_int_equal(weft_registry_add_service(&registry, &one, NULL), 0);
    assert_int_equal(weft_registry_add_service(&registry, &other, NULL), -EEXIST);
    other.speaks = "http";
    assert_int_equal(weft_registry_add_service(&registry, &other, NULL), 0);
}

static void test_registry_refuses_one_service_more_than_fits(void **state)
{
    (void)state;
    struct weft_registry registry = {.frozen = false};
    char languages[WEFT_REGISTRY_MAX + 1][16];
    struct weft_service faces[WEFT_REGISTRY_MAX + 1];
    for (int i = 0; i <= WEFT_REGISTRY_MAX; i++) {
        snprintf(languages[i], sizeof languages[i], "l%d", i);
        faces[i] = dummy_service("kv");
        faces[i].speaks = languages[i];
        assert_int_equal(weft_registry_add_service(&registry, &faces[i], NULL),
                         i < WEFT_REGISTRY_MAX ? 0 : -ENOSPC);
    }
}

static void test_registry_refuses_one_more_than_fits(void **state)
{
    (void)state;
    struct weft_registry registry = {.frozen = false};
    char names[WEFT_REGISTRY_MAX + 1][16];
    struct weft_codec codecs[WEFT_REGISTRY_MAX + 1];
    for (int i = 0; i <= WEFT_REGISTRY_MAX; i++) {
        snprintf(names[i], sizeof names[i], "c%d", i);
        codecs[i] = dummy_codec(names[i]);
        assert_int_equal(weft_registry_add_codec(&registry, &codecs[i]),
                         i < WEFT_REGISTRY_MAX ? 0 : -ENOSPC);
    }
    assert_ptr_equal(weft_registry_codec(&registry, "c15", NULL), &codecs[15]);
    assert_null(weft_registry_codec(&registry, "c16", NULL));
}

static void test_registry_that_is_frozen_takes_nothing(void **state)
{
    (void)state;
    struct weft_registry registry = {.frozen = true};
    const struct weft_codec codec = dummy_codec("x");
    const struct weft_service service = dummy_service("x");
    const struct weft_transport transport = dummy_transport("x");
    assert_int_equal(weft_registry_add_codec(&registry, &codec), -EPERM);
    assert_int_equal(weft_registry_add_service(&registry, &service, NULL), -EPERM);
    assert_int_equal(weft_registry_add_transport(&registry, &transport), -EPERM);
}

static void test_registry_refuses_a_codec_without_what_it_must_have(void **state)
{
    (void)state;
    struct weft_registry registry = {.frozen = false};
    struct weft_codec codec = dummy_codec(NULL);
    assert_int_equal(weft_registry_add_codec(&registry, &codec), -EINVAL);
    codec = dummy_codec("x");
    codec.speaks = NULL;
    assert_int_equal(weft_registry_add_codec(&registry, &codec), -EINVAL);
    codec = dummy_codec("x");
    codec.decode = NULL;
    assert_int_equal(weft_registry_add_codec(&registry, &codec), -EINVAL);
    codec = dummy_codec("x");
    codec.encode = NULL;
    assert_int_equal(weft_registry_add_codec(&registry, &codec), -EINVAL);
}

static void test_registry_refuses_a_service_without_what_it_must_have(void **state)
{
    (void)state;
    struct weft_registry registry = {.frozen = false};
    struct weft_service service = dummy_service(NULL);
    assert_int_equal(weft_registry_add_service(&registry, &service, NULL), -EINVAL);
    service = dummy_service("x");
    service.speaks = NULL;
    assert_int_equal(weft_registry_add_service(&registry, &service, NULL), -EINVAL);
    service = dummy_service("x");
    service.call = NULL;
    assert_int_equal(weft_registry_add_service(&registry, &service, NULL), -EINVAL);
}

static void test_registry_refuses_a_transport_without_what_it_must_have(void **state)
{
    (void)state;
    struct weft_registry registry = {.frozen = false};
    struct weft_transport whole = dummy_transport("x"), lacking[10];
    enum { COUNT = sizeof lacking / sizeof *lacking };
    for (size_t i = 0; i < COUNT; i++)
        lacking[i] = whole;
    lacking[0].name = NULL;
    lacking[1].listen = NULL;
    lacking[2].enable = NULL;
    lacking[3].accept = NULL;
    lacking[4].unlisten = NULL;
    lacking[5].attach = NULL;
    lacking[6].drop = NULL;
    lacking[7].connect = NULL;
    lacking[8].stream_size = sizeof(struct weft_stream) - 1;
    lacking[9].listener_size = sizeof(struct weft_listener) - 1;
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(weft_registry_add_transport(&registry, &lacking[i]), -EINVAL);
}

static void begin_session(struct weft_listener *session, struct weft_loop *loop,
                          struct weft_stream *below, const struct weft_session_setup *setup)
{
    (void)session, (void)loop, (void)below, (void)setup;
}

static int configure_mux(void *config, const struct weft_url *url, struct weft_error *error)
{
    (void)config, (void)url, (void)error;
    return 0;
}

static int dial_stream(struct weft_listener *session, struct weft_stream *stream)
{
    (void)session, (void)stream;
    return 0;
}

static const char *trouble_of_session(const struct weft_listener *session)
{
    (void)session;
    return NULL;
}

static void test_registry_refuses_a_multiplexer_without_what_it_must_have(void **state)
{
    (void)state;
    struct weft_registry registry = {.frozen = false};
    struct weft_transport whole = dummy_transport("x"), lacking[7];
    enum { COUNT = sizeof lacking / sizeof *lacking };
    whole.begin = begin_session;
    whole.configure = configure_mux;
    whole.dial = dial_stream;
    whole.trouble = trouble_of_session;
    lacking[0] = whole; /* it can listen */
    whole.listen = NULL;
    lacking[1] = whole; /* it can connect */
    whole.connect = NULL;
    whole.check = NULL;
    for (size_t i = 2; i < COUNT; i++)
        lacking[i] = whole;
    lacking[2].configure = NULL;
    lacking[3].dial = NULL;
    lacking[4].trouble = NULL;
    lacking[5].begin = NULL;
    lacking[6].name = "x+y";
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(weft_registry_add_transport(&registry, &lacking[i]), -EINVAL);
    assert_int_equal(weft_registry_add_transport(&registry, &whole), 0);
}

static void test_registry_names_what_there_is_instead_of_an_unknown_name(void **state)
{
    (void)state;
    struct weft_registry registry = {.frozen = false};
    const struct weft_codec raw = dummy_codec("raw"), other = dummy_codec("other");
    const struct weft_transport tcp = dummy_transport("tcp");
    assert_int_equal(weft_registry_add_codec(&registry, &raw), 0);
    assert_int_equal(weft_registry_add_codec(&registry, &other), 0);
    assert_int_equal(weft_registry_add_transport(&registry, &tcp), 0);

    struct weft_error error = {.code = 0};
    void *context;
    assert_null(weft_registry_codec(&registry, "rau", &error));
    assert_int_equal(error.code, WEFT_ECONFIG);
    assert_string_equal(error.text, "unknown codec 'rau'; there are: raw, other");
    assert_null(weft_registry_transport(&registry, "tpc", &error));
    assert_string_equal(error.text, "unknown transport 'tpc'; there are: tcp");
    assert_null(weft_registry_service(&registry, "kv", NULL, &context, &error));
    assert_string_equal(error.text, "unknown service 'kv'; there are: none");
}

static void test_lists_are_added_in_their_order(void **state)
{
    (void)state;
    struct weft_registry registry = {.frozen = false};
    const struct weft_codec codecs[] = {dummy_codec("one"), dummy_codec("two")};
    const struct weft_service service = dummy_service("x");
    const struct weft_plugins plugins = {
        .codecs = (const struct weft_codec *const[]){&codecs[0], &codecs[1], NULL},
        .services = (const struct weft_service *const[]){&service, NULL},
    };
    assert_int_equal(weft_registry_add_all(&registry, &plugins, NULL), 0);
    assert_ptr_equal(registry.codecs[0], &codecs[0]);
    assert_ptr_equal(registry.codecs[1], &codecs[1]);
    assert_ptr_equal(registry.services[0].service, &service);
    assert_null(registry.transports[0]);
}

static void test_lists_with_one_that_is_refused_add_nothing_and_name_it(void **state)
{
    (void)state;
    struct weft_registry registry = {.frozen = false};
    struct weft_error error;
    const struct weft_codec codec = dummy_codec("x"), other = dummy_codec("other");
    const struct weft_plugins plugins = {
        .codecs = (const struct weft_codec *const[]){&other, &codec, NULL},
    };
    assert_int_equal(weft_registry_add_codec(&registry, &codec), 0);
    assert_int_equal(weft_registry_add_all(&registry, &plugins, &error), -EEXIST);
    assert_string_equal(error.text, "codec 'x': there is one of this name already");
    assert_ptr_equal(registry.codecs[0], &codec);
    assert_null(registry.codecs[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_are_added_in_their_order),
        cmocka_unit_test(test_lists_with_one_that_is_refused_add_nothing_and_name_it),
        cmocka_unit_test(test_registry_finds_each_kind_by_name),
        cmocka_unit_test(test_registry_refuses_a_taken_name),
        cmocka_unit_test(test_registry_finds_the_face_that_speaks_a_language),
        cmocka_unit_test(test_registry_refuses_names_that_no_url_can_say),
        cmocka_unit_test(test_registry_refuses_codecs_that_would_hide_behind_auto),
        cmocka_unit_test(test_registry_refuses_two_services_of_a_name_and_a_language),
        cmocka_unit_test(test_registry_refuses_one_service_more_than_fits),
        cmocka_unit_test(test_registry_refuses_one_more_than_fits),
        cmocka_unit_test(test_registry_that_is_frozen_takes_nothing),
        cmocka_unit_test(test_registry_refuses_a_codec_without_what_it_must_have),
        cmocka_unit_test(test_registry_refuses_a_service_without_what_it_must_have),
        cmocka_unit_test(test_registry_refuses_a_transport_without_what_it_must_have),
        cmocka_unit_test(test_registry_refuses_a_multiplexer_without_what_it_must_have),
        cmocka_unit_test(test_registry_names_what_there_is_instead_of_an_unknown_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
