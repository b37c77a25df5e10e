/* SPDX-License-Identifier: MIT
 *
 * The codecs that come with the library. Hand them to weft_registry_add_codec. They carry payloads of
 * any service, unless it is said below. docs/wire.md describes their frames. */
#ifndef WEFT_CODECS_H
#define WEFT_CODECS_H

#include "core/codec.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `line`: a frame is a line of text, ended by LF or CR LF, and the message is the line without that. It
 * speaks "line". Option: max-line, the longest line that is read, without its end, in bytes; by default
 * max-frame, and not more. A line over it is refused, and the next one is read. The last line of a stream
 * needs no end.
 *
 * Lines are written with LF, and with CR LF if they end in CR, so that every line comes out as it went in.
 * A message that holds LF is none: encode returns WEFT_ETOOBIG for it, with the size at which it would
 * have ended as its limit. A service that speaks "line" has to keep LF out of what it sends. */
extern const struct weft_codec weft_codec_line;

/* `raw`: a frame is four bytes of length, then the message. It has no options. */
extern const struct weft_codec weft_codec_raw;

/* `length-delimited-gzip`: a frame is one bit, 31 bits of length, then the payload. If the bit is set,
 * the payload is a gzip member that holds the message; otherwise it is the message. Options: threshold,
 * in bytes or `off`, and level, 1 to 9 or `auto`. Messages longer than the threshold are compressed if
 * that makes them smaller, but with level `auto` not those that would take more than some milliseconds.
 * A message over the default max-frame, or over max-frame if that is lower, is compressed whatever it
 * takes, unless threshold is `off`. */
extern const struct weft_codec weft_codec_length_delimited_gzip;

/* `length-field`: a frame is a header that has a length in it, then the message. Options: width, 1, 2, 3, 4
 * or 8 bytes of length; endian, big or little; offset, the bytes before the length; adjust, which is added
 * to a length for bytes that it does not count, or taken from it if negative; strip, the bytes at the
 * beginning of a frame that are not part of its message. A frame has offset + width + length + adjust
 * bytes. The defaults make the frames of raw.
 *
 * What is stripped is written as zeros, but for the length. If strip takes less than the whole header, a
 * message brings the rest of it, both ways, and encode sets the length in its copy. A message that is
 * shorter than any frame's is filled up with zeros. A max-frame that the width cannot say is refused. */
extern const struct weft_codec weft_codec_length_field;

/* `resp`: the Redis protocol. A message that arrives is one command, an array of bulk strings or a line,
 * as it was received; one that is sent is a reply, whole. It has no options and speaks "resp" alone. It is for
 * servers. */
extern const struct weft_codec weft_codec_resp;

/* `varint`: a frame is the length as a varint of protobuf, then the message, as writeDelimitedTo and its
 * like write it. Lengths of up to ten bytes are read, also if fewer would do; of more than 64 bits none
 * is. The shortest are written. It has no options. max-frame has at most 31 bits. */
extern const struct weft_codec weft_codec_varint;

/* `http`: HTTP/1.1 and HTTP/1.0 for servers; it speaks "http". It is there if the library was built with
 * llhttp. Options: max-line and max-head in bytes, max-fields. docs/wire.md says what a payload is. */
extern const struct weft_codec weft_codec_http;

#ifdef __cplusplus
}
#endif

#endif
