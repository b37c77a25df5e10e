/* SPDX-License-Identifier: MIT
 *
 * Writes events of a stream of the type text/event-stream ("server-sent events", in the standard HTML, 9.2): what
 * EventSource reads in browsers. An event has data, which is one line here, and may have an id, which a client that
 * comes back sends in the field Last-Event-ID, and a name. Any thread; allocates nothing. */
#ifndef WEFT_HTTP_EVENT_H
#define WEFT_HTTP_EVENT_H

#include "core/base/bytes.h"

#define WEFT_EVENT_TYPE    "text/event-stream"

/* Ends an event, behind its data or id. */
#define WEFT_EVENT_END     "\n\n"

/* A comment, which clients drop. */
#define WEFT_EVENT_COMMENT ":\n\n"

enum { WEFT_EVENT_ID_MAX = 32 }; /* the most bytes of an id's line */

/* Writes the line of an id, without its end. Returns the size. With WEFT_EVENT_END behind it, it is an event without
 * data, of which a client notes the id and tells nobody. */
size_t weft_event_put_id(uint8_t dst[WEFT_EVENT_ID_MAX], uint64_t id);

/* Measures and writes an event up to its data: its id, unless that is 0, its name, unless that is NULL, and "data: ". put
 * returns the byte behind it. The data and WEFT_EVENT_END follow. */
size_t weft_event_head_size(uint64_t id, const char *name);
uint8_t *weft_event_put_head(uint8_t *dst, uint64_t id, const char *name);

#endif
