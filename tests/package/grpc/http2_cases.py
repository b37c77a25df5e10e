# SPDX-License-Identifier: MIT
"""The rules of HTTP/2 that a server can be tried for: the cases of h2spec 2.6 (http2, hpack, generic), each once, under the
sections of RFC 9113 and RFC 7541 (as "7541 2.3.3"), and some that RFC 9113 has added since.

A case is what a client sends behind its preface, and what must come of it: "GOAWAY ERROR" (and the end), "RST_STREAM ERROR",
"answer" (a header on stream 1), "ignored", "closed", or what the case looks at. A stream's error may be made the
connection's (RFC 9113, 5.4.1). `instead` is what comes where that is something else; docs/grpc.md says why."""
import struct

from http2_frames import (ACK, ENABLE_PUSH, END_HEADERS, END_STREAM, HEADER_TABLE_SIZE, INITIAL_WINDOW_SIZE,
                          MAX_CONCURRENT_STREAMS, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE, PADDED, PREFACE, WITH_PRIORITY,
                          continuation, data, fields, frame, goaway, headers, integer, ping, priority, reset, settings,
                          window_update)

WHOLE = END_HEADERS | END_STREAM
MOST = 2 ** 31 - 1
STREAMS_MAX = 16  # max-streams of the server that is tried

METHOD, SCHEME, AUTHORITY = (":method", "POST"), (":scheme", "http"), (":authority", "a")
PATH = (":path", "/weft.kv.v1.Kv/Hget")
USUAL = (("content-type", "application/grpc"), ("te", "trailers"))
BLOCK = fields(METHOD, SCHEME, PATH, AUTHORITY, *USUAL)
ASK = b"\x0a\x01t\x12\x01k"  # an Hget
MESSAGE = struct.pack(">BI", 0, len(ASK)) + ASK
MORE = fields(("x-dummy", "1"))
OPEN = headers(1, BLOCK)
CALL = OPEN + data(1, MESSAGE, END_STREAM)
# A call whose answer waits for a window: its stream is half-closed (remote).
SHUT = settings((INITIAL_WINDOW_SIZE, 0))
WAITING = SHUT + CALL


def call_on(stream):
    return headers(stream, BLOCK) + data(stream, MESSAGE, END_STREAM)


def head_of(*pairs):
    """A call with these fields instead."""
    return headers(1, fields(*pairs)) + data(1, MESSAGE, END_STREAM)


def with_field(name, value):
    return head_of(METHOD, SCHEME, PATH, AUTHORITY, *USUAL, (name, value))


def with_block(more, before=b""):
    """A call with this HPACK around its fields."""
    return headers(1, before + BLOCK + more) + data(1, MESSAGE, END_STREAM)


def padded(kind, flags, stream, content, size, most=None):
    return frame(kind, flags | PADDED, stream, bytes([size if most is None else most]) + content + bytes(size))


def ended(event):
    """A step that waits: stream 1 is closed by its answer."""
    return event[1] == 1 and event[0] in ("HEADERS", "DATA") and event[2] & END_STREAM


def has_data(event):
    return event[0] == "DATA" and event[3]


def connection(error):
    return (f"GOAWAY {error}",)


def stream_error(*errors):
    return tuple(f"{kind} {error}" for error in errors for kind in ("RST_STREAM", "GOAWAY"))


PROTOCOL, SIZE, CLOSED, COMPRESSION, FLOW = ("PROTOCOL_ERROR", "FRAME_SIZE_ERROR", "STREAM_CLOSED", "COMPRESSION_ERROR",
                                             "FLOW_CONTROL_ERROR")
IGNORED, ANSWER = ("ignored",), ("answer",)


class Case:
    def __init__(self, section, name, steps, must, look=None, instead=None, preface=None):
        self.section, self.name, self.must, self.look, self.instead = section, name, must, look, instead
        self.steps = steps if isinstance(steps, list) else [steps]
        self.preface = preface


