/* SPDX-License-Identifier: MIT
 *
 * A whole server's life within the test, for faults to strike at any point of it: made of the real
 * parts (loop, tcp, unix, length-delimited-gzip, kv), bound to a port and a socket, asked by a client
 * in a process of its own, drained and freed. For cmocka programs; main thread only. */
#ifndef TEST_SERVER_SESSION_H
#define TEST_SERVER_SESSION_H

enum session_outcome {
    SESSION_SERVED,  /* every reply came and was right, perhaps after trying again */
    SESSION_LOST,    /* each try ended before its last reply; those that came were right */
    SESSION_WRONG,   /* a reply was not what it had to be */
    SESSION_REFUSED, /* the server did not start, and said why */
};

struct session {
    char folder[64]; /* for the socket */
    /* Called in the client's process, before anything else: to lift what is not meant for it. */
    void (*in_client)(void);
};

void session_init(struct session *session);
void session_fini(struct session *session);

/* One life. Whatever the server did not undo of what it did (a descriptor, the socket's file) fails
 * the test. */
enum session_outcome session_run(const struct session *session);

#endif
