/* SPDX-License-Identifier: MIT
 *
 * Requests for the opening handshake, what a server says to them, and pages that it may serve. */
#ifndef TEST_WS_UPGRADE_FIXTURE_H
#define TEST_WS_UPGRADE_FIXTURE_H

#include "ws_fixture.h"

#define HOST    "Host: 127.0.0.1:9527\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define KEY     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define GET     "GET / HTTP/1.1\r\n"
#define USUAL   GET HOST UPGRADE KEY VERSION

/* Feeds a request to a server with these options, and expects a status and words of its answer. */
void expect(const char *query, const char *request, int status, const char *words);

/* Expects that these options are refused with these words. */
void refuse(enum weft_role role, const char *query, const char *words);

/* A page with a script beside it. */
struct files {
    char folder[32], page[64], script[64], query[160];
};

void files_new(struct files *files);
void files_remove(const struct files *files);

#endif
