/* SPDX-License-Identifier: MIT
 *
 * The time as HTTP writes it. */
#ifndef KV_HTTP_DATE_H
#define KV_HTTP_DATE_H

#include "reply.h"

/* Writes a time in seconds since 1970 as HTTP does, in whatever locale the program is (RFC 9110, 5.6.7). date is empty
 * if the year is not one that can be written. */
void kv_http_write_date(char date[KV_HTTP_DATE], int64_t second);

/* A date that is written once per second. All zero: not yet. */
struct kv_http_clock {
    int64_t second; /* since 1970: the one that date tells */
    char date[KV_HTTP_DATE];
};

/* Returns the date at a time in milliseconds since 1970, or NULL if it cannot be written. Valid until the next call. */
static inline const char *kv_http_clock_at(struct kv_http_clock *clock, int64_t now)
{
    if (now / 1000 != clock->second) {
        clock->second = now / 1000;
        kv_http_write_date(clock->date, clock->second);
    }
    return clock->date[0] ? clock->date : NULL;
}

#endif
