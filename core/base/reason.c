/* SPDX-License-Identifier: MIT */
#include "reason.h"

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
