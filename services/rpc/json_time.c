/* SPDX-License-Identifier: MIT */
#include "json_time.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { SECONDS, NANOS, FIELDS }; /* places in the descriptor */
enum { BILLION = 1000000000 };

static const int64_t first_second = INT64_C(-62135596800), last_second = INT64_C(253402300799),
                     longest = INT64_C(315576000000);

static bool is_timestamp(const ProtobufCMessageDescriptor *type)
{
    return strcmp(type->name, "google.protobuf.Timestamp") == 0;
}

bool weft__rpc_is_time(const ProtobufCMessageDescriptor *type)
{
    return (is_timestamp(type) || strcmp(type->name, "google.protobuf.Duration") == 0) &&
           type->n_fields == FIELDS && type->fields[SECONDS].type == PROTOBUF_C_TYPE_INT64 &&
           type->fields[NANOS].type == PROTOBUF_C_TYPE_INT32;
}

const char *weft__rpc_no_time(const ProtobufCMessageDescriptor *type)
{
    return is_timestamp(type) ? "\"1970-01-01T00:00:00Z\"" : "\"0s\"";
}

/* --- writing ------------------------------------------------------------------------------------------ */

/* Writes a fraction with 0, 3, 6 or 9 digits. Returns its size. */
static size_t put_fraction(char *dst, size_t room, uint32_t nanos)
{
    int digits = 9;
    if (nanos == 0)
        return 0;
    for (; nanos % 1000 == 0; nanos /= 1000)
        digits -= 3;
    return (size_t)snprintf(dst, room, ".%0*" PRIu32, digits, nanos);
}

static size_t put_timestamp(char *dst, int64_t seconds, int32_t nanos)
{
    if (seconds < first_second || seconds > last_second || nanos < 0 || nanos >= BILLION)
        return 0;
    struct tm date;
    const time_t time = (time_t)seconds;
    if (time != seconds || !gmtime_r(&time, &date))
        return 0;
    size_t size = (size_t)snprintf(dst, WEFT__RPC_TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d",
                                   date.tm_year + 1900, date.tm_mon + 1, date.tm_mday, date.tm_hour,
                                   date.tm_min, date.tm_sec);
    size += put_fraction(dst + size, WEFT__RPC_TIME_TEXT - size, (uint32_t)nanos);
    dst[size] = 'Z';
    return size + 1;
}

static size_t put_duration(char *dst, int64_t seconds, int32_t nanos)
{
    if (seconds < -longest || seconds > longest || nanos <= -BILLION || nanos >= BILLION ||
        (seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0))
        return 0;
    const bool negative = seconds < 0 || nanos < 0;
    size_t size = (size_t)snprintf(dst, WEFT__RPC_TIME_TEXT, "%s%" PRId64, negative ? "-" : "",
                                   negative ? -seconds : seconds);
    size +=
        put_fraction(dst + size, WEFT__RPC_TIME_TEXT - size, (uint32_t)(negative ? -nanos : nanos));
    dst[size] = 's';
    return size + 1;
}

size_t weft__rpc_write_time(const ProtobufCMessage *message, char *dst)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    int64_t seconds;
    int32_t nanos;
    memcpy(&seconds, (const char *)message + type->fields[SECONDS].offset, sizeof seconds);
    memcpy(&nanos, (const char *)message + type->fields[NANOS].offset, sizeof nanos);
    return is_timestamp(type) ? put_timestamp(dst, seconds, nanos)
                              : put_duration(dst, seconds, nanos);
}

/* --- reading ------------------------------------------------------------------------------------------ */

static bool take(struct weft_view *rest, char wanted)
{
    if (rest->size == 0 || rest->data[0] != (uint8_t)wanted)
        return false;
    *rest = weft_view_skip(*rest, 1);
    return true;
}

