/* SPDX-License-Identifier: MIT
 *
 * Passwords come from a terminal, a pipe or a file, never from a command line, which others can read. */
#ifndef KV_CLI_PASSWORD_H
#define KV_CLI_PASSWORD_H

#include <sys/types.h>

#include "core/base/err.h"

enum { CLI_PASSWORD_SIZE = 512 }; /* bytes of a buffer for one, its NUL included */

/* Reads a password from standard input: from a terminal after a prompt and without an echo, else the first line.
 * dst has CLI_PASSWORD_SIZE bytes; the caller wipes it (explicit_bzero). Returns its size; or WEFT_ECONFIG if it is
 * too long or empty, or another error, with one line in *error. */
WEFT_MUST_USE ssize_t cli_password_ask(char *dst, const char *prompt, struct weft_error *error);

/* Asks on the terminal that controls the process, whatever standard input is. WEFT_ECONFIG: there is no terminal.
 * Otherwise it returns as cli_password_ask does. */
WEFT_MUST_USE ssize_t cli_password_ask_terminal(char *dst, const char *prompt,
                                                struct weft_error *error);

/* Reads the first line of a file, which others than its owner and group must not be able to read. Returns as
 * cli_password_ask does. */
WEFT_MUST_USE ssize_t cli_password_read(char *dst, const char *path, struct weft_error *error);

#endif
