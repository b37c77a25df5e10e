/* SPDX-License-Identifier: MIT
 *
 * Keepalive pings of our own, as gRPC's servers send them (A9-server-side-conn-mgt.md of the gRPC project). A peer that
 * was silent for keepalive-time gets a PING. Any byte that it sends then shows that it lives, and if none comes for
 * keepalive-timeout it is gone. */
#include <errno.h>

#include "core/base/units.h"
#include "parts.h"

#define TIME_DEFAULT    ((int64_t)WEFT_SECONDS(7200))
#define TIMEOUT_DEFAULT ((int64_t)WEFT_SECONDS(20))

static const uint8_t opaque[8] = {'w', 'e', 'f', 't', 'p', 'i', 'n', 'g'};

static int read_time(const struct weft_option_set *set, int64_t *time, struct weft_error *error)
{
    const char *text = weft_option_get(set, "keepalive-time");
    uint64_t value = 0;
    *time = TIME_DEFAULT;
    if (!text)
        return 0;
    if (strcmp(text, "off") != 0 && (weft_parse_seconds(text, &value) < 0 ||
                                     value < WEFT_SECONDS(1) || value > WEFT_SECONDS(86400)))
        return weft_error_set(error, WEFT_ECONFIG,
                              "keepalive-time=%s: it takes 1 second to 1 day, or off", text);
    *time = (int64_t)value;
    return 0;
}

static int read_timeout(const struct weft_option_set *set, int64_t *timeout,
                        struct weft_error *error)
{
    const char *text = weft_option_get(set, "keepalive-timeout");
    uint64_t value;
    *timeout = TIMEOUT_DEFAULT;
    if (!text)
        return 0;
    if (weft_parse_seconds(text, &value) < 0 || value < WEFT_SECONDS(1) / 10 ||
        value > WEFT_SECONDS(3600))
        return weft_error_set(error, WEFT_ECONFIG,
                              "keepalive-timeout=%s: it takes 0.1 seconds to 1 hour", text);
    *timeout = (int64_t)value;
    return 0;
}

static int read_idle(const struct weft_option_set *set, bool *idle, struct weft_error *error)
{
    const char *text = weft_option_get(set, "keepalive-without-calls");
    *idle = !text || strcmp(text, "on") == 0;
    if (!*idle && strcmp(text, "off") != 0)
        return weft_error_set(error, WEFT_ECONFIG, "keepalive-without-calls=%s: it takes on or off",
                              text);
    return 0;
}

int grpc_keepalive_configure(struct grpc_config *config, const struct weft_option_set *set,
                             struct weft_error *error)
{
    int err = read_time(set, &config->keepalive_time, error);
    if (err == 0)
        err = read_timeout(set, &config->keepalive_timeout, error);
    if (err == 0)
        err = read_idle(set, &config->keepalive_idle, error);
    return err;
}

/* A peer that has not said the preface has no session, and speaks another protocol for all we know. */
static bool may_ask(const struct grpc_conn *conn)
{
    return conn->session && (conn->streams || conn->config->keepalive_idle);
}

/* Returns 0 or -ENOMEM. */
static int ask(struct grpc_conn *conn, struct weft_chain *out)
{
    conn->out = out;
    int err = nghttp2_submit_ping(conn->session, NGHTTP2_FLAG_NONE, opaque);
    if (err == 0)
        err = grpc_session_send(conn);
    conn->out = NULL;
    if (err < 0) {
        conn->no_memory = true;
        return -ENOMEM;
    }
    conn->keepalive_at = *conn->now;
    conn->keepalive_open++;
    conn->keepalive_waits = true;
    return 0;
}

/* Returns when to look again at a peer that was asked. That is no later than keepalive-time from now, since it may answer at
 * once and then be silent for so long. */
static int64_t next_look(const struct grpc_conn *conn)
{
    const int64_t end = conn->keepalive_at + conn->config->keepalive_timeout;
    const int64_t soon = *conn->now + conn->config->keepalive_time;
    return soon < end ? soon : end;
}

int64_t grpc_keepalive_tick(struct grpc_conn *conn, int64_t heard, struct weft_chain *out)
{
    const struct grpc_config *config = conn->config;
    const int64_t now = *conn->now;
    if (config->keepalive_time == 0)
        return 0;
    if (conn->no_memory)
        return -ENOMEM;
    if (conn->keepalive_waits && heard <= conn->keepalive_at)
        return now < conn->keepalive_at + config->keepalive_timeout ? next_look(conn) : -ETIMEDOUT;
    conn->keepalive_waits = false;
    if (now < heard + config->keepalive_time)
        return heard + config->keepalive_time;
    if (!may_ask(conn))
        return now + config->keepalive_time;
    return ask(conn, out) < 0 ? -ENOMEM : next_look(conn);
}

bool grpc_keepalive_answered(struct grpc_conn *conn, const uint8_t *data)
{
    if (conn->keepalive_open == 0 || memcmp(data, opaque, sizeof opaque) != 0)
        return false;
    conn->keepalive_open--;
    conn->keepalive_waits = false;
    return true;
}