/* Takes `least` to `most` digits. Returns how many there were, or 0. */
static size_t take_digits(struct weft_view *rest, size_t least, size_t most, int64_t *value)
{
    size_t count = 0;
    *value = 0;
    for (; count < most && count < rest->size; count++) {
        const uint8_t digit = rest->data[count];
        if (digit < '0' || digit > '9')
            break;
        *value = *value * 10 + (digit - '0');
    }
    *rest = weft_view_skip(*rest, count);
    return count >= least ? count : 0;
}

static bool take_pair(struct weft_view *rest, int64_t most, int64_t *value)
{
    return take_digits(rest, 2, 2, value) == 2 && *value <= most;
}

/* Takes a fraction, if there is one. */
static bool take_fraction(struct weft_view *rest, int32_t *nanos)
{
    int64_t value = 0;
    if (take(rest, '.')) {
        size_t digits = take_digits(rest, 1, 9, &value);
        if (digits == 0)
            return false;
        for (; digits < 9; digits++)
            value *= 10;
    }
    *nanos = (int32_t)value;
    return true;
}

/* Takes "Z" or "+01:00", as seconds east of Greenwich. */
static bool take_zone(struct weft_view *rest, int64_t *east)
{
    int64_t hours, minutes;
    *east = 0;
    if (take(rest, 'Z'))
        return true;
    const bool west = take(rest, '-');
    if ((!west && !take(rest, '+')) || !take_pair(rest, 23, &hours) || !take(rest, ':') ||
        !take_pair(rest, 59, &minutes))
        return false;
    *east = (hours * 60 + minutes) * (west ? -60 : 60);
    return true;
}

/* Finds the seconds from 1970 to a time in UTC. False: there is no such day. */
static bool find_second(struct tm *time, int64_t *seconds)
{
    const struct tm given = *time;
    *seconds = timegm(time);
    return time->tm_mon == given.tm_mon && time->tm_mday == given.tm_mday;
}

static bool read_timestamp(struct weft_view text, int64_t *seconds, int32_t *nanos)
{
    int64_t year, month, day, hour, minute, second, east;
    if (take_digits(&text, 4, 4, &year) != 4 || !take(&text, '-') ||
        !take_pair(&text, 12, &month) || !take(&text, '-') || !take_pair(&text, 31, &day) ||
        !take(&text, 'T') || !take_pair(&text, 23, &hour) || !take(&text, ':') ||
        !take_pair(&text, 59, &minute) || !take(&text, ':') || !take_pair(&text, 59, &second) ||
        !take_fraction(&text, nanos) || !take_zone(&text, &east) || text.size > 0)
        return false;
    struct tm time = {
        .tm_year = (int)year - 1900,
        .tm_mon = (int)month - 1,
        .tm_mday = (int)day,
        .tm_hour = (int)hour,
        .tm_min = (int)minute,
        .tm_sec = (int)second,
    };
    if (!find_second(&time, seconds))
        return false;
    *seconds -= east;
    return *seconds >= first_second && *seconds <= last_second;
}

static bool read_duration(struct weft_view text, int64_t *seconds, int32_t *nanos)
{
    const bool negative = take(&text, '-');
    if (take_digits(&text, 1, 12, seconds) == 0 || !take_fraction(&text, nanos) ||
        !take(&text, 's') || text.size > 0 || *seconds > longest)
        return false;
    if (negative) {
        *seconds = -*seconds;
        *nanos = -*nanos;
    }
    return true;
}

const char *weft__rpc_read_time(const ProtobufCMessageDescriptor *type, struct weft_view text,
                                void *message)
{
    int64_t seconds;
    int32_t nanos;
    if (is_timestamp(type) && !read_timestamp(text, &seconds, &nanos))
        return "A time is expected, such as \"2023-01-01T00:00:00Z\"";
    if (!is_timestamp(type) && !read_duration(text, &seconds, &nanos))
        return "A duration is expected, such as \"1.5s\"";
    memcpy((char *)message + type->fields[SECONDS].offset, &seconds, sizeof seconds);
    memcpy((char *)message + type->fields[NANOS].offset, &nanos, sizeof nanos);
    return NULL;
}
