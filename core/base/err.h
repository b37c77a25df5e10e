/* SPDX-License-Identifier: MIT
 *
 * An error is an `int` or `ssize_t` below zero. It is `-errno`, unchanged, if it comes from the
 * operating system, and one of WEFT_E*, all below -1000, if it is the library's own. A status on the
 * wire (200, 404, ...) is never an error of this kind: it belongs to the messages of a service. */
#ifndef WEFT_ERR_H
#define WEFT_ERR_H

#include "compiler.h"

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, value, "text") for each error of the library. The contract of a function says which of them it
 * returns. */
#define WEFT_ERROR_MAP(X)                                                                          \
    X(WEFT_EMALFORMED, -1001, "malformed")                                                         \
    X(WEFT_ETOOBIG, -1002, "over a limit")                                                         \
    X(WEFT_ELOST, -1003, "frame boundary lost")                                                    \
    X(WEFT_ECONFIG, -1004, "bad configuration")                                                    \
    X(WEFT_EFOREIGN, -1005, "the peer speaks another protocol")                                    \
    X(WEFT_ETRUNCATED, -1006, "the peer ended inside a frame")                                     \
    X(WEFT_EUNASKED, -1007, "a reply that nobody asked for")                                       \
    X(WEFT_EOVER, -1008, "by the protocol nothing follows")

enum weft_errno {
#define X(name, value, text) name = (value),
    WEFT_ERROR_MAP(X)
#undef X
};

/* Returns the text of an error of either kind ("No such file or directory", "over a limit"), or "unknown
 * error" for a positive or an unknown number. It is static and never NULL. Any thread. */
const char *weft_strerror(int err);

/* Returns the name of an error of either kind ("EAGAIN", "WEFT_ETOOBIG"), or "unknown" for 0 and for any
 * other number. It is static and never NULL. Any thread. */
const char *weft_errname(int err);

/* An error with one line of text, which tells a person what is wrong and what to do. The text has no
 * newline and always ends with a NUL. The caller owns the struct. */
struct weft_error {
    int code;
    char text[512];
};

/* Sets both fields of *error and returns code, so that a function can `return weft_error_set(...)`. A
 * text that does not fit is cut, and each control character becomes '?'. If error is NULL, this only
 * returns code. */
int weft_error_set(struct weft_error *error, int code, const char *fmt, ...) WEFT_PRINTF(3, 4);

#ifdef __cplusplus
}
#endif

#endif
