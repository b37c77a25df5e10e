/* SPDX-License-Identifier: MIT
 *
 * The defaults of streams, backlog, window, keepalive and ping-timeout are those of Go's yamux (mux.go: DefaultConfig:
 * AcceptBacklog, MaxStreamWindowSize, KeepAliveInterval, ConnectionWriteTimeout), so that a client of it does not meet
 * a limit that it does not have itself. */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "core/base/units.h"
#include "frame.h"

const struct weft_option weft__yamux_options[] = {
    {"streams", "COUNT", "streams of a session at one time (default 256)"},
    {"backlog", "COUNT", "streams that are not accepted yet (default 256)"},
    {"window", "SIZE", "bytes that a stream may bring unread, 256KiB to 16MiB (default 256KiB)"},
    {"session-memory", "SIZE", "bytes that all streams may bring unread (default 16MiB)"},
    {"session-output", "SIZE", "output that waits before streams take turns (default 64KiB)"},
    {"idle-frames", "COUNT", "frames without use per second that end a session (default 1000)"},
    {"session-keepalive", "TIME", "silence before a ping, 0 for never (default 30)"},
    {"ping-timeout", "TIME", "silence after a ping that ends the session (default 10)"},
    {NULL, NULL, NULL},
};

enum unit { COUNT, SIZE, TIME };

/* An option, the field that it sets, and the values that it may have. */
static const struct rule {
    const char *name, *form;
    size_t offset;
    enum unit unit;
    uint64_t least, most, value;
} rules[] = {
#define FIELD(name) offsetof(struct weft__yamux_config, name)
    {"streams", "1 to 65536", FIELD(streams), COUNT, 1, 65536, 256},
    {"backlog", "1 to 65536", FIELD(backlog), COUNT, 1, 65536, 256},
    {"window", "256KiB to 16MiB", FIELD(window), SIZE, WEFT__YAMUX_WINDOW, WEFT_MIB(16),
     WEFT__YAMUX_WINDOW},
    {"session-memory", "256KiB to 4GiB", FIELD(memory), SIZE, WEFT__YAMUX_WINDOW, WEFT_MIB(4096),
     WEFT_MIB(16)},
    {"session-output", "16KiB to 16MiB", FIELD(output), SIZE, WEFT_KIB(16), WEFT_MIB(16),
     WEFT_KIB(64)},
    {"idle-frames", "10 to 1000000", FIELD(idle_frames), COUNT, 10, 1000000, 1000},
    {"session-keepalive", "0 for never, or 1 second to 1 day", FIELD(keepalive), TIME,
     WEFT_SECONDS(1), WEFT_SECONDS(86400), WEFT_SECONDS(30)},
    {"ping-timeout", "0.1 seconds to 1 hour", FIELD(ping_timeout), TIME, WEFT_SECONDS(1) / 10,
     WEFT_SECONDS(3600), WEFT_SECONDS(10)},
#undef FIELD
};

static int parse(const struct rule *rule, const char *text, uint64_t *value)
{
    int err = rule->unit == COUNT  ? weft_parse_count(text, value)
              : rule->unit == SIZE ? weft_parse_size(text, value)
                                   : weft_parse_seconds(text, value);
    bool is_never =
        err == 0 && *value == 0 && rule->offset == offsetof(struct weft__yamux_config, keepalive);

    if (err < 0 || (!is_never && (*value < rule->least || *value > rule->most)))
        return WEFT_ECONFIG;
    return 0;
}

int weft__yamux_config_read(struct weft__yamux_config *config, const struct weft_option_set *set,
                            struct weft_error *error)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const struct rule *rule = &rules[i];
        const char *text = weft_option_get(set, rule->name);
        uint64_t value = rule->value;

        if (text && parse(rule, text, &value) < 0)
            return weft_error_set(error, WEFT_ECONFIG, "option %s=%s: it takes %s", rule->name,
                                  text, rule->form);
        memcpy((char *)config + rule->offset, &value, sizeof value);
    }
    return 0;
}
