/* SPDX-License-Identifier: MIT
 *
 * Shared by the topics of the codec suite: codecs with a limit, frames and streams of known
 * content, and what is asserted of what was fed. Private to the suite; the state of each test is its
 * struct weft_codec_suite. */
#ifndef TEST_CODEC_SUITE_FIXTURE_H
#define TEST_CODEC_SUITE_FIXTURE_H

#include <stdbool.h>

#include "codec_suite.h"
#include "lib/feed.h"
#include "lib/stream.h"

enum {
    LIMIT = 8192, /* max_frame and max_message of most tests */
    ROOM = STREAM_ROOM,
};

/* Topics: each runs its group and returns how many failed. */
int codec_suite__run_limits(const struct weft_codec_suite *suite, const char *name);
int codec_suite__run_frames(const char *name);
int codec_suite__run_isolation(const char *name);
int codec_suite__run_hostile(const char *name);
int codec_suite__run_sharing(const struct weft_codec_suite *suite, const char *name);

/* Which codec the tests are of. Borrowed. */
void codec_suite_choose(const struct weft_codec_suite *suite);
/* cmocka's group fixture. */
int codec_suite_setup(void **state);

/* The codec with max_frame and max_message both at limit. Returns what feed_codec_init answers. */
int codec_try_init(struct feed_codec *fc, const struct weft_codec_suite *suite, size_t limit);
struct feed_codec codec_of(const struct weft_codec_suite *suite, size_t limit);
/* The codec with limits that differ. max_message is at least max_frame, which the core enforces. */
struct feed_codec codec_with(const struct weft_codec_suite *suite, size_t max_frame,
                             size_t max_message);

/* Returns the message that the codec carries for content of *size bytes, and sets *size to its own. Freed
 * with free(). */
uint8_t *message_of(enum content content, size_t *size);
/* Makes a frame that encode has made the one that a peer would send of the same content. */
void codec_suite_as_request(struct feed_frame *frame, enum content content, size_t size);
/* The message in a payload. */
struct weft_view codec_suite_message(struct weft_view payload);
/* The most bytes that a frame may have before its message. */
size_t codec_suite_header(void);

/* A blob of the content; NULL where there is no memory for one. */
struct weft_blob *blob_of(enum content content, size_t size);
/* The frame of a body that is written or, where there is memory for one, a blob. */
struct feed_frame body_frame(const struct feed_codec *fc, enum content content, size_t size,
                             bool as_blob);
struct feed_frame good_frame(const struct feed_codec *fc, enum content content, size_t size);
/* It is the whole frame of the content. */
void assert_stands_for(const struct feed_codec *fc, const struct feed_frame *frame,
                       enum content content, size_t size);
void stream_add_message(struct stream *stream, const struct feed_codec *fc, enum content content,
                        size_t size);
/* Messages of all kinds, empty ones at both ends, about 2 KiB on the wire. */
struct stream *stream_of(const struct feed_codec *fc);

/* Exactly so many messages came, and nothing is left over. */
void assert_whole(const struct feed *feed, size_t count);
void assert_message(const struct feed *feed, size_t i, enum content content, size_t size);
void assert_same(const struct feed *a, const struct feed *b);
/* However the bytes come, in two parts or in pieces of one size, what is decoded is the same. */
void assert_each_split_and_piece(const struct feed_codec *fc, struct weft_view bytes,
                                 const struct feed *whole);

#endif
