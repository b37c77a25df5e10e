/* SPDX-License-Identifier: MIT */
#include "wire_assert.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

int wire_open(const char *url)
{
    int fd = wire_connect(url);
    assert_true(fd >= 0);
    return fd;
}

void wire_expect(int fd, bool gzip, const void *bytes, size_t size)
{
    struct wire_bytes reply;
    assert_int_equal(wire_receive(fd, gzip, &reply), 1);
    assert_int_equal(reply.size, size);
    assert_memory_equal(reply.data, bytes, size);
    wire_free(&reply);
}

void wire_expect_status(int fd, int status)
{
    struct wire_bytes reply;
    assert_int_equal(wire_receive(fd, true, &reply), 1);
    assert_int_equal(wire_status(&reply), status);
    wire_free(&reply);
}

void wire_expect_end(int fd)
{
    struct wire_bytes reply;
    assert_int_equal(wire_receive(fd, true, &reply), 0);
}
