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
    /* These are about a request that the service has not seen. The words take the place of its reply. */
    WEFT_REJECT_MALFORMED, /* the frame is no message. Sets what: the fault, in words */
    WEFT_REJECT_TOO_BIG,   /* the frame is over a limit. Sets what: its option name; size; limit */
    WEFT_REJECT_NO_MEMORY, /* there is no memory to handle it */
    WEFT_REJECT_DRAINING,  /* the server is shutting down; a connection may get this too */

    /* This is about a connection, which is turned away: it gets the words unasked and is closed. */
    WEFT_REJECT_TOO_MANY, /* too many are open. Sets what: "max-connections"; limit */

    /* This is about a reply that the service has sent. The words take its place. */
    WEFT_REJECT_REPLY_TOO_BIG, /* it is over a limit. Sets what: the option name; size; limit */

    /* A layer says these, before call() or from weft_request_ask (layer.h). */
    WEFT_REJECT_NOT_KNOWN, /* the peer has not proven who it is. May set what: in words */
    WEFT_REJECT_DENIED,    /* the peer may not do this. May set what: in words */
    WEFT_REJECT_RATE,      /* the peer does this too often. Sets limit: times per second */

    /* This is about a request that is under way, in a protocol whose requests have deadlines. Codecs find the
     * words; no service is asked for them. */
    WEFT_REJECT_DEADLINE /* its deadline has passed, so its peer waits no longer */
};

/* The comment at each cause says which of the other fields it sets. The rest are NULL or 0. */
struct weft_rejection {
    enum weft_reject_cause cause;
    const char *what; /* static text, or NULL. A hint may follow an option name */
    uint64_t size;    /* bytes that came or were announced */
    uint64_t limit;   /* the limit that was exceeded */
};

enum { WEFT_REJECT_MAX = 512 }; /* the most bytes that a service's words for a rejection may have */

#ifdef __cplusplus
}
#endif

#endif
