/* SPDX-License-Identifier: MIT
 *
 * In the soak, kvs listens on TCP, a Unix socket and yamux, and WebSocket and TLS over TCP where the build has them. */
#ifndef SOAK_ENDPOINTS_H
#define SOAK_ENDPOINTS_H

#include <stdbool.h>

enum { ENDPOINTS_MAX = 10 };

struct endpoint {
    const char *name;
    const char *address; /* the URL without options; NULL: a Unix socket in the folder */
    bool gzip;           /* the codec is length-delimited-gzip, else raw */
    bool tls;
};

/* Ended by a NULL name; at most ENDPOINTS_MAX. */
const struct endpoint *endpoints(void);
unsigned endpoints_count(void);
/* Returns the index of an endpoint with gzip, or without; the others follow in turn. */
unsigned endpoints_pick(bool gzip, unsigned turn);

/* The files of a soak. */
struct endpoints_files {
    char folder[32]; /* of the socket and of the certificates */
    char ca[48];
    char urls[ENDPOINTS_MAX][160]; /* to listen on */
};

void endpoints_init(struct endpoints_files *files);
void endpoints_fini(const struct endpoints_files *files);

#endif
