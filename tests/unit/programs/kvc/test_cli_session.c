/* SPDX-License-Identifier: MIT
 *
 * The error texts of a connection that cannot be made: they say what failed, where, and what to try. */
#include <errno.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "codecs/codecs.h"
#include "transports/transports.h"
#include "lib/fault.h"
#include "lib/syscall_fault.h"
#include "programs/kvc/session.h"

struct fixture {
    struct weft_registry registry;
    struct kvc_config config;
    struct cli_session session;
    struct weft_error error;
};

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

static int init_nothing(void *state, const void *config, enum weft_role role)
{
    (void)state, (void)config, (void)role;
    return 0;
}

static void fini_nothing(void *state)
{
    (void)state;
}

static const struct weft_filter sealed = {.name = "sealed",
                                          .init = init_nothing,
                                          .fini = fini_nothing,
                                          .open = open_nothing,
                                          .seal = seal_nothing};

/* Connects to url; the exit code. */
static enum cli_exit connect_to(struct fixture *f, const char *url)
{
    *f = (struct fixture){.config = kvc_config_default()};
    f->config.server = url;
    assert_int_equal(weft_registry_add_codec(&f->registry, &weft_codec_length_delimited_gzip), 0);
    assert_int_equal(weft_registry_add_transport(&f->registry, &weft_transport_tcp), 0);
    assert_int_equal(weft_registry_add_transport(&f->registry, &weft_transport_unix), 0);
    assert_int_equal(weft_registry_add_filter(&f->registry, &sealed, NULL), 0);
    enum cli_exit code = cli_session_init(&f->session, &f->config, &f->registry, &f->error);
    if (code == CLI_EXIT_DONE)
        code = cli_session_connect(&f->session, &f->error);
    return code;
}

static void expect(const char *url, enum syscall_id call, int err, const char *text)
{
    struct fixture f;
    syscall_fault_reset();
    syscall_fail(call, 0, 100, err);
    assert_int_equal(connect_to(&f, url), CLI_EXIT_CONNECT);
    assert_string_equal(f.error.text, text);
    cli_session_fini(&f.session);
    syscall_fault_reset();
}

static void test_socket_that_is_not_there(void **state)
{
    (void)state;
    expect("unix:/x/kvs.sock?codec=length-delimited-gzip", SYSCALL_connect, ENOENT,
           "cannot connect to unix:/x/kvs.sock: No such file or directory; is the server running, "
           "and is the path right? Start one with: kvs --listen unix:/x/kvs.sock");
}

static void test_socket_whose_server_is_gone(void **state)
{
    (void)state;
    expect("unix:/x/kvs.sock", SYSCALL_connect, ECONNREFUSED,
           "cannot connect to unix:/x/kvs.sock: Connection refused; is the server running? Start "
           "one with: kvs --listen unix:/x/kvs.sock");
}

static void test_socket_of_another_user(void **state)
{
    (void)state;
    expect("unix:/x/kvs.sock", SYSCALL_connect, EACCES,
           "cannot connect to unix:/x/kvs.sock: Permission denied; only the user that runs kvs may "
           "use its socket");
}

static void test_socket_whose_queue_is_full(void **state)
{
    (void)state;
    expect("unix:/x/kvs.sock", SYSCALL_connect, EAGAIN,
           "cannot connect to unix:/x/kvs.sock: Resource temporarily unavailable; too many others "
           "wait to be accepted there: try again");
}

static void test_port_that_nobody_listens_on(void **state)
{
    (void)state;
    expect("tcp://127.0.0.1:9", SYSCALL_connect, ECONNREFUSED,
           "cannot connect to tcp://127.0.0.1:9: Connection refused; is the server running? Start "
           "one with: kvs --listen tcp://127.0.0.1:9");
}

