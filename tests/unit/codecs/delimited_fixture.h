/* SPDX-License-Identifier: MIT
 *
 * The codec length-delimited-gzip, and messages that shrink or do not. */
#ifndef TEST_DELIMITED_FIXTURE_H
#define TEST_DELIMITED_FIXTURE_H

#include "lib/feed.h"

#define MIB ((size_t)1 << 20)

int try_init(struct feed_codec *fc, const char *query, uint64_t max_frame, uint64_t max_message,
             struct weft_error *error);
struct feed_codec codec_of(const char *query, uint64_t max_frame, uint64_t max_message);
/* JSON-like; shrinks to a fraction. */
uint8_t *text_of(size_t size);
uint8_t *random_of(size_t size);
/* The frame of so many bytes of text. */
struct feed_frame frame_of(const struct feed_codec *fc, size_t size);
struct feed_frame random_frame_of(const struct feed_codec *fc, size_t size);
void assert_decodes_to_text(const struct feed_codec *fc, struct weft_view frame, size_t size);
void assert_too_big(struct feed_frame frame, size_t size, size_t limit, const char *why);

#endif
