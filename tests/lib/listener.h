/* SPDX-License-Identifier: MIT
 *
 * A port of the test's own, where it plays the server: what is accepted is for wire.h. Like process.h:
 * asserts, main thread only. */
#ifndef TEST_LISTENER_H
#define TEST_LISTENER_H

struct listener {
    int fd;
    char url[64]; /* "tcp://127.0.0.1:43210" */
};

/* Nobody else has the port. Close the fd in the end. */
void listener_open(struct listener *listener);

/* Waits for a connection; close it in the end. */
int listener_accept(const struct listener *listener);

#endif
