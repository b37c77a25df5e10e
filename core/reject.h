/* SPDX-License-Identifier: MIT
 *
 * Rejections: the core, a codec or a layer refuses something, and the service words that in its own
 * language (weft_service.reject). */
#ifndef WEFT_REJECT_H
#define WEFT_REJECT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The cause: something never became a request, a layer refused it, or its reply could not be sent. */
enum weft_reject_cause {
    WEFT_REJECT_MALFORMED,     /* what: the fault of the frame */
    WEFT_REJECT_TOO_BIG,       /* what: the limit's option name; size, limit */
    WEFT_REJECT_REPLY_TOO_BIG, /* what, size and limit of a reply; the words take its place */
    WEFT_REJECT_NO_MEMORY,
    WEFT_REJECT_DRAINING,
    WEFT_REJECT_TOO_MANY,  /* what: "max-connections"; limit */
    WEFT_REJECT_NOT_KNOWN, /* by a layer: the peer has not said who it is; what: in words */
    WEFT_REJECT_DENIED,    /* by a layer: the peer may not do this; what: in words */
    WEFT_REJECT_RATE       /* by a layer: the peer does this too often; limit: per second */
};

struct weft_rejection {
    enum weft_reject_cause cause;
    const char *what; /* static, may be NULL */
    uint64_t size, limit;
};

enum { WEFT_REJECT_MAX = 512 }; /* bytes that the words of a rejection may have */

#ifdef __cplusplus
}
#endif

#endif
