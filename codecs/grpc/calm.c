/* SPDX-License-Identifier: MIT
 *
 * Bounds on frames that bring nothing, on resets and on pings. A peer that behaves stays far below them,
 * whatever it does with its windows; one that does not hears GOAWAY with ENHANCE_YOUR_CALM. */
#include "parts.h"

enum {
    FRAMES_AT_ONCE =
        1000, /* SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA, frames of streams that are gone, unknown ones */
    FRAMES_PER_SECOND = 100,
    FRAMES_CREDIT = 4, /* two WINDOW_UPDATE for a DATA frame or a call, and as much again */
    RESETS_AT_ONCE = 200,
    RESETS_PER_SECOND = 100,
    PING_STRIKES = 2
};

/* gRPC's own servers count pings like this (A8-client-side-keepalive.md of the gRPC project): one is a strike if it
 * comes sooner than that after the one before, while we have sent nothing; without requests it is two hours. */
#define PING_INTERVAL      ((int64_t)WEFT_SECONDS(300))
#define PING_INTERVAL_IDLE ((int64_t)WEFT_SECONDS(7200))

static int64_t now_of(const struct grpc_conn *conn)
{
    return conn->now ? *conn->now : 0;
}

/* Takes one. Time is looked at only when none is left. Returns false if there is none. */
static bool spend(struct grpc_allowance *allowance, uint64_t at_once, uint64_t per_second,
                  int64_t now)
{
    if (allowance->left == 0) {
        const int64_t each = (int64_t)WEFT_SECONDS(1) / (int64_t)per_second;
        const uint64_t more = (uint64_t)((now - allowance->since) / each);
        if (more == 0)
            return false;
        allowance->left = more < at_once ? more : at_once;
        allowance->since = now;
    }
    allowance->left--;
    return true;
}

void grpc_calm_begin(struct grpc_conn *conn)
{
    conn->frames = (struct grpc_allowance){.left = FRAMES_AT_ONCE, .since = now_of(conn)};
    conn->resets = (struct grpc_allowance){.left = RESETS_AT_ONCE, .since = now_of(conn)};
}

void grpc_calm_frame(struct grpc_conn *conn)
{
    if (!conn->brought && !spend(&conn->frames, FRAMES_AT_ONCE, FRAMES_PER_SECOND, now_of(conn)))
        grpc_session_end(conn, NGHTTP2_ENHANCE_YOUR_CALM, "too many frames that bring nothing");
}

void grpc_calm_credit(struct grpc_conn *conn)
{
    conn->frames.left += FRAMES_CREDIT;
}

void grpc_calm_reset(struct grpc_conn *conn)
{
    if (!spend(&conn->resets, RESETS_AT_ONCE, RESETS_PER_SECOND, now_of(conn)))
        grpc_session_end(conn, NGHTTP2_ENHANCE_YOUR_CALM, "too many streams that were reset");
}

void grpc_calm_ping(struct grpc_conn *conn)
{
    const int64_t now = now_of(conn);
    const int64_t interval = conn->streams ? PING_INTERVAL : PING_INTERVAL_IDLE;
    conn->brought = true; /* it is counted here */
    if (conn->pinged && now - conn->last_ping < interval)
        conn->strikes++;
    conn->pinged = true;
    conn->last_ping = now;
    if (conn->strikes <= PING_STRIKES)
        return;
    static const char words[] = "too_many_pings"; /* clients of gRPC know it: they ping less then */
    conn->detail = "too many pings";
    conn->said_goodbye = true;
    (void)nghttp2_submit_goaway(
        conn->session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(conn->session),
        NGHTTP2_ENHANCE_YOUR_CALM, (const uint8_t *)words, sizeof words - 1);
}
