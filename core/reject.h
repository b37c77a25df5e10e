/* SPDX-License-Identifier: MIT
 *
 * A rejection says why a request is answered with an error that is not the service's own: its frame was
 * malformed, a limit was exceeded, a layer refused it. The client still has to read that answer in the
 * language that it speaks, so the core hands a weft_rejection to the service's reject slot
 * (service.h), which turns it into the bytes of a reply. */
#ifndef WEFT_REJECT_H
#define WEFT_REJECT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum weft_reject_cause {
    /* The frame of a request: the service has not seen the request. */
    WEFT_REJECT_MALFORMED, /* it is no message; what: its fault, in words */
    WEFT_REJECT_TOO_BIG,   /* it is over a limit; what: the limit's option name; size, limit */
    WEFT_REJECT_NO_MEMORY, /* there is no memory to handle it */
    WEFT_REJECT_DRAINING,  /* the server is shutting down and takes no more requests */

    /* A connection: it is told so once, unasked, and closed. */
    WEFT_REJECT_TOO_MANY, /* what: the option name of the limit, "max-connections"; limit */

    /* A reply: the service has sent a message that cannot be encoded; the words take its place. */
    WEFT_REJECT_REPLY_TOO_BIG, /* it is over a limit; what: the limit's option name; size, limit */

    /* A layer's refusal, before call() or from weft_request_ask (layer.h). */
    WEFT_REJECT_NOT_KNOWN, /* the peer has not said who it is; what: in words, or NULL */
    WEFT_REJECT_DENIED,    /* the peer may not do this; what: in words, or NULL */
    WEFT_REJECT_RATE       /* the peer does this too often; limit: times per second */
};

/* Which of the fields behind cause are set is said at each cause; the others are NULL or 0. */
struct weft_rejection {
    enum weft_reject_cause cause;
    const char *what; /* static text, or NULL */
    uint64_t size;    /* bytes that there were, or were announced */
    uint64_t limit;   /* that size exceeds */
};

enum { WEFT_REJECT_MAX = 512 }; /* bytes that the words of a rejection may have */

#ifdef __cplusplus
}
#endif

#endif
