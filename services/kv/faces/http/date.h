/* SPDX-License-Identifier: MIT
 *
 * The time as HTTP writes it. */
#ifndef KV_HTTP_DATE_H
#define KV_HTTP_DATE_H

#include "reply.h"

/* Writes a time in seconds since 1970 as HTTP does, in whatever locale the program is (RFC 9110, 5.6.7). date is empty
 * if the year is not one that can be written. */
void kv_http_write_date(char date[KV_HTTP_DATE], int64_t second);

#endif
