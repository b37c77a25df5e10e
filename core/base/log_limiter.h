/* SPDX-License-Identifier: MIT
 *
 * Bounds how fast a log grows: at most N lines per event and second, for the levels error, warn and info. What is
 * left out is counted, and a line says so: `event=left-out of=login-failed lines=1234`. The levels debug
 * and trace are not bounded, since somebody has asked for every line there. */
#ifndef WEFT_LOG_LIMITER_H
#define WEFT_LOG_LIMITER_H

#include <stdint.h>

#include "log.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Makes a limiter of `rate` lines per event and second; 0 bounds nothing. Returns 0, or -ENOMEM. Set it as
 * the log's limiter before threads use the log. */
WEFT_MUST_USE int weft_log_limiter_new(struct weft_log_limiter **limiter, uint64_t rate);
/* Frees a limiter that no log has any more. Does nothing with NULL. */
void weft_log_limiter_free(struct weft_log_limiter *limiter);
/* Changes the rate from now on. Any thread. */
void weft_log_limiter_set_rate(struct weft_log_limiter *limiter, uint64_t rate);

/* Writes a `left-out` line for each event of which lines were left out in a second that is over. The next line of
 * that event would bring it as well, but there may be none. Call it from time to time and before the end; `last`
 * means that no second is waited for. Does nothing for a log without a limiter. Any thread. */
void weft_log_tell_left_out(const struct weft_log *log, bool last);

#ifdef __cplusplus
}
#endif

#endif
