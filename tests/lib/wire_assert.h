/* SPDX-License-Identifier: MIT
 *
 * What tests expect of a peer on the wire. Like process.h: asserts, main thread only. */
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