START = [
    Case("3.4", "a preface that is none", b"", ("closed", *connection(PROTOCOL)),
         preface=b"INVALID CONNECTION PREFACE\r\n\r\n"),
    Case("3.4", "a preface without SETTINGS behind it", ping(), connection(PROTOCOL), preface=PREFACE),
    Case("4.1", "a frame of unknown type", frame(22, 0, 0, bytes(8)), IGNORED),
    Case("4.1", "a PING with an undefined flag", ping(b"undefine", 0x16), ("PING undefine",), "ping"),
    Case("4.1", "a PING with the reserved bit", ping(b"reserved", 0, 2 ** 31), ("PING reserved",), "ping"),
    Case("4.2", "a DATA frame of 16,384 bytes", OPEN + data(1, bytes(16384), END_STREAM), ANSWER),
    Case("4.2", "a DATA frame over the largest size", OPEN + data(1, bytes(16385), END_STREAM), stream_error(SIZE)),
    Case("4.2", "a HEADERS frame over the largest size", headers(1, BLOCK + fields(("x", "v" * 16384)), WHOLE),
         connection(SIZE)),
    Case("4.3", "a field block that cannot be decoded", headers(1, b"\x40", WHOLE), connection(COMPRESSION)),
    Case("4.3", "PRIORITY within a field block", headers(1, BLOCK, 0) + priority(1) + continuation(1, MORE),
         connection(PROTOCOL)),
    Case("4.3", "HEADERS of another stream within a field block", headers(1, BLOCK, 0) + headers(3, BLOCK, WHOLE) +
         continuation(1, MORE), connection(PROTOCOL)),
]

STREAMS = [
    Case("5.1", "idle: DATA", data(1, b"test", END_STREAM), connection(PROTOCOL)),
    Case("5.1", "idle: RST_STREAM", reset(1), connection(PROTOCOL)),
    Case("5.1", "idle: WINDOW_UPDATE", window_update(1, 100), connection(PROTOCOL)),
    Case("5.1", "idle: CONTINUATION", continuation(1, BLOCK), connection(PROTOCOL)),
    Case("5.1", "idle: PRIORITY", priority(1), IGNORED),
    Case("5.1", "half-closed (remote): DATA", WAITING + data(1, b"test", END_STREAM), stream_error(CLOSED)),
    Case("5.1", "half-closed (remote): HEADERS", WAITING + headers(1, BLOCK, WHOLE), stream_error(CLOSED)),
    Case("5.1", "half-closed (remote): CONTINUATION", WAITING + continuation(1, MORE), stream_error(CLOSED, PROTOCOL)),
    Case("5.1", "half-closed (remote): WINDOW_UPDATE", WAITING + window_update(1, 1), ("DATA 1",), "data"),
    Case("5.1", "half-closed (remote): PRIORITY", WAITING + priority(1) + window_update(1, 1), ("DATA 1",), "data"),
    Case("5.1", "half-closed (remote): RST_STREAM", WAITING + reset(1), ANSWER),
    Case("5.1", "closed by RST_STREAM: DATA", OPEN + reset(1) + data(1, b"test", END_STREAM),
         stream_error(CLOSED), instead="ignored"),
    Case("5.1", "closed by RST_STREAM: HEADERS", OPEN + reset(1) + headers(1, BLOCK, WHOLE),
         stream_error(CLOSED), instead="ignored"),
    Case("5.1", "closed by RST_STREAM: CONTINUATION", OPEN + reset(1) + continuation(1, MORE),
         stream_error(CLOSED, PROTOCOL)),
    Case("5.1", "closed: DATA", [CALL, ended, data(1, b"test", END_STREAM)], stream_error(CLOSED), instead="answer"),
    Case("5.1", "closed: HEADERS", [CALL, ended, headers(1, BLOCK, WHOLE)], connection(CLOSED), instead="answer"),
    Case("5.1", "closed: CONTINUATION", [CALL, ended, continuation(1, MORE)], (*connection(CLOSED), *connection(PROTOCOL))),
    Case("5.1", "closed: PRIORITY", [CALL, ended, priority(1)], ANSWER),
    Case("5.1.1", "an even number of a stream", headers(2, BLOCK, WHOLE), connection(PROTOCOL)),
    Case("5.1.1", "a number below that of an earlier stream", call_on(5) + headers(3, BLOCK, WHOLE), connection(PROTOCOL),
         instead="ignored"),
    Case("5.1.1", "HEADERS twice on one stream", WAITING + headers(1, BLOCK, WHOLE), stream_error(CLOSED)),
    Case("5.1.2", "one stream more than allowed",
         SHUT + b"".join(call_on(1 + 2 * i) for i in range(STREAMS_MAX + 1)) + settings((INITIAL_WINDOW_SIZE, 65535)),
         stream_error(PROTOCOL, "REFUSED_STREAM")),
    Case("5.3.2", "HEADERS that depend on their own stream",
         headers(1, struct.pack(">IB", 1, 255) + BLOCK, WHOLE | WITH_PRIORITY), (*stream_error(PROTOCOL), *ANSWER)),
    Case("5.3.2", "PRIORITY that depends on its own stream", priority(1, 1), (*stream_error(PROTOCOL), *IGNORED)),
    Case("5.4.1", "the connection is closed behind a GOAWAY", ping(bytes(8), 0, 3), connection(PROTOCOL)),
    Case("5.5", "an unknown frame on a stream", OPEN + frame(22, 0, 1, bytes(8)) + data(1, MESSAGE, END_STREAM), ANSWER),
    Case("5.5", "an unknown frame within a field block", headers(1, BLOCK, END_STREAM) + frame(22, 0, 0, bytes(8)),
         connection(PROTOCOL)),
]

