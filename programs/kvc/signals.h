/* SPDX-License-Identifier: MIT
 *
 * Ends of the program that no event loop sees: a blocking call that ran out of time, and signals that
 * nothing else handles. Main thread only. */
#ifndef KV_CLI_SIGNALS_H
#define KV_CLI_SIGNALS_H

#include <stdint.h>

/* The signals that ask a program to end: SIGHUP, SIGINT, SIGQUIT, SIGTERM. */
enum { CLI_ENDINGS = 4 };
extern const int cli_endings[CLI_ENDINGS];

/* Handles the signals above: each ends the program with exit code 128 + N. The kernel ignores their
 * default actions in PID 1, so `docker stop` would wait in vain for a kvc that is the first process of
 * its container. Any other process keeps the default actions. */
void cli_signals_init(void);

/* Handles one of them with exit code 128 + N where cli_signals_init did so, and with the default
 * action elsewhere; called once an event loop no longer handles it. */
void cli_signals_restore(int number);

/* Handles the signals as cli_signals_init does in PID 1, in any process. */
void cli_signals_end_process(void);

/* Ends the program with `code` after so many nanoseconds and writes `text` (one line, borrowed until
 * cli_alarm_stop) to standard error. Bounds a blocking call that takes no deadline of its own, such as
 * the resolution of a host name. Uses SIGALRM. */
void cli_alarm_start(int64_t nanoseconds, const char *text, int code);
void cli_alarm_stop(void);

/* Restores the terminal's present modes when a function of this file ends the program. */
void cli_alarm_keep_modes(int terminal);

#endif
