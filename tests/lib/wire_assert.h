/* SPDX-License-Identifier: MIT
 *
 * Expectations of a peer on the wire. They assert, like process.h, so they are the main thread's. */
#ifndef TEST_WIRE_ASSERT_H
#define TEST_WIRE_ASSERT_H

#include "wire.h"

/* wire_connect, which must succeed. */
int wire_open(const char *url);

/* The next message is exactly these bytes. */
void wire_expect(int fd, bool gzip, const void *bytes, size_t size);
/* It is a CommandResponse with this status; of the default codec. */
void wire_expect_status(int fd, int status);
/* There is none: the peer ended its side between frames. */
void wire_expect_end(int fd);

#endif
