#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Calls the greeter over gRPC: client.py HOST:PORT NAME. Needs Debian's python3-grpcio, and beside it the modules of

    /usr/bin/python3 -m grpc_tools.protoc -I. --python_out=. --grpc_python_out=. greeter.proto
"""
import sys

import grpc

import greeter_pb2
import greeter_pb2_grpc


def main():
    address, name = sys.argv[1:]
    with grpc.insecure_channel(address) as channel:
        greeter = greeter_pb2_grpc.GreeterStub(channel)
        print(greeter.SayHello(greeter_pb2.HelloRequest(name=name), timeout=5).message)
        for reply in greeter.SayHellos(greeter_pb2.HelloRequest(name=name, count=3), timeout=5):
            print(reply.message)


if __name__ == "__main__":
    try:
        main()
    except grpc.RpcError as error:
        sys.exit("client.py: %s, %s" % (error.code().name, error.details()))