FRAMES = [
    Case("6.1", "DATA in one frame", CALL, ANSWER),
    Case("6.1", "DATA in several frames", OPEN + data(1, MESSAGE[:6]) + data(1, MESSAGE[6:], END_STREAM), ANSWER),
    Case("6.1", "DATA with padding", OPEN + padded("DATA", END_STREAM, 1, MESSAGE, 6), ANSWER),
    Case("6.1", "DATA on stream 0", data(0, b"test", END_STREAM), connection(PROTOCOL)),
    Case("6.1", "DATA behind END_STREAM", WAITING + data(1, b"test", END_STREAM), stream_error(CLOSED)),
    Case("6.1", "DATA with more padding than its payload", OPEN + frame("DATA", END_STREAM | PADDED, 1, b"\x06test"),
         connection(PROTOCOL)),
    Case("6.2", "HEADERS without more", headers(1, BLOCK, WHOLE), ANSWER),
    Case("6.2", "HEADERS with padding", padded("HEADERS", WHOLE, 1, BLOCK, 8), ANSWER),
    Case("6.2", "HEADERS with a priority", headers(1, struct.pack(">IB", 0, 255) + BLOCK, WHOLE | WITH_PRIORITY), ANSWER),
    Case("6.2", "HEADERS, then PRIORITY before the block's end", headers(1, BLOCK, 0) + priority(1) + continuation(1, MORE),
         connection(PROTOCOL)),
    Case("6.2", "HEADERS, then those of another stream before the block's end",
         headers(1, BLOCK, 0) + headers(3, BLOCK, WHOLE) + continuation(1, MORE), connection(PROTOCOL)),
    Case("6.2", "HEADERS on stream 0", headers(0, BLOCK, WHOLE), connection(PROTOCOL)),
    Case("6.2", "HEADERS with more padding than their payload", padded("HEADERS", WHOLE, 1, BLOCK, 0, 255),
         connection(PROTOCOL)),
    Case("6.3", "PRIORITY with weight 1", priority(1, 0, 0) + CALL, ANSWER),
    Case("6.3", "PRIORITY with weight 256", priority(1) + CALL, ANSWER),
    Case("6.3", "PRIORITY that depends on a stream", priority(3, 1, 0) + CALL, ANSWER),
    Case("6.3", "PRIORITY that is exclusive", priority(1, 2 ** 31, 0) + CALL, ANSWER),
    Case("6.3", "PRIORITY of an idle stream, then HEADERS of a lower one", priority(3) + CALL, ANSWER),
    Case("6.3", "PRIORITY on stream 0", priority(0), connection(PROTOCOL)),
    Case("6.3", "PRIORITY of 4 bytes", OPEN + frame("PRIORITY", 0, 1, bytes(4)), stream_error(SIZE)),
    Case("6.4", "RST_STREAM", OPEN + reset(1), IGNORED),
    Case("6.4", "RST_STREAM on stream 0", reset(0), connection(PROTOCOL)),
    Case("6.4", "RST_STREAM on an idle stream", reset(1), connection(PROTOCOL)),
    Case("6.4", "RST_STREAM of 3 bytes", OPEN + frame("RST_STREAM", 0, 1, bytes(3)), connection(SIZE)),
    Case("6.5", "SETTINGS with all that are defined",
         settings((HEADER_TABLE_SIZE, 4096), (ENABLE_PUSH, 1), (MAX_CONCURRENT_STREAMS, 100), (INITIAL_WINDOW_SIZE, 65535),
                  (MAX_FRAME_SIZE, 16384), (MAX_HEADER_LIST_SIZE, 100)), ("SETTINGS acknowledged",), "settings"),
    Case("6.5", "an acknowledgement with a payload", frame("SETTINGS", ACK, 0, b"\0"), connection(SIZE)),
    Case("6.5", "SETTINGS on stream 1", settings((MAX_CONCURRENT_STREAMS, 100), stream=1), connection(PROTOCOL)),
    Case("6.5", "SETTINGS of 8 bytes", frame("SETTINGS", 0, 0, bytes(8)), connection(SIZE)),
    Case("6.5.2", "ENABLE_PUSH of 2", settings((ENABLE_PUSH, 2)), connection(PROTOCOL)),
    Case("6.5.2", "INITIAL_WINDOW_SIZE over the largest", settings((INITIAL_WINDOW_SIZE, 2 ** 31)), connection(FLOW)),
    Case("6.5.2", "MAX_FRAME_SIZE under the least", settings((MAX_FRAME_SIZE, 16383)), connection(PROTOCOL)),
    Case("6.5.2", "MAX_FRAME_SIZE over the largest", settings((MAX_FRAME_SIZE, 2 ** 24)), connection(PROTOCOL)),
    Case("6.5.2", "a setting that is unknown", settings((0xff, 1)), IGNORED),
    Case("6.5.3", "INITIAL_WINDOW_SIZE twice in one frame", settings((INITIAL_WINDOW_SIZE, 100), (INITIAL_WINDOW_SIZE, 1)) +
         CALL, ("DATA 1",), "data"),
    Case("6.5.3", "SETTINGS are acknowledged", settings((ENABLE_PUSH, 0)), ("SETTINGS acknowledged",), "settings"),
    Case("6.6", "a PUSH_PROMISE", OPEN + frame("PUSH_PROMISE", END_HEADERS, 1, struct.pack(">I", 3) + BLOCK),
         connection(PROTOCOL)),
    Case("6.7", "a PING", ping(b"to and f"), ("PING to and f",), "ping"),
    Case("6.7", "a PING with ACK, then one without", ping(b"not this", ACK) + ping(b"but this"), ("PING but this",), "ping"),
    Case("6.7", "a PING on stream 1", ping(bytes(8), 0, 1), connection(PROTOCOL)),
    Case("6.7", "a PING of 6 bytes", ping(bytes(6)), connection(SIZE)),
    Case("6.8", "a GOAWAY on stream 1", goaway(0, 1), connection(PROTOCOL)),
    Case("6.8", "a GOAWAY, with a call under way", OPEN + goaway() + data(1, MESSAGE, END_STREAM), ("answer, closed",), "end"),
]

