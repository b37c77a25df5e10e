/* SPDX-License-Identifier: MIT
 *
 * An end to what blocks and takes no deadline: the resolving of a host name. */
#ifndef KV_CLI_ALARM_H
#define KV_CLI_ALARM_H

#include <stdint.h>

/* Ends the program after so many nanoseconds, with code and, on standard error, text (a line, which
 * lives until then), unless cli_alarm_stop comes first. Main thread; uses SIGALRM. */
void cli_alarm_start(int64_t nanoseconds, const char *text, int code);
void cli_alarm_stop(void);

/* When it goes off, the terminal gets back the modes that it has now. */
void cli_alarm_keep_modes(int terminal);

#endif
