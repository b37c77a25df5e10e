/* SPDX-License-Identifier: MIT
 *
 * Rejections in the words of kv. */
#include <inttypes.h>
#include <stdio.h>

#include "session_private.h"

enum kv_status kv__status_of(enum weft_reject_cause cause)
{
    switch (cause) {
    case WEFT_REJECT_MALFORMED:
        return KV_BAD_REQUEST;
    case WEFT_REJECT_TOO_BIG:
    case WEFT_REJECT_REPLY_TOO_BIG:
        return KV_TOO_BIG;
    case WEFT_REJECT_NOT_KNOWN:
        return KV_NOT_KNOWN;
    case WEFT_REJECT_DENIED:
        return KV_DENIED;
    case WEFT_REJECT_RATE:
        return KV_TOO_OFTEN;
    case WEFT_REJECT_NO_MEMORY:
    case WEFT_REJECT_DRAINING:
    case WEFT_REJECT_TOO_MANY:
    case WEFT_REJECT_DEADLINE:
        break;
    }
    return KV_RETRY;
}

int kv_may_go_on(struct weft_request *request, const struct weft_action *action, const char **why)
{
    struct weft_rejection rejection;
    if (!request->layers || weft_request_ask(request, action, &rejection))
        return 0;
    *why = "The subscription is not allowed any more";
    return (int)kv__status_of(rejection.cause);
}

size_t kv_session_reject(void *loop_state, const struct weft_rejection *rejection, uint8_t *dst)
{
    const struct kv_session_loop *self = loop_state;
    const char *what = rejection->what ? rejection->what : "unknown";
    char line[KV_LINE_MAX] = "";
    switch (rejection->cause) {
    case WEFT_REJECT_MALFORMED:
        (void)snprintf(line, sizeof line, "Frame is malformed: %s", what);
        break;
    case WEFT_REJECT_TOO_BIG:
    case WEFT_REJECT_REPLY_TOO_BIG:
        (void)snprintf(line, sizeof line, "%s is too big: %" PRIu64 " bytes, %s is %" PRIu64,
                       rejection->cause == WEFT_REJECT_TOO_BIG ? "Request" : "Reply",
                       rejection->size, what, rejection->limit);
        break;
    case WEFT_REJECT_NO_MEMORY:
        (void)snprintf(line, sizeof line, "Out of memory");
        break;
    case WEFT_REJECT_DRAINING:
        (void)snprintf(line, sizeof line, "Server is shutting down");
        break;
    case WEFT_REJECT_TOO_MANY:
        (void)snprintf(line, sizeof line, "Too many connections: %s is %" PRIu64, what,
                       rejection->limit);
        break;
    case WEFT_REJECT_NOT_KNOWN:
        (void)snprintf(line, sizeof line, "Not known: %s",
                       rejection->what ? rejection->what : "say who you are first");
        break;
    case WEFT_REJECT_DENIED:
        (void)snprintf(line, sizeof line, "Denied: %s",
                       rejection->what ? rejection->what : "you may not do this");
        break;
    case WEFT_REJECT_RATE:
        (void)snprintf(line, sizeof line, "Too often: at most %" PRIu64 " per second",
                       rejection->limit);
        break;
    case WEFT_REJECT_DEADLINE:
        (void)snprintf(line, sizeof line, "Too late"); /* codecs say that by themselves */
        break;
    }
    return self->face->put_text(dst, kv__status_of(rejection->cause), line);
}
