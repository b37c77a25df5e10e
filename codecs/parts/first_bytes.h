/* SPDX-License-Identifier: MIT
 *
 * These functions recognise a protocol by the first bytes of a connection. The probes of codecs and
 * weft_first_bytes_check use them. All depend on the bytes alone. Private to codecs/. */
#ifndef WEFT__FIRST_BYTES_H
#define WEFT__FIRST_BYTES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/codec.h"

/* True if a request or a status line of HTTP, or the preface of HTTP/2, begins with these bytes. */
bool weft__first_bytes_are_http(const uint8_t first[4]);

/* True if an array or a bulk string of RESP begins with these bytes, as in "*3" and CR LF. A line that a
 * person types does not begin like that. */
bool weft__first_bytes_are_resp(const uint8_t first[4]);

/* Says, with the results of a probe slot, whether `in` begins with the inline PING of RESP: "PING" in upper
 * case, then CR. redis-benchmark sends it first. A line that a person types ends with LF alone, so the result
 * for it is NO. `in` has at least one byte. */
enum weft_probe weft__probe_inline_ping(struct weft_view in);

#endif
