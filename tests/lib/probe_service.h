/* SPDX-License-Identifier: MIT
 *
 * A service that does what each request tells it to, and writes down what the core did with it. A
 * request is `VERB NAME [N [SIZE]]`:
 *
 *     now a            ends within call() with the message "a"
 *     size a N         ends within call() with N bytes
 *     blob a N         ends within call() with a blob of N bytes
 *     none a           ends within call() without a message
 *     bad a            ends within call() with "a", as malformed
 *     arena a N        ends like now, after filling N bytes of the request's arena
 *     wait a           ends when the test calls probe_end
 *     keep a           waits, with its payload kept: it is what probe_end sends for NULL
 *     loose a          is detached and waits like "wait"; ends with "full" where it cannot be,
 *                      or "no-place" if the codec has none for its messages
 *     endless a        is endless and waits like "wait"
 *     stream a N SIZE  sends N messages of SIZE bytes, as there is room, and then ends
 *
 * Without memory for what it was told it ends at once with "none".
 *
 * The log has one word for each entry: `open close` for connections, `a` for the call of a,
 * `a~` for on_room, `a!cut` for on_cancel with its reason. Whatever breaks the contract fails the
 * test: a call on a closed connection, a close while requests have not ended, a second on_cancel. */
#ifndef TEST_PROBE_SERVICE_H
#define TEST_PROBE_SERVICE_H

#include "core/service.h"

struct probe;
struct probe_conn;

enum { PROBE_CALLS = 4096, PROBE_NAME = 16 };

struct probe_call {
    char name[PROBE_NAME];
    struct weft_request *request; /* NULL: has ended */
    struct probe_conn *conn;
    struct probe *probe;
    size_t left, size; /* of a stream */
    bool refused;      /* the last send or end was answered -EAGAIN, and on_room is owed */
    bool cancelled;
    bool drained; /* it was detached or endless, and heard of the drain */
};

/* The tests' memory; zeroed before use, registered as the context of the services. */
struct probe {
    char log[16384];
    struct probe_call calls[PROBE_CALLS];
    size_t call_count;
    size_t pending; /* calls that have not ended */
    size_t connections, loops;

    /* If set, called with the call's name: the first before the request is obeyed, the others
     * afterwards. */
    void (*on_call)(struct probe *probe, const char *name);
    void (*on_room)(struct probe *probe, const char *name);
    void (*on_cancel)(struct probe *probe, const char *name);
    void *data; /* the test's */

    int open_error;              /* what open answers */
    int start_error, start_left; /* what start answers once it has succeeded so often */
};

/* "probe" words rejections: "malformed", "too-big:max-frame:SIZE:LIMIT", "reply-too-big:...",
 * "no-memory", "draining", "too-many:max-connections:LIMIT". "mute" has no words, no open and no
 * close. */
extern const struct weft_service probe_service, probe_mute_service;

/* These call weft_request_send and its siblings for the oldest unended call of that name. */
WEFT_MUST_USE int probe_send(struct probe *probe, const char *name, const char *text);
WEFT_MUST_USE int probe_send_size(struct probe *probe, const char *name, size_t size);
WEFT_MUST_USE int probe_end(struct probe *probe, const char *name, const char *text);
WEFT_MUST_USE int probe_end_size(struct probe *probe, const char *name, size_t size);
WEFT_MUST_USE int probe_end_blob(struct probe *probe, const char *name, struct weft_blob *blob);
WEFT_MUST_USE int probe_end_bad(struct probe *probe, const char *name, const char *text);
/* Ends it without a message, which is always taken. */
void probe_end_silently(struct probe *probe, const char *name);
/* Refuses it with WEFT_REJECT_DENIED. */
void probe_refuse(struct probe *probe, const char *name);
/* True if a call of that name has not ended. */
bool probe_is_pending(const struct probe *probe, const char *name);
/* Ends, without a message, whatever has not ended. */
void probe_end_all(struct probe *probe);

#endif
