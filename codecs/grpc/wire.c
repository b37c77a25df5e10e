/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "parts.h"

void grpc_session_end(struct grpc_conn *conn, uint32_t error, const char *detail)
{
    if (!conn->detail)
        conn->detail = detail;
    if (nghttp2_session_terminate_session(conn->session, error) < 0)
        conn->no_memory = true;
}

int grpc_session_send(struct grpc_conn *conn)
{
    int err = nghttp2_session_send(conn->session);
    conn->no_memory |= err == NGHTTP2_ERR_NOMEM;
    if (err == 0)
        return 0;
    if (!conn->detail)
        conn->detail = nghttp2_strerror(err);
    return -ENOMEM;
}
