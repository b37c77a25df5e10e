/* SPDX-License-Identifier: MIT
 *
 * Codes, words and times as gRPC writes them (PROTOCOL-HTTP2.md). */
#include <inttypes.h>
#include <stdio.h>

#include "parts.h"

/* The table is doc/statuscodes.md of the gRPC project: which code its own servers give in which case. It has no case of
 * a peer that may not do something, for which google.rpc.Code itself has a word. */
enum grpc_code grpc_code_of(enum weft_reject_cause cause)
{
    switch (cause) {
    case WEFT_REJECT_MALFORMED: /* "Could not decompress", "Error parsing request proto" */
        return GRPC_INTERNAL;
    case WEFT_REJECT_TOO_BIG: /* "Sent or received message was larger than configured limit" */
    case WEFT_REJECT_REPLY_TOO_BIG:
    case WEFT_REJECT_NO_MEMORY: /* "Server temporarily out of resources" */
    case WEFT_REJECT_RATE:
        return GRPC_RESOURCE_EXHAUSTED;
    case WEFT_REJECT_NOT_KNOWN: /* "Incorrect Auth metadata" */
        return GRPC_UNAUTHENTICATED;
    case WEFT_REJECT_DENIED:
        return GRPC_PERMISSION_DENIED;
    case WEFT_REJECT_DEADLINE: /* "Deadline expires before server returns status" */
        return GRPC_DEADLINE_EXCEEDED;
    case WEFT_REJECT_DRAINING: /* "Server shutting down" */
    case WEFT_REJECT_TOO_MANY:
        break;
    }
    return GRPC_UNAVAILABLE;
}

static void limit_words(const struct weft_rejection *why, const char *which, char *text,
                        size_t room)
{
    if (why->limit == 0)
        (void)snprintf(text, room, "%s may not be compressed before login", which);
    else
        (void)snprintf(text, room, "%s is too big: %" PRIu64 " bytes, %s is %" PRIu64, which,
                       why->size, why->what ? why->what : "the limit", why->limit);
}

void grpc_words_of(const struct weft_rejection *why, char *text, size_t room)
{
    const char *what = why->what;
    switch (why->cause) {
    case WEFT_REJECT_MALFORMED:
        (void)snprintf(text, room, "Request is malformed: %s", what ? what : "unknown");
        break;
    case WEFT_REJECT_TOO_BIG:
        limit_words(why, "Request", text, room);
        break;
    case WEFT_REJECT_REPLY_TOO_BIG:
        limit_words(why, "Reply", text, room);
        break;
    case WEFT_REJECT_NO_MEMORY:
        (void)snprintf(text, room, "Out of memory");
        break;
    case WEFT_REJECT_DRAINING:
        (void)snprintf(text, room, "Server is shutting down");
        break;
    case WEFT_REJECT_TOO_MANY:
        (void)snprintf(text, room, "Too many connections");
        break;
    case WEFT_REJECT_NOT_KNOWN:
        (void)snprintf(text, room, "Not known: %s", what ? what : "say who you are first");
        break;
    case WEFT_REJECT_DENIED:
        (void)snprintf(text, room, "Denied: %s", what ? what : "you may not do this");
        break;
    case WEFT_REJECT_RATE:
        (void)snprintf(text, room, "Too often: at most %" PRIu64 " per second", why->limit);
        break;
    case WEFT_REJECT_DEADLINE:
        (void)snprintf(text, room, "Deadline exceeded");
        break;
    }
}

uint8_t *grpc_percent_encode(struct weft_view words, uint8_t *dst)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < words.size; i++) {
        uint8_t c = words.data[i];
        if (c >= 0x20 && c <= 0x7e && c != '%') {
            *dst++ = c;
            continue;
        }
        *dst++ = '%';
        *dst++ = (uint8_t)digits[c >> 4];
        *dst++ = (uint8_t)digits[c & 15];
    }
    return dst;
}

/* Returns the nanoseconds of a unit, or 0 if there is no such unit. */
static uint64_t unit_of(uint8_t letter)
{
    switch (letter) {
    case 'H':
        return UINT64_C(3600000000000);
    case 'M':
        return UINT64_C(60000000000);
    case 'S':
        return UINT64_C(1000000000);
    case 'm':
        return UINT64_C(1000000);
    case 'u':
        return UINT64_C(1000);
    case 'n':
        return UINT64_C(1);
    default:
        return 0;
    }
}

bool grpc_read_timeout(struct weft_view text, uint64_t *nanoseconds)
{
    enum { DIGITS_MAX = 8 };
    if (text.size < 2 || text.size > DIGITS_MAX + 1)
        return false;
    uint64_t number = 0, unit = unit_of(text.data[text.size - 1]);
    for (size_t i = 0; i + 1 < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        number = number * 10 + (text.data[i] - (uint64_t)'0');
    }
    if (unit == 0)
        return false;
    /* 99999999 hours do not fit in 64 bits; nobody waits as long as what does. */
    *nanoseconds = number > UINT64_MAX / unit ? UINT64_MAX : number * unit;
    if (*nanoseconds == 0)
        *nanoseconds = 1; /* 0 would be no deadline at all */
    return true;
}
