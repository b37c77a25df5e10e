/* SPDX-License-Identifier: MIT
 *
 * The keys of a terminal, with what else it tells: Ctrl-C, a new size, its end. All are taken between
 * keys, so that none is lost, whatever was done when it came, and none cuts the program short. */
#ifndef KV_CLI_KEYS_H
#define KV_CLI_KEYS_H

#include <signal.h>
#include <stdbool.h>
#include <wchar.h>

#include "core/base/err.h"

struct cli_keys {
    int terminal;
    int signals;    /* signalfd(2) */
    sigset_t mask;  /* of before */
    mbstate_t part; /* the bytes of a character that have come */
};

enum cli_key { CLI_KEY_TYPED, CLI_KEY_INTERRUPT, CLI_KEY_RESIZE, CLI_KEY_END };

/* From now on SIGINT, SIGWINCH, SIGHUP and SIGTERM wait for cli_keys_read. terminal is borrowed. -errno. */
WEFT_MUST_USE int cli_keys_init(struct cli_keys *keys, int terminal);
void cli_keys_fini(struct cli_keys *keys);

/* Whether SIGINT waits for cli_keys_read, or goes to the handler that there is. */
void cli_keys_hold_interrupt(bool hold);

/* Waits for the next. CLI_KEY_TYPED: *character; bytes that are none in the locale's encoding are
 * passed over. CLI_KEY_END: the terminal is gone, or the program is told to end. */
enum cli_key cli_keys_read(struct cli_keys *keys, wchar_t *character);

#endif
