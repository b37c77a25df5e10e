/* SPDX-License-Identifier: MIT
 *
 * The codec grpc on one connection, driven as the core does it, and nghttp2 as its client. */
#ifndef TEST_GRPC_WORLD_H
#define TEST_GRPC_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "codecs/codecs.h"
#include "core/reject.h"
#include "lib/feed.h"
#include "lib/grpc_peer.h"

struct grpc_world {
    struct feed_codec fc;
    struct feed feed;
    struct grpc_peer peer;
};

/* query: options; max_frame and max_message of the codec. */
struct grpc_world *grpc_world_new(const char *query, size_t max_frame, size_t max_message);
/* Does what grpc_world_new does, for a client with windows of its own, which the test opens. */
struct grpc_world *grpc_world_of(const char *query, size_t max_frame, size_t max_message,
                                 uint32_t window, bool auto_window);
void grpc_world_free(struct grpc_world *w);

/* Lets both sides talk until neither has more to say. */
void grpc_world_talk(struct grpc_world *w);
/* Hands what the codec has written to the client. */
void grpc_world_hear(struct grpc_world *w);

/* Hands a frame of these bytes to the codec, which need not be one that a client library would write. */
void grpc_world_frame(struct grpc_world *w, uint8_t type, uint8_t flags, uint32_t stream,
                      const void *payload, size_t size);

/* Encodes for the i-th message that came; answer may be NULL. text NULL: the end alone. Returns what encode does. */
int grpc_world_answer(struct grpc_world *w, size_t i, const char *text, bool last,
                      const struct weft_answer *answer);
int grpc_world_answer_body(struct grpc_world *w, size_t i, const struct weft_body *body, bool last,
                           const struct weft_answer *answer, struct weft_encode_io *io);
void grpc_world_reject(struct grpc_world *w, size_t i, enum weft_reject_cause cause);

/* The call was answered with these messages, separated by commas, and this code and words. */
void assert_answered(const struct grpc_peer_call *call, const char *messages, int code,
                     const char *words);

#endif
