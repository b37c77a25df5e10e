/* SPDX-License-Identifier: MIT
 *
 * Errors: an `int` or `ssize_t` below zero. From the operating system it is `-errno`, unchanged;
 * the library's own are WEFT_E*, below -1000. A status on the wire (200, 404, ...) is never one of
 * these: it belongs to a service's messages. */
#ifndef WEFT_ERR_H
#define WEFT_ERR_H

#include "compiler.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_ERROR_MAP(X)                                                                          \
    X(WEFT_EMALFORMED, -1001, "malformed")                                                         \
    X(WEFT_ETOOBIG, -1002, "over a limit")                                                         \
    X(WEFT_ELOST, -1003, "frame boundary lost")                                                    \
    X(WEFT_ECONFIG, -1004, "bad configuration")                                                    \
    X(WEFT_EFOREIGN, -1005, "the peer speaks another protocol")                                    \
    X(WEFT_ETRUNCATED, -1006, "the peer ended inside a frame")                                     \
    X(WEFT_EUNASKED, -1007, "a reply that nobody asked for")

enum weft_errno {
#define X(name, value, text) name = (value),
    WEFT_ERROR_MAP(X)
#undef X
};

/* The text of an error of either kind; static, never NULL. Any thread. */
const char *weft_strerror(int err);

/* "EAGAIN", "WEFT_ETOOBIG"; "unknown" for anything else. Static, never NULL. Any thread. */
const char *weft_errname(int err);

/* What a person can act on: one line without newline, for what is refused at start. The caller's
 * memory; text is always terminated. */
struct weft_error {
    int code;
    char text[512];
};

/* Fills *error (which may be NULL) and returns code, so that `return weft_error_set(...)` reads
 * well. A text that does not fit is cut; control characters become '?'. */
int weft_error_set(struct weft_error *error, int code, const char *fmt, ...) WEFT_PRINTF(3, 4);

#ifdef __cplusplus
}
#endif

#endif