WINDOWS = [
    Case("6.9", "an increment of 0 for the connection", window_update(0, 0), connection(PROTOCOL)),
    Case("6.9", "an increment of 0 for a stream", OPEN + window_update(1, 0), stream_error(PROTOCOL)),
    Case("6.9", "a WINDOW_UPDATE of 3 bytes", frame("WINDOW_UPDATE", 0, 0, bytes(3)), connection(SIZE)),
    Case("6.9.1", "an answer fits the window", settings((INITIAL_WINDOW_SIZE, 1)) + CALL, ("DATA 1",), "data"),
    Case("6.9.1", "the connection's window over the largest", window_update(0, MOST) * 2, connection(FLOW)),
    Case("6.9.1", "a stream's window over the largest", OPEN + window_update(1, MOST) * 2, stream_error(FLOW)),
    Case("6.9.2", "a window that changes behind a call", WAITING + settings((INITIAL_WINDOW_SIZE, 1)), ("DATA 1",), "data"),
    Case("6.9.2", "a window that becomes negative",
         [settings((INITIAL_WINDOW_SIZE, 3)) + CALL, has_data, settings((INITIAL_WINDOW_SIZE, 2)) + window_update(1, 2)],
         ("DATA 3, DATA 1",), "data"),
    Case("6.9.2", "INITIAL_WINDOW_SIZE that brings a stream's window over the largest",
         OPEN + window_update(1, MOST - 65535) + settings((INITIAL_WINDOW_SIZE, 65536)), connection(FLOW),
         instead="RST_STREAM FLOW_CONTROL_ERROR"),
    Case("6.10", "several CONTINUATION frames", headers(1, BLOCK, END_STREAM) + continuation(1, MORE, 0) +
         continuation(1, MORE), ANSWER),
    Case("6.10", "CONTINUATION, then DATA before the block's end",
         headers(1, BLOCK, 0) + continuation(1, MORE, 0) + data(1, b"test", END_STREAM), connection(PROTOCOL)),
    Case("6.10", "CONTINUATION on stream 0", headers(1, BLOCK, END_STREAM) + continuation(0, MORE), connection(PROTOCOL)),
    Case("6.10", "CONTINUATION behind HEADERS that end their block", headers(1, BLOCK, WHOLE) + continuation(1, MORE),
         connection(PROTOCOL)),
    Case("6.10", "CONTINUATION behind one that ends the block",
         headers(1, BLOCK, END_STREAM) + continuation(1, MORE) * 2, connection(PROTOCOL)),
    Case("6.10", "DATA within a block, then CONTINUATION",
         headers(1, BLOCK, 0) + data(1, b"test", END_STREAM) + continuation(1, MORE, 0), connection(PROTOCOL)),
    Case("7", "a GOAWAY with an unknown error", goaway(0xff), ("closed",)),
    Case("7", "a RST_STREAM with an unknown error", OPEN + reset(1, 0xff), IGNORED),
]

