/* SPDX-License-Identifier: MIT */
#include "unix_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/loop.h"

const struct weft_transport *const unix_sockets = &weft_transport_unix;

static void *zeroed(size_t size)
{
    void *p = calloc(1, size);

    assert_non_null(p);
    return p;
}

int unix_setup(void **state)
{
    struct unix_fixture *fixture = zeroed(sizeof(*fixture));

    *state = fixture;
    syscall_fault_reset();
    strcpy(fixture->directory, "/tmp/weft-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    snprintf(fixture->path, sizeof(fixture->path), "%s/socket", fixture->directory);
    snprintf(fixture->url, sizeof(fixture->url), "unix:%s", fixture->path);
    assert_int_equal(weft_loop_new(&fixture->loop, 64), 0);
    fixture->listener = zeroed(unix_sockets->listener_size);
    fixture->second = zeroed(unix_sockets->listener_size);
    fixture->client = zeroed(unix_sockets->stream_size);
    return 0;
}

int unix_teardown(void **state)
{
    struct unix_fixture *fixture = *state;

    syscall_fault_reset();
    unix_sockets->unlisten(fixture->listener);
    unix_sockets->unlisten(fixture->second);
    weft_loop_free(fixture->loop);
    unlink(fixture->path);
    assert_int_equal(rmdir(fixture->directory), 0);
    free(fixture->listener);
    free(fixture->second);
    free(fixture->client);
    free(fixture);
    return 0;
}

int listen_with(struct unix_fixture *fixture, struct weft_listener *listener, const char *text)
{
    struct weft_url url;

    assert_int_equal(weft_url_parse(&url, text, &fixture->error), 0);
    return unix_sockets->listen(listener, fixture->loop, &url, &fixture->error);
}

int connect_to(struct unix_fixture *fixture, const char *text)
{
    struct weft_url url;

    assert_int_equal(weft_url_parse(&url, text, &fixture->error), 0);
    return unix_sockets->connect(fixture->client, fixture->loop, &url, &fixture->error);
}
