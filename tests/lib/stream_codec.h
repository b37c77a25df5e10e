/* SPDX-License-Identifier: MIT
 *
 * A codec of streams as plain text, whose frames are lines and whose peer has a window for each stream:
 *
 *     7:now a          the message "now a" on stream 7
 *     7@500:wait a     that, with a deadline of 500 ms
 *     7/x:now a        that, for the target "x", with the metadata "for: x" and the credentials "by x"
 *     7!               the peer resets stream 7
 *     7?               a malformed message
 *     7+100            the window of stream 7 grows by 100 bytes
 *     7</x             the head of a request with many messages, for the target "x"
 *     7>text           a message of it; 7>? one that is malformed, 7>. its end
 *     ok               the answer to a goodbye
 *     bye, lost        nothing follows; the boundary is lost
 *
 * A message of an answer is `7=text;`, or `7=x100;` where it is longer than 15 bytes: its letter and size. The end
 * is `7.`, or `7.CODE:WORDS:TRAILER`, or `7.rejected CAUSE`; before the first message stands `7#HEADER;` if there is
 * one. A goodbye is `soon;` and counts one byte of backlog until "ok" comes, if it was not the final one, which is
 * `gone;`. Anything of a stream waits until all that is before it has left.
 *
 * It breaks the test if the core breaks a promise of codec.h: an encode behind the last one, or for a stream
 * that decode never gave. */
#ifndef TEST_STREAM_CODEC_H
#define TEST_STREAM_CODEC_H

#include "core/codec.h"

enum { STREAM_CODEC_WINDOW = 1000 }; /* of each stream at its beginning */

extern const struct weft_codec stream_codec;

/* Streams of all connections whose answer is not over. A test sets it to 0 at its begin. */
extern unsigned stream_codec_alive;

#endif
