# SPDX-License-Identifier: MIT
"""Frames of HTTP/2 as bytes (RFC 9113, 4 and 6; RFC 7541 for fields), written by hand so that they can be wrong, and a
connection that sends them and notes what comes back."""
import socket
import struct

TIMEOUT = 60  # seconds; it decides no test that passes
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
KINDS = ("DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE",
         "CONTINUATION")
ERRORS = ("NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
          "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
          "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED")
END_STREAM = ACK = 0x1
END_HEADERS, PADDED, WITH_PRIORITY = 0x4, 0x8, 0x20
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = range(1, 7)
CANCEL = ERRORS.index("CANCEL")


def frame(kind, flags, stream, payload=b""):
    number = KINDS.index(kind) if isinstance(kind, str) else kind
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", number, flags, stream) + payload


def data(stream, payload=b"", flags=0):
    return frame("DATA", flags, stream, payload)


def headers(stream, block, flags=END_HEADERS):
    return frame("HEADERS", flags, stream, block)


def continuation(stream, block, flags=END_HEADERS):
    return frame("CONTINUATION", flags, stream, block)


def priority(stream, depends_on=0, weight=255):
    return frame("PRIORITY", 0, stream, struct.pack(">IB", depends_on, weight))


def reset(stream, code=CANCEL):
    return frame("RST_STREAM", 0, stream, struct.pack(">I", code))


def settings(*pairs, flags=0, stream=0):
    return frame("SETTINGS", flags, stream, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def ping(payload=bytes(8), flags=0, stream=0):
    return frame("PING", flags, stream, payload)


def goaway(code=0, stream=0):
    return frame("GOAWAY", 0, stream, struct.pack(">II", 0, code))


def window_update(stream, size):
    return frame("WINDOW_UPDATE", 0, stream, struct.pack(">I", size))


def integer(number, bits, first=0):
    """Returns an integer of HPACK whose prefix has so many bits (RFC 7541, 5.1)."""
    most = (1 << bits) - 1
    if number < most:
        return bytes([first | number])
    out = bytes([first | most])
    number -= most
    while number >= 128:
        out += bytes([number % 128 + 128])
        number //= 128
    return out + bytes([number])


def text(value):
    value = value if isinstance(value, bytes) else value.encode()
    return integer(len(value), 7) + value


def fields(*pairs, how=0x00):
    """Returns fields as literals that no table keeps, or as another kind of literal."""
    return b"".join(bytes([how]) + text(name) + text(value) for name, value in pairs)


class Connection:
    """Events are what the server has sent, in order: (kind, stream, flags, payload), and at last ("END", 0, 0, b"")."""

    def __init__(self, port, preface=PREFACE + settings() + settings(flags=ACK)):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self.events = []
        self.input = b""
        self.send(preface)

    def close(self):
        self.socket.close()

    def send(self, content):
        try:
            self.socket.sendall(content)
        except (BrokenPipeError, ConnectionResetError):
            pass  # what it said before is still there to be read

    def ended(self):
        return bool(self.events) and self.events[-1][0] == "END"

    def receive(self):
        """Waits for one frame more, or for the end."""
        while not self.ended():
            size = 9 + int.from_bytes(self.input[:3], "big")
            if len(self.input) >= 9 and len(self.input) >= size:
                kind, flags, stream = struct.unpack(">BBI", self.input[3:9])
                self.events.append((KINDS[kind], stream, flags, self.input[9:size]))
                self.input = self.input[size:]
                return
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            self.input += more
            if not more:
                self.events.append(("END", 0, 0, b""))

    def wait_for(self, wanted):
        """Waits for an event of which wanted is true, or for the end. Returns the event, or None."""
        seen = 0
        while True:
            for event in self.events[seen:]:
                if wanted(event):
                    return event
            seen = len(self.events)
            if self.ended():
                return None
            self.receive()


def error_of(code):
    return ERRORS[code] if code < len(ERRORS) else hex(code)
