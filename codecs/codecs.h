/* SPDX-License-Identifier: MIT
 *
 * The codecs that come with the library. Hand them to weft_registry_add_codec. They carry the payloads of
 * any service, except `line`, `resp` and `http`. docs/wire.md describes their frames. Below, "the message"
 * is what the service reads or writes, and options are those of an endpoint's URL. */
#ifndef WEFT_CODECS_H
#define WEFT_CODECS_H

#include "core/codec.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `line`: a frame is a line of text that ends with LF or CR LF, and the message is the line without that
 * end. It carries payloads of services that speak "line". Its option max-line is the longest message that
 * it reads, in bytes; the default is max-frame, which is also the most. A longer line is refused, and the
 * next one is read. The last line of a stream needs no end.
 *
 * A message is written with LF behind it, or with CR LF if its last byte is CR. So the peer reads what was
 * sent. A message must not contain LF, because it would be read as two: encode returns WEFT_ETOOBIG for
 * it, and io->limit is the place of the LF. */
extern const struct weft_codec weft_codec_line;

/* `raw`: a frame is four bytes of length, big endian, then the message. It has no options. max-frame has at
 * most 31 bits. */
extern const struct weft_codec weft_codec_raw;

/* `length-delimited-gzip`: a frame is one bit, 31 bits of length, big endian, then the payload. If the bit
 * is set, the payload is a gzip member (RFC 1952) that holds the message. Otherwise it is the message.
 * max-frame has at most 31 bits.
 *
 * Options: threshold, in bytes or `off` (default 1436), and level, 1 to 9 or `auto` (the default). A message
 * over the threshold is compressed if that makes it smaller. With level `auto`, one that would take more
 * than some milliseconds is sent as it is. But a message over the default max-frame, or over max-frame if
 * that is lower, is compressed however long it takes, because the peer may refuse a plain frame of that
 * size. `off` means that no message is compressed. Compressed messages are read in any case. */
extern const struct weft_codec weft_codec_length_delimited_gzip;

/* `length-field`: a frame is a header with a length in it, then a body. The header has offset + width bytes,
 * and the body has length + adjust bytes. The options, whose defaults make the frames of raw, are:
 *
 *   - width: the bytes of the length, which are 1, 2, 3, 4 or 8. endian: their order, big or little.
 *   - offset: the bytes before the length. offset + width is at most 256.
 *   - adjust: the bytes of the body that the length does not count. It is negative if the length counts
 *     more than the body, such as the header.
 *   - strip: the bytes at the beginning of a frame that are not part of its message, at most 256. The
 *     default is the header.
 *
 * Stripped bytes are written as zeros, except the length. If strip is less than the header, the rest of the
 * header is the beginning of the message, read and written; encode sets the length in it. A message that
 * is shorter than the shortest frame allows is filled up with zeros. configure refuses a max-frame that a
 * length of this width cannot express. */
extern const struct weft_codec weft_codec_length_field;

/* `resp`: the Redis protocol, for servers: it reads commands and writes replies. A message that arrives
 * is the bytes of one command as they were received: an array of bulk strings, or a line. A message that
 * is sent is the bytes of one whole reply. It has no options. It carries payloads of services that speak
 * "resp". */
extern const struct weft_codec weft_codec_resp;

/* `varint`: a frame is the length as a varint of protobuf, then the message, as writeDelimitedTo of
 * protobuf's own libraries writes it. A length is written in the fewest bytes. One that is read may have up
 * to ten bytes, even if fewer would do, but no more than 64 bits. It has no options. max-frame has at most
 * 31 bits. */
extern const struct weft_codec weft_codec_varint;

/* `http`: HTTP/1.1 and HTTP/1.0, for servers: it reads requests and writes responses. It carries
 * payloads of services that speak "http". Options: max-line, the largest request line or header field
 * (default 8KiB); max-head, the largest request line and header fields in all (default 16KiB);
 * max-fields, the most header fields (default 100). docs/wire.md says what a payload is. A library that
 * was built without llhttp does not define this codec. In this source tree the build defines
 * WEFT_HAS_HTTP if the codec is there. */
extern const struct weft_codec weft_codec_http;

/* `grpc`: gRPC over HTTP/2 (RFC 9113; PROTOCOL-HTTP2.md of the gRPC project), for servers, with prior knowledge or
 * chosen by ALPN ("h2"). A payload is a request's or a reply's message without the five bytes before it; its
 * target is the path. A call has one request; its answer may have many messages. Options: max-streams, the most
 * requests of a connection at once (default 128, and always less than max-pending); max-head, the largest list
 * of header fields (default 16KiB); threshold and level, as for length-delimited-gzip; keepalive-time (2h), keepalive-timeout
 * (20s) and keepalive-without-calls (on), the pings of its own to a silent peer, as gRPC's servers have them. A library that was built
 * without nghttp2 does not define this codec. In this source tree the build defines WEFT_HAS_GRPC if it is there. */
extern const struct weft_codec weft_codec_grpc;

/* Returns a list of all the codecs above that the library has, which ends with NULL, for weft_registry_add_all. The first is
 * length-delimited-gzip. It is static. */
const struct weft_codec *const *weft_codecs_all(void);

#ifdef __cplusplus
}
#endif

#endif
