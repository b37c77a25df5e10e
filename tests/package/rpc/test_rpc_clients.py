# SPDX-License-Identifier: MIT
"""A service of protobuf-c, with clients that nobody here has written: Python's grpcio and curl; and frames, from Python's
protobuf. Run from the root of the tree: test_rpc_clients.py SERVER [TEST...]."""
import base64
import json
import pathlib
import queue
import re
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool

ROOT = pathlib.Path(".").resolve()
TIMEOUT = 20


def make_stubs(folder):
    names = []
    for path in ("tests/unit/services/rpc/sample.proto", "proto/rpc.proto", "proto/grpc/grpc_health.proto",
                 "proto/grpc/grpc_reflection.proto"):
        source = ROOT / path
        (folder / source.name).write_text(source.read_text())
        names.append(source.name)
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", "-I.", "--python_out=.", "--grpc_python_out=.", *names],
                   cwd=folder, check=True)


class Server(unittest.TestCase):
    def setUp(self):
        self.server = subprocess.Popen([SERVER, "tcp://127.0.0.1:0?codec=auto"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.server.communicate)
        self.addCleanup(self.server.terminate)
        lines = [self.server.stdout.readline() for _ in range(3)]  # one for each codec
        self.port = int(re.search(r":(\d+)", lines[0])[1])


class OverGrpc(Server):
    def setUp(self):
        super().setUp()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        self.addCleanup(self.channel.close)
        self.sample = sample_pb2_grpc.SampleStub(self.channel)

    def assert_fails(self, code, call, *args, **more):
        with self.assertRaises(grpc.RpcError) as caught:
            call(*args, **more)
        self.assertEqual(caught.exception.code(), code)
        return caught.exception.details()

    def say(self, text, count=0, **more):
        return self.sample.Say(sample.Text(text=text, count=count), timeout=TIMEOUT, **more)

    def test_answers_of_a_thread_reach_the_calls_that_wait_for_them(self):
        calls = [self.sample.Say.future(sample.Text(text=f"t{i}", count=i), timeout=TIMEOUT) for i in range(300)]
        for i, call in enumerate(calls):
            self.assertEqual((call.result().text, call.result().count), (f"t{i}", i + 1))

    def test_message_comes_back_as_it_was(self):
        message = sample.Everything(int64=-5, double=0.5, text="é", bytes=b"\0\xff", numbers=[1, -2], left="",
                                    by_text={"a": 1}, inside=sample.Everything(colour=-2))
        self.assertEqual(self.sample.Echo(message, timeout=TIMEOUT), message)

    def test_code_and_words_are_told(self):
        details = self.assert_fails(grpc.StatusCode.NOT_FOUND, self.say, "fail", 5)
        self.assertEqual(details, "as you wish")
        self.assert_fails(grpc.StatusCode.UNIMPLEMENTED, self.sample.Missing, sample.Text(), timeout=TIMEOUT)
        call = self.channel.unary_unary("/sample.Sample/Nothing")
        self.assert_fails(grpc.StatusCode.UNIMPLEMENTED, call, b"", timeout=TIMEOUT)
        call = self.channel.unary_unary("/sample.Sample/Say")
        self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT, call, b"\x0a", timeout=TIMEOUT)

    def test_metadata_reaches_the_function(self):
        self.assertEqual(self.say("colour", metadata=[("x-colour", "green")]).text, "green")

    def test_fields_and_details_go_beside_the_messages(self):
        metadata = [("x-colour", "green"), ("x-raw-bin", b"\0\xff\1")]
        message = sample.Text(text="beside")
        _, call = self.sample.Say.with_call(message, timeout=TIMEOUT, metadata=metadata)
        self.assertIn(("x-colour", "green"), call.initial_metadata())
        self.assertIn(("x-raw-bin", b"\0\xff\1"), call.trailing_metadata())
        with self.assertRaises(grpc.RpcError) as caught:
            self.say("beside", 5, metadata=metadata)
        trailer = dict(caught.exception.trailing_metadata())
        self.assertEqual(trailer["x-raw-bin"], b"\0\xff\1")
        # There is no module of google.rpc.Status here: a code, words, and details that are a rpc.Detail on the wire.
        detail = rpc_pb2.Detail(type_url="type.googleapis.com/sample.Text", value=message.SerializeToString())
        status = b"\x08\x05\x12\x0bas you wish" + b"\x1a" + bytes([detail.ByteSize()]) + detail.SerializeToString()
        self.assertEqual(trailer["grpc-status-details-bin"], status)
        self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT, self.say, "beside", metadata=metadata[:1])

    def test_deadline_and_cancel_are_heard(self):
        self.say("hello")  # a call whose time is over before there is a connection never reaches the server
        self.assert_fails(grpc.StatusCode.DEADLINE_EXCEEDED, self.sample.Say, sample.Text(text="wait"), timeout=0.5)
        # At its deadline the client cancels, too, and either may come first.
        self.assertIn(self.server.stdout.readline(), ("cancelled DEADLINE_EXCEEDED\n", "cancelled CANCELLED\n"))
        answers = self.sample.Stream(sample.Text(text="x", count=2 ** 31), timeout=TIMEOUT)
        self.assertEqual(next(answers).count, 0)
        answers.cancel()
        self.assertEqual(self.server.stdout.readline(), "cancelled CANCELLED\n")

    def test_stream_comes_whole_and_in_order(self):
        answers = self.sample.Stream(sample.Text(text="x" * 100, count=50000), timeout=TIMEOUT * 3)
        self.assertEqual([answer.count for answer in answers], list(range(50000)))

    def test_health_is_told_and_watched(self):
        stub = grpc_health_pb2_grpc.HealthStub(self.channel)
        request = health.HealthCheckRequest
        self.assertEqual(stub.Check(request(service="sample.Sample"), timeout=TIMEOUT).status, 1)
        self.assert_fails(grpc.StatusCode.NOT_FOUND, stub.Check, request(service="no"), timeout=TIMEOUT)
        watch = stub.Watch(request(), timeout=TIMEOUT)
        self.assertEqual(next(watch).status, 1)
        self.server.terminate()
        self.assertEqual(next(watch).status, 2)
        self.assert_fails(grpc.StatusCode.UNAVAILABLE, next, watch)

    def test_messages_are_answered_one_by_one(self):
        questions = queue.Queue()
        answers = self.sample.Chat(iter(questions.get, None), timeout=TIMEOUT)
        for i in range(100):
            questions.put(sample.Text(text="ping", count=i))
            self.assertEqual(next(answers).count, i)
        questions.put(None)
        self.assertEqual(list(answers), [])
        self.assertEqual(list(self.sample.Chat(iter(()), timeout=TIMEOUT)), [])
        self.assertEqual(answers.code(), grpc.StatusCode.OK)

    def test_many_messages_of_many_sizes_come_back(self):
        sizes = [0, 1, 1000, 300_000, 2_000_000, 5] * 5
        answers = self.sample.Chat((sample.Text(text="x" * size) for size in sizes), timeout=3 * TIMEOUT)
        self.assertEqual([len(answer.text) for answer in answers], sizes)

    def test_sum_of_a_stream_is_one_answer(self):
        self.assertEqual(self.sample.Sum((sample.Text(count=i) for i in range(20000)), timeout=3 * TIMEOUT).count, 199990000)
        self.assertEqual(self.sample.Sum(iter(()), timeout=TIMEOUT).count, 0)

    def test_stream_of_requests_is_cancelled_late_and_malformed(self):
        questions = queue.Queue()
        answers = self.sample.Chat(iter(questions.get, None), timeout=TIMEOUT)
        questions.put(sample.Text(text="one"))
        next(answers)
        answers.cancel()
        self.assertEqual(self.server.stdout.readline(), "cancelled CANCELLED\n")
        questions.put(None)
        questions = queue.Queue()
        late = self.sample.Chat(iter(questions.get, None), timeout=0.5)
        self.assert_fails(grpc.StatusCode.DEADLINE_EXCEEDED, next, late)
        self.assertIn(self.server.stdout.readline(), ("cancelled DEADLINE_EXCEEDED\n", "cancelled CANCELLED\n"))
        questions.put(None)
        broken = self.channel.stream_stream("/sample.Sample/Chat")(iter([b"\x0a"]), timeout=TIMEOUT)
        self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT, next, broken)

    def test_request_that_nobody_reads_on_waits_and_hears_of_the_drain(self):
        answers = self.sample.Chat((sample.Text(text="hold") for _ in range(100000)), timeout=TIMEOUT)
        self.assertEqual(next(answers).text, "hold")
        self.assertEqual(self.say("hello", 1).count, 2)
        self.server.terminate()
        self.assert_fails(grpc.StatusCode.UNAVAILABLE, next, answers)

    def test_questions_of_reflection_are_answered_one_by_one(self):
        for version in "v1", "v1alpha":
            questions = queue.Queue()
            answers = self.channel.stream_stream(
                f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
                request_serializer=reflection.ServerReflectionRequest.SerializeToString,
                response_deserializer=reflection.ServerReflectionResponse.FromString)(iter(questions.get, None), timeout=TIMEOUT)
            questions.put(reflection.ServerReflectionRequest(list_services=""))
            services = [service.name for service in next(answers).list_services_response.service]
            self.assertIn("sample.Sample", services)
            for name in services:
                questions.put(reflection.ServerReflectionRequest(file_containing_symbol=name))
                self.assertTrue(next(answers).file_descriptor_response.file_descriptor_proto)
            questions.put(reflection.ServerReflectionRequest(file_containing_symbol="no.such"))
            self.assertEqual(next(answers).error_response.error_code, 5)
            questions.put(None)
            self.assertEqual(list(answers), [])

    def reflect(self, **question):
        method = self.channel.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection.ServerReflectionResponse.FromString)
        answer, = method(iter([reflection.ServerReflectionRequest(**question)]), timeout=TIMEOUT)
        return answer

    def test_reflection_shows_enough_to_call(self):
        services = [service.name for service in self.reflect(list_services="").list_services_response.service]
        self.assertIn("sample.Sample", services)
        pool = descriptor_pool.DescriptorPool()
        answer = self.reflect(file_containing_symbol="sample.Sample")
        for file in answer.file_descriptor_response.file_descriptor_proto:
            pool.Add(descriptor_pb2.FileDescriptorProto.FromString(file))
        method = pool.FindServiceByName("sample.Sample").FindMethodByName("Stream")
        self.assertEqual(method.output_type.full_name, "sample.Text")
        self.assertEqual([field.name for field in method.input_type.fields], ["text", "count"])
        service = descriptor_pb2.FileDescriptorProto.FromString(
            answer.file_descriptor_response.file_descriptor_proto[0]).service[0]
        self.assertEqual({method.name: (method.client_streaming, method.server_streaming) for method in service.method},
                         {"Echo": (False, False), "Say": (False, False), "Stream": (False, True), "Missing": (False, False),
                          "Chat": (True, True), "Sum": (True, False)})


