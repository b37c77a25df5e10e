/* SPDX-License-Identifier: MIT */
#include "reason.h"

#include <errno.h>

const char *weft_reason_name(enum weft_reason reason)
{
    switch (reason) {
#define X(id, name, text)                                                                          \
    case WEFT_REASON_##id:                                                                         \
        return name;
        WEFT_REASON_MAP(X)
#undef X
    case WEFT_REASON_COUNT:
        break;
    }
    return "unknown";
}

const char *weft_reason_text(enum weft_reason reason)
{
    switch (reason) {
#define X(id, name, text)                                                                          \
    case WEFT_REASON_##id:                                                                         \
        return text;
        WEFT_REASON_MAP(X)
#undef X
    case WEFT_REASON_COUNT:
        break;
    }
    return "unknown";
}

enum weft_reason weft_reason_of_stream(int err)
{
    switch (err) {
    case -ETIMEDOUT: /* keepalive and retransmission end so */
    case -EHOSTUNREACH:
    case -EHOSTDOWN:
    case -ENETUNREACH:
    case -ENETDOWN:
        return WEFT_REASON_PEER_VANISHED;
    default:
        return WEFT_REASON_PEER_RESET;
    }
}