MESSAGES = [
    Case("8.1", "a POST with trailers", OPEN + data(1, MESSAGE) + headers(1, fields(("x-test", "ok")), WHOLE), ANSWER),
    Case("8.1", "a GET", headers(1, fields((":method", "GET"), SCHEME, PATH, AUTHORITY), WHOLE), ANSWER),
    Case("8.1", "a HEAD", headers(1, fields((":method", "HEAD"), SCHEME, PATH, AUTHORITY), WHOLE), ANSWER),
    Case("8.1", "a second HEADERS without END_STREAM", OPEN + data(1, MESSAGE) + headers(1, fields(("x-test", "ok"))),
         stream_error(PROTOCOL)),
    Case("8.1.1", "content-length that is not that of DATA",
         headers(1, BLOCK + fields(("content-length", "1"))) + data(1, b"test", END_STREAM), stream_error(PROTOCOL)),
    Case("8.1.1", "content-length that is not the sum of DATA",
         headers(1, BLOCK + fields(("content-length", "1"))) + data(1, b"test") + data(1, b"test", END_STREAM),
         stream_error(PROTOCOL)),
    Case("8.2.1", "a name in capitals", with_field("X-TEST", "ok"), stream_error(PROTOCOL)),
    Case("8.2.1", "a name with a space", with_field("x test", "ok"), stream_error(PROTOCOL)),
    Case("8.2.1", "a name with a colon within", with_field("x:test", "ok"), stream_error(PROTOCOL)),
    Case("8.2.1", "a name over 0x7e", with_field(b"x-\xff", "ok"), stream_error(PROTOCOL)),
    Case("8.2.1", "a value with NUL", with_field("x-test", "o\0k"), stream_error(PROTOCOL)),
    Case("8.2.1", "a value with a line's end", with_field("x-test", "o\r\nk"), stream_error(PROTOCOL)),
    Case("8.2.1", "a value that begins with a space", with_field("x-test", " ok"), stream_error(PROTOCOL)),
    Case("8.2.2", "the field connection", with_field("connection", "keep-alive"), stream_error(PROTOCOL)),
    Case("8.2.2", "te that is not trailers", head_of(METHOD, SCHEME, PATH, AUTHORITY, ("te", "trailers, deflate")),
         stream_error(PROTOCOL)),
    Case("8.3", "an unknown pseudo-field", head_of(METHOD, SCHEME, PATH, AUTHORITY, (":test", "ok")), stream_error(PROTOCOL)),
    Case("8.3", "a pseudo-field of answers", head_of(METHOD, SCHEME, PATH, AUTHORITY, (":status", "200")),
         stream_error(PROTOCOL)),
    Case("8.3", "a pseudo-field in trailers", OPEN + data(1, MESSAGE) + headers(1, fields(METHOD), WHOLE),
         stream_error(PROTOCOL)),
    Case("8.3", "a pseudo-field behind another field", head_of(METHOD, SCHEME, PATH, ("x-test", "ok"), AUTHORITY),
         stream_error(PROTOCOL)),
    Case("8.3.1", "an empty :path", head_of(METHOD, SCHEME, (":path", ""), AUTHORITY, *USUAL), stream_error(PROTOCOL)),
    Case("8.3.1", "a :path that does not begin with /", head_of(METHOD, SCHEME, (":path", "x"), AUTHORITY, *USUAL),
         stream_error(PROTOCOL)),
    Case("8.3.1", "no :method", head_of(SCHEME, PATH, AUTHORITY, *USUAL), stream_error(PROTOCOL)),
    Case("8.3.1", "no :scheme", head_of(METHOD, PATH, AUTHORITY, *USUAL), stream_error(PROTOCOL)),
    Case("8.3.1", "no :path", head_of(METHOD, SCHEME, AUTHORITY, *USUAL), stream_error(PROTOCOL)),
    Case("8.3.1", ":method twice", head_of(METHOD, METHOD, SCHEME, PATH, AUTHORITY, *USUAL), stream_error(PROTOCOL)),
    Case("8.3.1", ":scheme twice", head_of(METHOD, SCHEME, SCHEME, PATH, AUTHORITY, *USUAL), stream_error(PROTOCOL)),
    Case("8.3.1", ":path twice", head_of(METHOD, SCHEME, PATH, PATH, AUTHORITY, *USUAL), stream_error(PROTOCOL)),
    Case("8.4", "a client that pushes, on an idle stream",
         frame("PUSH_PROMISE", END_HEADERS, 1, struct.pack(">I", 3) + BLOCK), connection(PROTOCOL)),
]