class OverHttp(Server):
    def curl(self, method, body, *options):
        run = subprocess.run(["curl", "-sS", "-w", "\n%{http_code}", "-H", "Content-Type: application/json", "-d", body,
                              *options, f"http://127.0.0.1:{self.port}/{method}"],
                             check=True, stdout=subprocess.PIPE, text=True, timeout=60)
        text, code = run.stdout.rsplit("\n", 1)
        return int(code), text

    def test_json_is_answered_with_json(self):
        code, text = self.curl("sample.Sample/Say", '{"text":"hello","count":1}')
        self.assertEqual((code, json.loads(text)), (200, {"text": "hello", "count": 2}))
        code, text = self.curl("sample.Sample/Echo", '{"bytes":"AP8","int64":7}')
        self.assertEqual((code, json.loads(text)), (200, {"bytes": "AP8=", "int64": "7"}))

    def test_code_is_a_status(self):
        code, text = self.curl("sample.Sample/Say", '{"text":"fail","count":5}')
        self.assertEqual((code, json.loads(text)), (404, {"code": 5, "message": "as you wish"}))
        self.assertEqual(self.curl("sample.Sample/Say", '{"words":1}')[0], 400)
        code, text = self.curl("sample.Sample/Say", '{"text":"beside","count":5}', "-H", "Grpc-Timeout: 20S", "-H",
                               "X-Colour: green", "-H", "X-Raw-Bin: AP8B", "-i")
        self.assertEqual(code, 404)
        self.assertIn("\nGrpc-Metadata-x-colour: green\n", text)
        self.assertIn("\nGrpc-Trailer-x-raw-bin: AP8B\n", text)
        self.assertIn('"details":[{"@type":"type.googleapis.com/sample.Text","text":"beside"', text)
        code, text = self.curl("sample.Sample/Say", '{"text":"wait"}', "-H", "Grpc-Timeout: 20m")
        self.assertEqual((code, json.loads(text)["code"]), (504, 4))

    def test_stream_is_a_line_a_message(self):
        code, text = self.curl("sample.Sample/Stream", '{"text":"x","count":20000}')
        lines = [json.loads(line)["result"] for line in text.splitlines()]
        self.assertEqual((code, [line.get("count", 0) for line in lines]), (200, list(range(20000))))

    def test_stream_of_requests_has_the_message_of_the_body(self):
        self.assertEqual(self.curl("sample.Sample/Chat", '{"count":7}'), (200, '{"result":{"count":7}}\n'))
        code, text = self.curl("sample.Sample/Sum", '{"count":7}')
        self.assertEqual((code, json.loads(text)), (200, {"count": 7}))

    def test_reflection_is_there_too(self):
        code, text = self.curl("grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                               '{"fileByFilename":"sample.proto"}')
        answer = json.loads(text.splitlines()[0])["result"]["fileDescriptorResponse"]
        file = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(answer["fileDescriptorProto"][0]))
        self.assertEqual((code, file.package), (200, "sample"))


