/* SPDX-License-Identifier: MIT */
#include "date.h"

#include <stdio.h>
#include <time.h>

void kv_http_write_date(char date[KV_HTTP_DATE], int64_t second)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t time = (time_t)second;
    struct tm tm;
    if (!gmtime_r(&time, &tm)) {
        date[0] = '\0';
        return;
    }
    (void)snprintf(date, KV_HTTP_DATE, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday],
                   tm.tm_mday % 100, months[tm.tm_mon], (tm.tm_year + 1900) % 10000,
                   tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100);
}
