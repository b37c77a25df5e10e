#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Another language against kvs: Python's own protobuf writes and reads the messages, gzip and struct
the frames, from docs/wire.md and proto/abi.proto alone.

    interop.py FOLDER-OF-abi_pb2 HOST PORT CODEC CASE
"""

import gzip
import math
import socket
import struct
import sys

sys.path.insert(0, sys.argv[1])
import abi_pb2  # noqa: E402  (made by protoc into the build folder)

# How Python's protobuf writes and reads a length; its public functions for that are newer than Debian's.
from google.protobuf.internal.decoder import _DecodeVarint  # noqa: E402
from google.protobuf.internal.encoder import _VarintBytes  # noqa: E402

GZIP_BIT = 1 << 31
DEADLINE = 120  # seconds; it decides no case that passes


class Client:
    """One connection; frames as the codec has them."""

    def __init__(self, host, port, codec):
        self.codec = codec
        self.gzip = codec == "length-delimited-gzip"
        self.socket = socket.create_connection((host, port), timeout=DEADLINE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = self.socket.makefile("rb")
        self.was_compressed = False  # the last reply's frame

    def frame(self, payload, compress=False):
        if self.codec == "varint":
            return _VarintBytes(len(payload)) + payload
        if self.codec == "length-field":
            return b"\xca\xfe" + (5 + len(payload)).to_bytes(3, "little") + payload
        if compress:
            payload = gzip.compress(payload)
            return struct.pack(">I", GZIP_BIT | len(payload)) + payload
        return struct.pack(">I", len(payload)) + payload

    def send(self, request, compress=False):
        self.socket.sendall(self.frame(request.SerializeToString(), compress))

    def read_length(self):
        if self.codec == "varint":
            head = self.input.read(1)
            while head[-1] & 0x80:
                head += self.input.read(1)
            return _DecodeVarint(head, 0)[0]
        if self.codec == "length-field":
            return int.from_bytes(self.input.read(5)[2:], "little") - 5
        return struct.unpack(">I", self.input.read(4))[0]

    def receive(self):
        length = self.read_length()
        self.was_compressed = self.gzip and bool(length & GZIP_BIT)
        payload = self.input.read(length & ~GZIP_BIT if self.gzip else length)
        if self.was_compressed:
            payload = gzip.decompress(payload)
        return abi_pb2.CommandResponse.FromString(payload)

    def call(self, compress=False, **command):
        self.send(abi_pb2.CommandRequest(**command), compress)
        return self.receive()


def value(**member):
    return abi_pb2.Value(**member)


def pair(key, **member):
    return abi_pb2.Kvpair(key=key, value=value(**member))


def expect(got, wanted):
    if got != wanted:
        raise SystemExit(f"got {got!r}, wanted {wanted!r}")


def ok(*values):
    return abi_pb2.CommandResponse(status=200, values=values)


def case_commands(client):
    """Each of the nine, on what is there and on what is not."""
    table = "commands"
    expect(client.call(hset={"table": table, "pair": pair("a", integer=1)}), ok(value()))
    expect(client.call(hset={"table": table, "pair": pair("a", integer=2)}), ok(value(integer=1)))
    expect(client.call(hget={"table": table, "key": "a"}), ok(value(integer=2)))
    pairs = [pair("b", string="two"), pair("c", bool=True)]
    expect(client.call(hmset={"table": table, "pairs": pairs}), ok(value(), value()))
    expect(
        client.call(hmget={"table": table, "keys": ["c", "x", "b"]}),
        ok(value(bool=True), value(), value(string="two")),
    )
    expect(client.call(hexist={"table": table, "key": "a"}), ok(value(bool=True)))
    expect(
        client.call(hmexist={"table": table, "keys": ["x", "a"]}),
        ok(value(bool=False), value(bool=True)),
    )
    everything = client.call(hgetall={"table": table})
    expect(everything.status, 200)
    expect(sorted(p.key for p in everything.pairs), ["a", "b", "c"])
    expect(client.call(hdel={"table": table, "key": "a"}), ok(value(integer=2)))
    expect(client.call(hmdel={"table": table, "keys": ["a", "b"]}), ok(value(), value(string="two")))


def case_values(client):
    """Every type and its edges come back as they were."""
    members = [
        {"string": ""},
        {"string": "a\0b \u8868 \U0001f600"},
        {"binary": b""},
        {"binary": bytes(range(256))},
        {"integer": 0},
        {"integer": 2**63 - 1},
        {"integer": -(2**63)},
        {"float": 0.1},
        {"float": -0.0},
        {"float": math.inf},
        {"float": 5e-324},
        {"bool": False},
        {"bool": True},
        {},
    ]
    for i, member in enumerate(members):
        client.call(hset={"table": "values", "pair": pair(f"k{i}", **member)})
        reply = client.call(hget={"table": "values", "key": f"k{i}"})
        expect(reply.SerializeToString(), ok(value(**member)).SerializeToString())
    client.call(hset={"table": "values", "pair": pair("nan", float=math.nan)})
    reply = client.call(hget={"table": "values", "key": "nan"})
    expect(math.isnan(reply.values[0].float), True)


def case_names(client):
    """Empty names, names with NUL and of many bytes are names like any other."""
    names = ["", "\0", "a\0b", "a", "\u8868" * 300, "x" * 5000]
    for i, name in enumerate(names):
        client.call(hset={"table": name, "pair": pair(name, integer=i)})
    for i, name in enumerate(names):
        expect(client.call(hget={"table": name, "key": name}), ok(value(integer=i)))
    expect(client.call(hget={"table": "a", "key": "a\0b"}).status, 404)


def case_errors(client):
    """Statuses and their words; the connection lives."""
    expect(
        client.call(hget={"table": "none", "key": "k"}),
        abi_pb2.CommandResponse(status=404, message="Not found for table: none, key: k"),
    )
    expect(
        client.call(),
        abi_pb2.CommandResponse(status=400, message="Command is invalid: `Request has no data`"),
    )
    expect(
        client.call(hset={"table": 't"\n'}),
        abi_pb2.CommandResponse(
            status=400,
            message='Command is invalid: `Hset { table: "t\\"\\n", pair: None }`',
        ),
    )
    client.socket.sendall(client.frame(b"\x0a\x7f"))
    expect(client.receive().status, 400)
    expect(client.call(hexist={"table": "none", "key": "k"}), ok(value(bool=False)))


def case_pipelining(client):
    """A thousand requests in one piece; the replies in their order."""
    requests = b"".join(
        client.frame(
            abi_pb2.CommandRequest(
                hset={"table": "pipe", "pair": pair("k", integer=i)}
            ).SerializeToString()
        )
        for i in range(1000)
    )
    client.socket.sendall(requests)
    expect(client.receive(), ok(value()))
    for i in range(999):
        expect(client.receive(), ok(value(integer=i)))


def case_batch(client):
    """A large hmset, and all of it back by hgetall."""
    pairs = [pair(f"key{i}", string=f"value{i}") for i in range(5000)]
    reply = client.call(hmset={"table": "batch", "pairs": pairs})
    expect(reply, ok(*[value()] * 5000))
    everything = client.call(hgetall={"table": "batch"})
    expect(
        {p.key: p.value.string for p in everything.pairs},
        {p.key: p.value.string for p in pairs},
    )


def case_frames(client):
    """Messages about the threshold of compression and over it, in every form a sender may choose."""
    for size in (1400, 1436, 1437, 16384, 1 << 20):
        member = {"string": "weft " * (size // 5)}
        stored = {"table": "frames", "pair": pair(f"k{size}", **member)}
        for compress in (False, True) if client.gzip else (False,):
            expect(client.call(compress=compress, hset=stored).status, 200)
            reply = client.call(hget={"table": "frames", "key": f"k{size}"})
            expect(reply, ok(value(**member)))
            if client.gzip and size in (1437, 16384):
                expect(client.was_compressed, size > 1436 and len(reply.SerializeToString()) > 1436)


def case_unknown_fields(client):
    """What a later version of the proto adds does not hurt a known command."""
    known = abi_pb2.CommandRequest(hexist={"table": "t", "key": "k"}).SerializeToString()
    client.socket.sendall(client.frame(known + b"\xa0\x06\x01\xa2\x06\x03abc"))
    expect(client.receive(), ok(value(bool=False)))


def main():
    host, port, codec, case = sys.argv[2:]
    globals()["case_" + case](Client(host, int(port), codec))


main()