class FromNode(Server):
    def test_grpc_js_sees_what_grpcio_sees(self):
        run = subprocess.run(["node", "tests/package/rpc/calls.mjs", "tests/package/grpc/node", "tests/unit/services/rpc",
                              str(self.port)], stdout=subprocess.PIPE, text=True, timeout=60, check=True)
        self.assertEqual(run.stdout.splitlines(), [
            "beside x green 00ff01",
            "details 5 as you wish type.googleapis.com/sample.Text",
            "stream 1000 999",
            "deadline 4",
            "unimplemented 12",
            "chat 100 99",
            "sum 4950",
        ])


class OverFrames(Server):
    def test_calls_are_answered_in_their_order(self):
        calls = b""
        for i in range(100):
            message = sample.Text(text="hello", count=i).SerializeToString()
            call = rpc_pb2.Call(method="sample.Sample/Say", request=message).SerializeToString()
            calls += struct.pack(">I", len(call)) + call
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT) as connection:
            connection.sendall(calls)
            with connection.makefile("rb") as stream:
                for i in range(100):
                    size, = struct.unpack(">I", stream.read(4))
                    reply = rpc_pb2.Reply.FromString(stream.read(size))
                    self.assertEqual(sample.Text.FromString(reply.response).count, i + 1)


if __name__ == "__main__":
    SERVER = pathlib.Path(sys.argv.pop(1)).resolve()
    with tempfile.TemporaryDirectory() as stubs:
        make_stubs(pathlib.Path(stubs))
        sys.path.insert(0, stubs)
        import grpc_health_pb2 as health
        import grpc_health_pb2_grpc
        import grpc_reflection_pb2 as reflection
        import rpc_pb2
        import sample_pb2 as sample
        import sample_pb2_grpc
        unittest.main()