HUFFMAN_NAME = b"\x85\xf2\xb2\x4a\x84\xff"  # "x-test"
HUFFMAN_VALUE = b"\x84\x9c\x48\xac\xa4"     # "h2spec"

HPACK = [
    Case("7541 2.3.3", "an index beyond the tables", with_block(b"\xfe"), connection(COMPRESSION)),
    Case("7541 2.3.3", "a name's index beyond the tables", with_block(b"\x7f\x40\x01v"), connection(COMPRESSION)),
    Case("7541 4.2", "a table's size behind the fields", with_block(b"\x21"), connection(COMPRESSION)),
    Case("7541 4.2", "two of a table's sizes", with_block(b"", b"\x20\x3f\xe1\x1f"), ANSWER),
    Case("7541 5.2", "Huffman with 8 bits of padding", with_block(b"\x00" + HUFFMAN_NAME + b"\x84\x49\x50\x9f\xff"),
         connection(COMPRESSION)),
    Case("7541 5.2", "Huffman padded with zeros", with_block(b"\x00" + HUFFMAN_NAME + b"\x83\x49\x50\x90"),
         connection(COMPRESSION)),
    Case("7541 5.2", "Huffman with the symbol EOS", with_block(b"\x00\x85\xf2\xb2\x4a\x87\xff\xff\xff\xfd\x25\x42\x7f"),
         connection(COMPRESSION)),
    Case("7541 6.1", "an indexed field", with_block(b"\xba"), ANSWER),
    Case("7541 6.1", "index 0", with_block(b"\x80"), connection(COMPRESSION)),
    Case("7541 6.2.1", "a field to be indexed, its name indexed", with_block(b"\x7a\x06h2spec"), ANSWER),
    Case("7541 6.2.1", "its value in Huffman's code", with_block(b"\x7a" + HUFFMAN_VALUE), ANSWER),
    Case("7541 6.2.1", "its name new", with_block(fields(("x-test", "h2spec"), how=0x40)), ANSWER),
    Case("7541 6.2.1", "both in Huffman's code", with_block(b"\x40" + HUFFMAN_NAME + HUFFMAN_VALUE), ANSWER),
    Case("7541 6.2.2", "a field not to be indexed, its name indexed", with_block(b"\x0f\x2b\x06h2spec"), ANSWER),
    Case("7541 6.2.2", "its value in Huffman's code", with_block(b"\x0f\x2b" + HUFFMAN_VALUE), ANSWER),
    Case("7541 6.2.2", "its name new", with_block(fields(("x-test", "h2spec"))), ANSWER),
    Case("7541 6.2.2", "both in Huffman's code", with_block(b"\x00" + HUFFMAN_NAME + HUFFMAN_VALUE), ANSWER),
    Case("7541 6.2.3", "a field never to be indexed, its name indexed", with_block(b"\x1f\x2b\x06h2spec"), ANSWER),
    Case("7541 6.2.3", "its value in Huffman's code", with_block(b"\x1f\x2b" + HUFFMAN_VALUE), ANSWER),
    Case("7541 6.2.3", "its name new", with_block(fields(("x-test", "h2spec"), how=0x10)), ANSWER),
    Case("7541 6.2.3", "both in Huffman's code", with_block(b"\x10" + HUFFMAN_NAME + HUFFMAN_VALUE), ANSWER),
    Case("7541 6.3", "a table's size", with_block(b"", b"\x20"), ANSWER),
    Case("7541 6.3", "a table's size over the largest", with_block(b"", integer(4097, 5, 0x20)), connection(COMPRESSION)),
]

GROUPS = (("3.4 to 4.3: the preface, frames", START), ("5: streams", STREAMS), ("6.1 to 6.8: the kinds of frames", FRAMES),
          ("6.9 to 7: windows, CONTINUATION, errors", WINDOWS), ("8: requests", MESSAGES), ("RFC 7541: HPACK", HPACK))
CASES = [case for _, cases in GROUPS for case in cases]
