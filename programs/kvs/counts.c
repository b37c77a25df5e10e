/* SPDX-License-Identifier: MIT */
#include "counts.h"

#include <inttypes.h>
#include <stdio.h>

enum { CLOSED_TEXT = 768 };

/* " closed.peer-closed=3 closed.frame-timeout=1"; returns dst. */
static char *format_closed(const struct weft_server_counts *counts, char *dst)
{
    size_t used = 0;
    dst[0] = '\0';
    for (int reason = 0; reason < WEFT_REASON_COUNT; reason++) {
        if (counts->closed[reason] == 0 || used >= CLOSED_TEXT)
            continue;
        used +=
            (size_t)snprintf(dst + used, CLOSED_TEXT - used, " closed.%s=%" PRIu64,
                             weft_reason_name((enum weft_reason)reason), counts->closed[reason]);
    }
    return dst;
}

void cli_log_counts(const struct weft_server *server, const struct weft_log *log)
{
    const char *endpoint;
    for (size_t i = 0; (endpoint = weft_server_endpoint(server, i)) != NULL; i++) {
        struct weft_server_counts counts;
        char closed[CLOSED_TEXT];
        weft_server_count(server, i, &counts);
        weft_log_write(log, WEFT_LOG_INFO, "counts",
                       "endpoint=%s accepted=%" PRIu64 " open=%" PRIu64 " requests=%" PRIu64
                       " rejected=%" PRIu64 " bytes-in=%" PRIu64 " bytes-out=%" PRIu64 "%s",
                       endpoint, counts.accepted, counts.open, counts.requests, counts.rejected,
                       counts.bytes_in, counts.bytes_out, format_closed(&counts, closed));
    }
}
