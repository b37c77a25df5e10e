/* SPDX-License-Identifier: MIT
 *
 * The options of yamux in a URL. Private to yamux. */
#ifndef WEFT_YAMUX_CONFIG_H
#define WEFT_YAMUX_CONFIG_H

#include <stdint.h>

#include "core/base/settings.h"

struct weft__yamux_config {
    uint64_t streams; /* of a session at one time, those of both sides */
    uint64_t
        backlog; /* streams that came and were not accepted yet, or that we opened and that have no answer */
    uint64_t window;      /* bytes that a peer may send on a stream before they are read */
    uint64_t memory;      /* bytes of all streams of a session that came and were not read */
    uint64_t output;      /* bytes that wait to be sent before streams wait for their turn */
    uint64_t idle_frames; /* per second: frames that carry nothing, and streams that are reset */
    uint64_t
        keepalive; /* nanoseconds without a byte of the peer before it is asked with a ping; 0: never */
    uint64_t ping_timeout; /* nanoseconds that its next byte may take then */
};

extern const struct weft_option weft__yamux_options[];

/* Reads the options of a URL. Returns 0, or WEFT_ECONFIG with one line in *error. */
WEFT_MUST_USE int weft__yamux_config_read(struct weft__yamux_config *config,
                                          const struct weft_option_set *set,
                                          struct weft_error *error);

#endif
