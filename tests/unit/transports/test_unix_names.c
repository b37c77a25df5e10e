/* SPDX-License-Identifier: MIT
 *
 * The forms of a unix URL, and names of the abstract space. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "unix_fixture.h"

static void test_url_is_checked_without_touching_the_system(void **state)
{
    struct unix_fixture *fixture = *state;
    struct weft_url url;
    char text[200] = "unix:/";

    memset(text + 6, 'x', 107);
    assert_int_equal(weft_url_parse(&url, text, &fixture->error), 0);
    assert_int_equal(unix_sockets->check(&url, true, &fixture->error), WEFT_ECONFIG);
    assert_non_null(strstr(fixture->error.text, "the path has 108 bytes"));
    assert_int_equal(unix_sockets->check(&url, false, &fixture->error), WEFT_ECONFIG);
    text[6 + 106] = '\0';
    assert_int_equal(weft_url_parse(&url, text, &fixture->error), 0);
    assert_int_equal(unix_sockets->check(&url, true, &fixture->error), 0);
    assert_int_equal(weft_url_parse(&url, "unix:@", &fixture->error), 0);
    assert_int_equal(unix_sockets->check(&url, true, &fixture->error), WEFT_ECONFIG);
    assert_int_equal(syscall_calls(SYSCALL_socket), 0);
}

/* A name of this test's own. */
static const char *abstract_url(const struct unix_fixture *fixture)
{
    static char url[80];

    snprintf(url, sizeof url, "unix:@%s", fixture->directory + 5);
    return url;
}

static void test_name_with_an_at_sign_is_abstract(void **state)
{
    struct unix_fixture *fixture = *state;
    const char *url = abstract_url(fixture);
    struct weft_accepted accepted;

    assert_int_equal(listen_with(fixture, fixture->listener, url), 0);
    assert_string_equal(fixture->listener->name, url);
    assert_int_equal(access(url + 5, F_OK), -1);
    assert_int_equal(syscall_calls(SYSCALL_fchmod), 0);
    assert_int_equal(connect_to(fixture, url), 0);
    assert_int_equal(unix_sockets->accept(fixture->listener, &accepted, false), 0);
    assert_string_equal(accepted.peer, "unix");
    unix_sockets->drop(&accepted);
    fixture->client->ops->close(fixture->client);

    assert_int_equal(listen_with(fixture, fixture->second, url), -EADDRINUSE);
    unix_sockets->unlisten(fixture->listener);
    assert_int_equal(connect_to(fixture, url), -ECONNREFUSED);
    assert_int_equal(listen_with(fixture, fixture->second, url), 0);
    assert_int_equal(syscall_calls(SYSCALL_unlink), 0);
}

static void test_peer_of_an_abstract_name_whose_user_is_unknown_is_dropped(void **state)
{
    struct unix_fixture *fixture = *state;
    const char *url = abstract_url(fixture);
    struct weft_accepted accepted;
    char byte;

    assert_int_equal(listen_with(fixture, fixture->listener, url), 0);
    assert_int_equal(connect_to(fixture, url), 0);
    syscall_fail(SYSCALL_getsockopt, 0, 1, EINVAL);
    assert_int_equal(unix_sockets->accept(fixture->listener, &accepted, false), -ECONNABORTED);
    assert_int_equal(fixture->client->ops->read(fixture->client, (uint8_t *)&byte, 1), 0);
    fixture->client->ops->close(fixture->client);
}

/* Only root can be two users. */
static void test_peer_of_an_abstract_name_must_be_the_same_user_or_root(void **state)
{
    struct unix_fixture *fixture = *state;
    const char *url = abstract_url(fixture);
    struct weft_accepted accepted;

    assert_int_equal(listen_with(fixture, fixture->listener, url), 0);
    if (geteuid() != 0)
        return;
    assert_int_equal(seteuid(65534), 0);
    assert_int_equal(connect_to(fixture, url), 0);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(unix_sockets->accept(fixture->listener, &accepted, false), -ECONNABORTED);
    fixture->client->ops->close(fixture->client);

    assert_int_equal(connect_to(fixture, url), 0);
    assert_int_equal(seteuid(65534), 0);
    int err = unix_sockets->accept(fixture->listener, &accepted, false);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(err, 0);
    unix_sockets->drop(&accepted);
    fixture->client->ops->close(fixture->client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIX_TEST(test_url_is_checked_without_touching_the_system),
        UNIX_TEST(test_name_with_an_at_sign_is_abstract),
        UNIX_TEST(test_peer_of_an_abstract_name_whose_user_is_unknown_is_dropped),
        UNIX_TEST(test_peer_of_an_abstract_name_must_be_the_same_user_or_root),
    };

    return cmocka_run_group_tests_name("unix names", tests, NULL, NULL);
}
