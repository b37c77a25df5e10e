/* SPDX-License-Identifier: MIT
 *
 * Settings are of two kinds:
 *
 *   - An option belongs to a plugin and is given in an endpoint's URL (`?threshold=1436`). The plugin
 *     declares the options that it has, and reads them in its configure slot.
 *   - A limit is set once for a whole server or client. The programs take it on the command line
 *     (`--max-frame 8MiB`). It is a uint64_t field of a struct, and a row of a table describes it. The
 *     core has one such table; a service may have another one of its own.
 *
 * Any thread may call these functions. They allocate nothing. */
#ifndef WEFT_SETTINGS_H
#define WEFT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One option that a plugin declares, such as the `level` of `?threshold=1436&level=6`. A plugin has a
 * static array of these, ended by a NULL name. */
struct weft_option {
    const char *name;
    const char *values; /* the values it takes, for --help and for errors: "1...9|auto" */
    const char *help;
};

/* One option as it was given. Both strings are terminated and never NULL. */
struct weft_option_value {
    const char *name, *value;
};

/* All options of an endpoint. Every plugin of the endpoint gets this set and reads only the options that
 * it declares. The core refuses an option that no plugin declares. A function that is handed a set borrows
 * it, and the values in it, until it returns. */
struct weft_option_set {
    const struct weft_option_value *values;
    size_t count;
};

/* Returns the value of the option called name, or NULL if it was not given. */
const char *weft_option_get(const struct weft_option_set *set, const char *name);

/* The field of a TIME is in nanoseconds. As text it is in seconds, or has a unit (weft_parse_seconds). */
enum weft_limit_unit { WEFT_LIMIT_BYTES, WEFT_LIMIT_COUNT, WEFT_LIMIT_TIME };

/* The largest value of a limit of each unit. These leave spare bits, so that a sum of several limits, a
 * COUNT times a few KiB, and a deadline that is a TIME from now all fit in 64 bits. */
#define WEFT_LIMIT_BYTES_MAX (UINT64_C(1) << 50)
#define WEFT_LIMIT_COUNT_MAX (UINT64_C(1) << 40)
#define WEFT_LIMIT_TIME_MAX  WEFT_SECONDS(3650 * UINT64_C(86400))

#define WEFT_KIB(n)          ((uint64_t)(n) << 10)
#define WEFT_MIB(n)          ((uint64_t)(n) << 20)
#define WEFT_SECONDS(n)      ((uint64_t)(n)*1000000000u)

/* X(field, "option-name", unit, default, zero_is_off, "help") for each limit; struct weft_limit says what
 * the columns mean. The struct, the command lines, their help and the error texts are made from this table.
 * max-connections, drain-timeout and frame-cache hold for the whole server. The others hold for each frame,
 * request or connection. */
#define WEFT_LIMIT_MAP(X)                                                                          \
    X(max_frame, "max-frame", BYTES, WEFT_MIB(8), false, "largest payload on the wire")            \
    X(max_message, "max-message", BYTES, WEFT_MIB(32), false, "largest message, inflated")         \
    X(decode_bytes, "decode-bytes", BYTES, WEFT_MIB(64), false,                                    \
      "memory one request may decode into")                                                        \
    X(max_pending, "max-pending", COUNT, 1024, false, "requests in flight on a connection")        \
    X(pending_bytes, "pending-bytes", BYTES, WEFT_MIB(32), false, "kept for requests in flight")   \
    X(max_detached, "max-detached", COUNT, 1024, false, "detached requests of a connection")       \
    X(push_high, "push-high", BYTES, WEFT_KIB(16), false,                                          \
      "output that detached requests wait for")                                                    \
    X(output_high, "output-high", BYTES, WEFT_MIB(1), false, "output that stops the reading")      \
    X(output_low, "output-low", BYTES, WEFT_KIB(256), false, "output at which reading goes on")    \
    X(output_hard, "output-hard", BYTES, WEFT_MIB(64), false, "output that closes a connection")   \
    X(max_connections, "max-connections", COUNT, 10000, false, "connections open at once")         \
    X(frame_timeout, "frame-timeout", TIME, WEFT_SECONDS(30), false,                               \
      "time for a frame to complete")                                                              \
    X(write_timeout, "write-timeout", TIME, WEFT_SECONDS(30), false,                               \
      "time without the peer reading")                                                             \
    X(idle_timeout, "idle-timeout", TIME, 0, true, "time without a request, 0 for ever")           \
    X(drain_timeout, "drain-timeout", TIME, WEFT_SECONDS(10), false,                               \
      "time to drain before the cut")                                                              \
    X(frame_cache, "frame-cache", BYTES, WEFT_MIB(128), true, "compressed replies kept, 0 none")   \
    X(max_bad_frames, "max-bad-frames", COUNT, 8, true, "bad frames in a row, 0 any number")

struct weft_limits {
#define X(field, name, unit, value, zero, help) uint64_t field;
    WEFT_LIMIT_MAP(X)
#undef X
};

/* One row of a table of limits. */
struct weft_limit {
    const char *name, *help;
    enum weft_limit_unit unit;
    /* True if the limit may be 0, which means "no limit" or "none of these", as help says. False if 0 is
     * an error. */
    bool zero_is_off;
    uint64_t value; /* the default */
    size_t offset;  /* of its uint64_t field in the struct that the table describes */
};

/* Returns the core's table in the order of WEFT_LIMIT_MAP, ended by a NULL name. It is static. */
const struct weft_limit *weft_limit_table(void);

/* Returns the core's limits with their defaults. */
struct weft_limits weft_limits_default(void);

/* Sets the field of one limit from text ("8MiB", "30", "0.5"). `limits` is the struct that the limit's
 * table describes: struct weft_limits, or that of another table. WEFT_ECONFIG: *error names the limit and
 * the form or the range that it takes, and the struct is unchanged. */
WEFT_MUST_USE int weft_limit_set(const struct weft_limit *limit, void *limits, const char *text,
                                 struct weft_error *error);

/* Finds one of the core's limits by its option name ("max-frame") and sets it as weft_limit_set does. If
 * there is no such limit, this returns WEFT_ECONFIG too, and *error lists the names. */
WEFT_MUST_USE int weft_limits_set(struct weft_limits *limits, const char *name, const char *text,
                                  struct weft_error *error);

/* Checks that each limit is in its range, and that the limits fit each other: max_frame <= max_message,
 * output_low <= output_high, and output_high + max_frame <= output_hard. WEFT_ECONFIG: *error names the
 * first limits that do not. */
WEFT_MUST_USE int weft_limits_check(const struct weft_limits *limits, struct weft_error *error);

#ifdef __cplusplus
}
#endif

#endif
