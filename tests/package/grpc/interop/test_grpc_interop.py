# SPDX-License-Identifier: MIT
"""The cases of gRPC's interoperability tests (doc/interop-test-descriptions.md of the project gRPC) against interop_server, which
is weft_rpc with their service; each test has the name of its case. The clients are Python's grpcio and, where it is installed,
@grpc/grpc-js. Run from the root of the tree: test_grpc_interop.py SERVER [TEST...]."""
import os
import pathlib
import queue
import re
import subprocess
import sys
import tempfile
import unittest

import grpc

HERE = pathlib.Path("tests/package/grpc").resolve()
TIMEOUT = 20
REQUEST_SIZE, RESPONSE_SIZE = 271828, 314159
STREAM_SIZES, SENT_SIZES = [31415, 9, 2653, 58979], [27182, 8, 1828, 45904]
# What grpc-js is asked to do, one line of its output for each case.
NODE_CASES = ("empty_unary large_unary client_compressed_unary server_compressed_unary server_streaming "
              "server_compressed_streaming client_streaming ping_pong empty_stream custom_metadata cancel_after_begin timeout_on_sleeping_server "
              "status_code_and_message special_status_message unimplemented_method unimplemented_service").split()


class Server(unittest.TestCase):
    def setUp(self):
        self.server = subprocess.Popen([SERVER, "tcp://127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.server.communicate)
        self.addCleanup(self.server.terminate)
        self.port = int(re.search(r":(\d+)", self.server.stdout.readline())[1])


class Interop(Server):
    def setUp(self):
        super().setUp()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        self.addCleanup(self.channel.close)
        self.stub = testing_pb2_grpc.TestServiceStub(self.channel)

    def assert_fails(self, code, call, *args, **more):
        with self.assertRaises(grpc.RpcError) as caught:
            call(*args, **more)
        self.assertEqual(caught.exception.code(), code)
        return caught.exception.details()

    def unary(self, compression=None, **more):
        request = testing.SimpleRequest(response_size=RESPONSE_SIZE, payload=testing.Payload(body=bytes(REQUEST_SIZE)), **more)
        reply = self.stub.UnaryCall(request, timeout=TIMEOUT, compression=compression)
        self.assertEqual(reply.payload.body, bytes(RESPONSE_SIZE))

    def stream(self, sizes, **more):
        asked = [testing.ResponseParameters(size=size, **more) for size in sizes]
        return self.stub.StreamingOutputCall(testing.StreamingOutputCallRequest(response_parameters=asked), timeout=TIMEOUT)

    def test_empty_unary(self):
        self.assertEqual(self.stub.EmptyCall(testing.Empty(), timeout=TIMEOUT), testing.Empty())

    def test_large_unary(self):
        self.unary()

    def test_client_compressed_unary(self):
        self.unary(grpc.Compression.Gzip, expect_compressed=testing.BoolValue(value=True))
        self.unary(grpc.Compression.NoCompression, expect_compressed=testing.BoolValue(value=False))

    def test_server_compressed_unary(self):
        self.unary(response_compressed=testing.BoolValue(value=True))
        self.unary(response_compressed=testing.BoolValue(value=False))

    def test_server_streaming(self):
        self.assertEqual([len(reply.payload.body) for reply in self.stream(STREAM_SIZES)], STREAM_SIZES)

    def test_server_compressed_streaming(self):
        sizes = [31415, 92653]
        replies = self.stream(sizes, compressed=testing.BoolValue(value=True))
        self.assertEqual([len(reply.payload.body) for reply in replies], sizes)

    def send(self, sizes, **more):
        requests = (testing.StreamingInputCallRequest(payload=testing.Payload(body=bytes(size))) for size in sizes)
        return self.stub.StreamingInputCall(requests, timeout=TIMEOUT, **more).aggregated_payload_size

    def test_client_streaming(self):
        self.assertEqual(self.send(SENT_SIZES), sum(SENT_SIZES))

    def test_client_compressed_streaming(self):
        self.assertEqual(self.send([27182, 45904], compression=grpc.Compression.Gzip), 73086)

    def talk(self, requests, **more):
        """What the server answers, one request after the answer to the one before; and the call, whose request stays open."""
        asked = queue.Queue()
        replies = self.stub.FullDuplexCall(iter(asked.get, None), timeout=TIMEOUT, **more)
        self.addCleanup(asked.put, None)
        seen = []
        for request in requests:
            asked.put(request)
            seen.append(len(next(replies).payload.body))
        return seen, replies, asked

    def pings(self):
        return [testing.StreamingOutputCallRequest(response_parameters=[testing.ResponseParameters(size=size)],
                                                   payload=testing.Payload(body=bytes(sent)))
                for size, sent in zip(STREAM_SIZES, SENT_SIZES)]

    def test_ping_pong(self):
        seen, replies, asked = self.talk(self.pings())
        asked.put(None)
        self.assertEqual(list(replies), [])
        self.assertEqual(seen, STREAM_SIZES)

    def test_empty_stream(self):
        self.assertEqual(list(self.stub.FullDuplexCall(iter(()), timeout=TIMEOUT)), [])

    def test_custom_metadata(self):
        initial = ("x-grpc-test-echo-initial", "test_initial_metadata_value")
        trailing = ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")
        request = testing.SimpleRequest(response_size=RESPONSE_SIZE, payload=testing.Payload(body=bytes(REQUEST_SIZE)))
        _, call = self.stub.UnaryCall.with_call(request, timeout=TIMEOUT, metadata=[initial, trailing])
        asked = testing.StreamingOutputCallRequest(response_parameters=[testing.ResponseParameters(size=RESPONSE_SIZE)])
        replies = self.stub.FullDuplexCall(iter([asked]), timeout=TIMEOUT, metadata=[initial, trailing])
        self.assertEqual([len(reply.payload.body) for reply in replies], [RESPONSE_SIZE])
        for each in (call, replies):
            self.assertIn(initial, each.initial_metadata())
            self.assertIn(trailing, each.trailing_metadata())

    def test_cancel_after_begin(self):
        open_end = queue.Queue()
        self.addCleanup(open_end.put, None)
        replies = self.stub.StreamingInputCall.future(iter(open_end.get, None), timeout=TIMEOUT)
        replies.cancel()
        self.assertEqual(replies.code(), grpc.StatusCode.CANCELLED)
        self.test_empty_unary()

    def test_cancel_after_first_response(self):
        seen, replies, _ = self.talk(self.pings()[:1])
        self.assertEqual(seen, [31415])
        replies.cancel()
        self.assertEqual(replies.code(), grpc.StatusCode.CANCELLED)
        self.test_empty_unary()

    def test_timeout_on_sleeping_server(self):
        asked = testing.StreamingOutputCallRequest(payload=testing.Payload(body=bytes(27182)), response_parameters=[
            testing.ResponseParameters(size=1, interval_us=60_000_000)])
        self.assert_fails(grpc.StatusCode.DEADLINE_EXCEEDED, list, self.stub.StreamingOutputCall(asked, timeout=0.001))

    def assert_ends(self, code, message):
        status = testing.EchoStatus(code=code, message=message)
        words = self.assert_fails(grpc.StatusCode.UNKNOWN, self.stub.UnaryCall, testing.SimpleRequest(response_status=status),
                                  timeout=TIMEOUT)
        self.assertEqual(words, message)
        replies = self.stub.FullDuplexCall(iter([testing.StreamingOutputCallRequest(response_status=status)]), timeout=TIMEOUT)
        self.assertEqual(self.assert_fails(grpc.StatusCode.UNKNOWN, list, replies), message)

    def test_status_code_and_message(self):
        self.assert_ends(2, "test status message")

    def test_special_status_message(self):
        self.assert_ends(2, "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n")

    def test_unimplemented_method(self):
        self.assert_fails(grpc.StatusCode.UNIMPLEMENTED, self.stub.UnimplementedCall, testing.Empty(), timeout=TIMEOUT)

    def test_unimplemented_service(self):
        stub = testing_pb2_grpc.UnimplementedServiceStub(self.channel)
        self.assert_fails(grpc.StatusCode.UNIMPLEMENTED, stub.UnimplementedCall, testing.Empty(), timeout=TIMEOUT)


class Page(unittest.TestCase):
    def test_each_case_has_a_row(self):
        rows = re.findall(r"^\| ([a-z_, ]+) \|", pathlib.Path("docs/grpc.md").read_text(), re.M)
        told = {case for row in rows for case in row.split(", ")}
        tried = {name[len("test_"):] for name in dir(Interop) if name.startswith("test_")} | set(NODE_CASES)
        self.assertLessEqual(tried, told)


class Node(Server):
    def test_cases_with_grpc_js(self):
        run = subprocess.run(["node", HERE / "interop/interop.mjs", HERE / "node", HERE / "interop", str(self.port)], text=True,
                             check=True, stdout=subprocess.PIPE, timeout=120)
        self.assertEqual(run.stdout.splitlines(), [f"{case} passed" for case in NODE_CASES])


if __name__ == "__main__":
    SERVER = os.path.abspath(sys.argv.pop(1))
    with tempfile.TemporaryDirectory() as stubs:
        subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{HERE / 'interop'}", f"--python_out={stubs}",
                        f"--grpc_python_out={stubs}", "testing.proto"], check=True)
        sys.path.insert(0, stubs)
        import testing_pb2 as testing
        import testing_pb2_grpc
        unittest.main()
