/* SPDX-License-Identifier: MIT
 *
 * Tells protocols by the first bytes of a connection, for the probes of codecs. Private to codecs/. */
#ifndef WEFT__FIRST_BYTES_H
#define WEFT__FIRST_BYTES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/codec.h"

/* True if a request or a status line of HTTP begins so. */
bool weft__first_bytes_are_http(const uint8_t first[4]);

/* True if an array or a bulk string of RESP begins so, by which no person begins a line. */
bool weft__first_bytes_are_resp(const uint8_t first[4]);

/* Answers as a probe: is this the inline PING of RESP, "PING" and CR? redis-benchmark begins with it. A
 * person's line ends with LF alone. */
enum weft_probe weft__probe_inline_ping(struct weft_view in);

#endif
