/* SPDX-License-Identifier: MIT
 *
 * Reads the keys of a terminal, and what comes between them: Ctrl-C, Ctrl-Z, a paste, a new
 * size, the end. Everything is taken in its order, so nothing is lost and nothing cuts the
 * program short, whatever the program was doing at the time. */
#ifndef KV_CLI_KEYS_H
#define KV_CLI_KEYS_H

#include <signal.h>
#include <stdbool.h>
#include <wchar.h>

#include "core/base/buf.h"
#include "core/base/err.h"

enum { CLI_PASTE_MAX = 4 << 20, CLI_KEYS_HELD = 8 };

struct cli_keys {
    int terminal;
    int signals;                       /* signalfd(2) */
    sigset_t mask;                     /* the mask before cli_keys_init */
    unsigned char held[CLI_KEYS_HELD]; /* bytes that were read ahead and are keys after all */
    size_t held_count;
    unsigned char part[4]; /* the first bytes of a character that is not complete */
    size_t part_size;
    struct weft_buf pasted;
    struct weft_view paste; /* after CLI_KEY_PASTE; empty if it was longer than CLI_PASTE_MAX, or
                             * there was no memory for it */
};

enum cli_key {
    CLI_KEY_TYPED,
    CLI_KEY_PASTE,
    CLI_KEY_INTERRUPT,
    CLI_KEY_SUSPEND, /* the program is asked to stop itself, as by Ctrl-Z */
    CLI_KEY_RESUME,  /* the program was stopped and goes on: the terminal may be in any mode */
    CLI_KEY_RESIZE,
    CLI_KEY_END,
};

/* From now on SIGINT, SIGTSTP, SIGCONT, SIGWINCH, SIGHUP and SIGTERM wait for cli_keys_read.
 * terminal is borrowed. Returns -errno on failure. */
WEFT_MUST_USE int cli_keys_init(struct cli_keys *keys, int terminal);
void cli_keys_fini(struct cli_keys *keys);

/* True: SIGINT and SIGTSTP wait for cli_keys_read. False: they take their usual effect. */
void cli_keys_hold_signals(bool hold);

/* Stops the process group, as Ctrl-Z does in other programs; returns when it goes on. */
void cli_keys_stop(void);

/* True if more bytes wait to be read, as after a key that is part of a paste. */
bool cli_keys_has_more(const struct cli_keys *keys);

/* Waits for the next key. CLI_KEY_TYPED: *character is the key. A byte that is no UTF-8 becomes the
 * character that cli_wide_of_byte gives, whatever the locale. CLI_KEY_PASTE: keys->paste has the
 * bytes of a bracketed paste, as they are, until the next call. CLI_KEY_END: the terminal is gone,
 * or the program is told to end. */
enum cli_key cli_keys_read(struct cli_keys *keys, wchar_t *character);

#endif
