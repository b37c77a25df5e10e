/* SPDX-License-Identifier: MIT
 *
 * Settings are of two kinds: the options of a plugin, which stand in an endpoint's URL, and limits,
 * which hold for a whole server or client. */
#ifndef WEFT_SETTINGS_H
#define WEFT_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One option that a plugin declares, as in `?threshold=1436&level=6`. A plugin has a static array of
 * these, ended by a NULL name. */
struct weft_option {
    const char *name;
    const char *values; /* the values it takes, for --help and for errors: "1...9|auto" */
    const char *help;
};

/* One option as it was given. */
struct weft_option_value {
    const char *name, *value;
};

/* All options of an endpoint. The plugins of the endpoint all get this set, and each reads only those
 * that it declares; the core refuses an option that none declares. A set is borrowed until the call
 * that it is handed to returns. */
struct weft_option_set {
    const struct weft_option_value *values;
    size_t count;
};

/* Returns the value of name, or NULL if it was not given. */
const char *weft_option_get(const struct weft_option_set *set, const char *name);

/* A limit of TIME is in nanoseconds here and in seconds on a command line. */
enum weft_limit_unit { WEFT_LIMIT_BYTES, WEFT_LIMIT_COUNT, WEFT_LIMIT_TIME };

/* The largest values that limits of each unit may have. They leave spare bits, so that a sum of several
 * limits, a COUNT times a few KiB, and a deadline that is a TIME from now all fit in 64 bits. */
#define WEFT_LIMIT_BYTES_MAX (UINT64_C(1) << 50)
#define WEFT_LIMIT_COUNT_MAX (UINT64_C(1) << 40)
#define WEFT_LIMIT_TIME_MAX  WEFT_SECONDS(3650 * UINT64_C(86400))

#define WEFT_KIB(n)          ((uint64_t)(n) << 10)
#define WEFT_MIB(n)          ((uint64_t)(n) << 20)
#define WEFT_SECONDS(n)      ((uint64_t)(n)*1000000000u)

/* X(field, "option-name", unit, default, zero_is_off, "help") for each limit. The struct, the command
 * lines, their help and the texts of refusals are made from this table. */
#define WEFT_LIMIT_MAP(X)                                                                          \
    X(max_frame, "max-frame", BYTES, WEFT_MIB(8), 0, "largest payload on the wire")                \
    X(max_message, "max-message", BYTES, WEFT_MIB(32), 0, "largest message, inflated")             \
    X(decode_bytes, "decode-bytes", BYTES, WEFT_MIB(64), 0, "memory one request may decode into")  \
    X(max_pending, "max-pending", COUNT, 1024, 0, "requests in flight on a connection")            \
    X(pending_bytes, "pending-bytes", BYTES, WEFT_MIB(32), 0, "kept for requests in flight")       \
    X(max_detached, "max-detached", COUNT, 1024, 0, "detached requests of a connection")           \
    X(push_high, "push-high", BYTES, WEFT_KIB(16), 0, "output that detached requests wait for")    \
    X(output_high, "output-high", BYTES, WEFT_MIB(1), 0, "output that stops the reading")          \
    X(output_low, "output-low", BYTES, WEFT_KIB(256), 0, "output at which reading goes on")        \
    X(output_hard, "output-hard", BYTES, WEFT_MIB(64), 0, "output that closes a connection")       \
    X(max_connections, "max-connections", COUNT, 10000, 0, "connections open at once")             \
    X(frame_timeout, "frame-timeout", TIME, WEFT_SECONDS(30), 0, "time for a frame to complete")   \
    X(write_timeout, "write-timeout", TIME, WEFT_SECONDS(30), 0, "time without the peer reading")  \
    X(idle_timeout, "idle-timeout", TIME, 0, 1, "time without a request, 0 for ever")              \
    X(drain_timeout, "drain-timeout", TIME, WEFT_SECONDS(10), 0, "time to drain before the cut")   \
    X(frame_cache, "frame-cache", BYTES, WEFT_MIB(128), 1, "compressed replies kept, 0 none")      \
    X(max_bad_frames, "max-bad-frames", COUNT, 8, 1, "bad frames in a row, 0 any number")

struct weft_limits {
#define X(field, name, unit, value, zero, help) uint64_t field;
    WEFT_LIMIT_MAP(X)
#undef X
};

struct weft_limit {
    const char *name, *help;
    enum weft_limit_unit unit;
    int zero_is_off; /* true: 0 means no limit, or none of what is limited, as help says;
                        false: 0 is an error */
    uint64_t value;  /* the default */
    size_t offset;   /* where its uint64_t field is in struct weft_limits, or its owner's struct */
};

/* Returns the table in the order above, ended by a NULL name. It is static. */
const struct weft_limit *weft_limit_table(void);

/* Returns all limits at their defaults. */
struct weft_limits weft_limits_default(void);

/* Sets the field of one limit from text ("8MiB", "30", "0.5"). `limits` is the struct that the limit's
 * table describes: struct weft_limits, or the struct of another owner. WEFT_ECONFIG: error names the
 * limit and the form it takes, and the struct is unchanged. */
WEFT_MUST_USE int weft_limit_set(const struct weft_limit *limit, void *limits, const char *text,
                                 struct weft_error *error);

/* Sets one limit as weft_limit_set does, found by its option name ("max-frame"). WEFT_ECONFIG also if
 * there is no such limit: *error lists the names. */
WEFT_MUST_USE int weft_limits_set(struct weft_limits *limits, const char *name, const char *text,
                                  struct weft_error *error);

/* Checks that each limit is in its range, and that they fit each other: max_frame <= max_message,
 * output_low <= output_high, and output_high + max_frame <= output_hard. WEFT_ECONFIG: *error names
 * the limits that do not. */
WEFT_MUST_USE int weft_limits_check(const struct weft_limits *limits, struct weft_error *error);

#ifdef __cplusplus
}
#endif

#endif