static void test_port_of_another_machine_is_one_that_kvs_must_be_allowed_to_open(void **state)
{
    (void)state;
    expect("tcp://192.0.2.1:9", SYSCALL_connect, ECONNREFUSED,
           "cannot connect to tcp://192.0.2.1:9: Connection refused; is the server running? Start "
           "one with: kvs --listen tcp://192.0.2.1:9 --allow-remote");
}

static void test_machine_that_does_not_answer(void **state)
{
    (void)state;
    expect("tcp://192.0.2.1:9", SYSCALL_connect, ETIMEDOUT,
           "cannot connect to tcp://192.0.2.1:9: Connection timed out; --timeout SECONDS waits "
           "longer");
    expect("tcp://192.0.2.1:9", SYSCALL_connect, EHOSTUNREACH,
           "cannot connect to tcp://192.0.2.1:9: No route to host");
}

static void test_server_that_ends_the_handshake(void **state)
{
    (void)state;
    expect("tcp://127.0.0.1:9", SYSCALL_connect, ECONNRESET,
           "cannot connect to tcp://127.0.0.1:9: Connection reset by peer");
    expect("sealed+tcp://127.0.0.1:9", SYSCALL_connect, ECONNRESET,
           "cannot connect to tcp://127.0.0.1:9: Connection reset by peer; does the server there "
           "speak sealed+tcp?");
}

static void test_name_that_nobody_has(void **state)
{
    (void)state;
    expect("tcp://nobody:9", SYSCALL_getaddrinfo, EAI_NONAME,
           "cannot connect to tcp://nobody:9: the host name cannot be resolved: Name or service "
           "not known");
    expect("tcp://nobody:9", SYSCALL_getaddrinfo, EAI_AGAIN,
           "cannot connect to tcp://nobody:9: the host name cannot be resolved: Temporary failure "
           "in name resolution");
}

static void test_mistake_in_the_url_is_one_of_usage(void **state)
{
    (void)state;
    struct fixture f;
    assert_int_equal(connect_to(&f, "udp://127.0.0.1:9"), CLI_EXIT_USAGE);
    cli_session_fini(&f.session);
}

static void test_no_memory_for_the_loop(void **state)
{
    (void)state;
    struct fixture f;
    fault_install();
    fault_arm(FAULT_FROM, 0);
    assert_int_equal(connect_to(&f, "unix:/x"), CLI_EXIT_CONNECT);
    fault_remove();
    assert_string_equal(f.error.text, "no event loop: Cannot allocate memory");
}

static void connect_with_failures(void *arg)
{
    struct fixture f;
    syscall_fail(SYSCALL_connect, 0, 100, ECONNREFUSED);
    assert_int_equal(connect_to(&f, arg), CLI_EXIT_CONNECT);
    if (fault_failed() > 0 && !strstr(f.error.text, "Cannot allocate memory"))
        fail_msg("%s", f.error.text);
    cli_session_fini(&f.session);
}

static void test_survives_every_failing_allocation(void **state)
{
    (void)state;
    char tcp[] = "tcp://127.0.0.1:9", local[] = "unix:/x/kvs.sock";
    fault_each(connect_with_failures, tcp);
    fault_each(connect_with_failures, local);
    syscall_fault_reset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_socket_that_is_not_there),
        cmocka_unit_test(test_socket_whose_server_is_gone),
        cmocka_unit_test(test_socket_of_another_user),
        cmocka_unit_test(test_socket_whose_queue_is_full),
        cmocka_unit_test(test_port_that_nobody_listens_on),
        cmocka_unit_test(test_port_of_another_machine_is_one_that_kvs_must_be_allowed_to_open),
        cmocka_unit_test(test_machine_that_does_not_answer),
        cmocka_unit_test(test_server_that_ends_the_handshake),
        cmocka_unit_test(test_name_that_nobody_has),
        cmocka_unit_test(test_mistake_in_the_url_is_one_of_usage),
        cmocka_unit_test(test_no_memory_for_the_loop),
        cmocka_unit_test(test_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
