/* SPDX-License-Identifier: MIT
 *
 * Writes the head of a response of kv: its status line and fields, which grow behind self->head. What is put there is
 * bounded by the limits of the codec and of this folder, so that it fits. Private to this folder. */
#ifndef KV_HTTP_HEAD_H
#define KV_HTTP_HEAD_H

#include "reply.h"

static inline void kv__http_put(struct kv_http_body *self, const char *text, size_t size)
{
    memcpy(self->head + self->head_size, text, size);
    self->head_size += size;
}

#define KV__HTTP_PUT(self, literal) kv__http_put((self), (literal), sizeof(literal) - 1)

void kv__http_put_text(struct kv_http_body *self, const char *text);

/* Puts the fields about the state of a key. coded: its tag is the one of the compressed content. */
void kv__http_put_state(struct kv_http_body *self, const struct kv_state *state, bool coded,
                        int64_t now);

/* Begins the head anew with a status line and the fields that every response has. */
void kv__http_begin(struct kv_http_body *self, unsigned status, const struct kv_http_about *about);

/* Ends the head of a response whose content is set, and makes it a body. type: the value of Content-Type, or NULL. */
void kv__http_finish(struct kv_http_body *self, const char *type);

/* Returns how long a key has left. It rounds up, so that a key never outlives what is said of it by less than is
 * said. */
static inline uint64_t kv__http_seconds_left(int64_t expires, int64_t now)
{
    return expires > now ? (uint64_t)(expires - now + 999) / 1000 : 0;
}

#endif
