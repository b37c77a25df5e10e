#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Calls the greeter in frames: frames_client.py HOST PORT NAME. Needs Debian's python3-protobuf, and beside it the modules of

    protoc -I. -I/usr/share/weft --python_out=. greeter.proto rpc.proto
"""
import socket
import struct
import sys

import greeter_pb2
import rpc_pb2


def read(stream, size):
    data = stream.read(size)
    if len(data) < size:
        raise EOFError("the server has closed the connection")
    return data


def call(stream, method, request):
    """Yields the answers of a method of the Greeter, of which SayHello has one."""
    frame = rpc_pb2.Call(method="greeter.Greeter/" + method, request=request.SerializeToString(), timeout_ms=5000)
    payload = frame.SerializeToString()
    stream.write(struct.pack(">I", len(payload)) + payload)
    stream.flush()
    while True:
        head, = struct.unpack(">I", read(stream, 4))
        reply = rpc_pb2.Reply.FromString(read(stream, head))
        if reply.code:
            raise RuntimeError("%s: code %d, %s" % (method, reply.code, reply.message))
        if reply.more or method == "SayHello":
            yield greeter_pb2.HelloReply.FromString(reply.response)
        if not reply.more:
            return


def main():
    host, port, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    with socket.create_connection((host, port)) as connection, connection.makefile("rwb") as stream:
        for method in "SayHello", "SayHellos":
            for reply in call(stream, method, greeter_pb2.HelloRequest(name=name, count=3)):
                print(reply.message)


if __name__ == "__main__":
    try:
        main()
    except (OSError, EOFError, RuntimeError) as error:
        sys.exit("frames_client.py: %s" % error)
