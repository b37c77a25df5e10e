# SPDX-License-Identifier: MIT
"""kvs over gRPC, with clients that nobody here has written: the session of docs/grpc.md, Python's grpcio, curl with HTTP/2 and
h2load. Run from the root of the tree: test_grpc_clients.py KVS [TEST...]."""
import base64
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool

ROOT = pathlib.Path(".").resolve()
HERE = ROOT / "tests/package/grpc"
PAGE = ROOT / "docs/grpc.md"
SHOWN = "127.0.0.1:50051"
TIMEOUT = 20


def make_stubs(folder):
    names = ("abi.proto", "kv.proto", "grpc/grpc_health.proto", "grpc/grpc_reflection.proto")
    for name in names:
        (folder / pathlib.Path(name).name).write_text((ROOT / "proto" / name).read_text())
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", "-I.", "--python_out=.",
                    "--grpc_python_out=.", *(pathlib.Path(name).name for name in names)], cwd=folder, check=True)


class Server(unittest.TestCase):
    options = ()
    query = ""
    codec = "grpc"

    def setUp(self):
        self.server = subprocess.Popen(
            [KVS, "--log-level", "warn", "--listen", f"tcp://127.0.0.1:0?codec={self.codec}{self.query}",
             *self.options], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.server.communicate)
        self.addCleanup(self.server.terminate)
        self.port = int(re.search(r":(\d+)", self.server.stdout.readline())[1])
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        self.addCleanup(self.channel.close)
        self.kv = kv_pb2_grpc.KvStub(self.channel)

    def put(self, key, text, **more):
        pair = abi.Kvpair(key=key, value=abi.Value(string=text))
        return self.kv.Hset(abi.Hset(table="t", pair=pair), timeout=TIMEOUT, **more)

    def get(self, key, **more):
        return self.kv.Hget(abi.Hget(table="t", key=key), timeout=TIMEOUT, **more)

    def assert_fails(self, code, call, *args, **more):
        with self.assertRaises(grpc.RpcError) as caught:
            call(*args, **more)
        self.assertEqual(caught.exception.code(), code)
        return caught.exception.details()


class Page(Server):
    def test_session_prints_what_the_page_shows(self):
        text = PAGE.read_text()
        program, = re.findall(r"^```python\n(import grpc\n.*?)^```$", text, re.M | re.S)
        shown, = re.findall(r"It prints:\n\n```\n(.*?)```", text, re.S)
        run = subprocess.run([sys.executable, "-c", program.replace(SHOWN, f"127.0.0.1:{self.port}")],
                             cwd=STUBS, text=True, check=True, stdout=subprocess.PIPE, timeout=60)
        self.assertEqual(run.stdout, shown)


class Calls(Server):
    def test_every_method_is_there(self):
        self.put("k", "v")
        requests = {"Hget": abi.Hget(table="t", key="k"), "Hincr": abi.Hincr(table="t", key="n"),
                    "Hset": abi.Hset(table="t", pair=abi.Kvpair(key="k", value=abi.Value(string="v"))),
                    "Unsubscribe": abi.Unsubscribe(topic="none"), "Publish": abi.Publish(topic="t")}
        for method in kv_pb2.DESCRIPTOR.services_by_name["Kv"].methods:
            if method.name in ("Watch", "Subscribe"):
                continue
            with self.subTest(method=method.name):
                request = requests.get(method.name) or getattr(kv_pb2_grpc.abi__pb2, method.input_type.name)()
                reply = getattr(self.kv, method.name)(request, timeout=TIMEOUT)
                self.assertIn(reply.status, (200, 400, 404, 501))

    def test_many_calls_at_once(self):
        self.put("k", "v")
        calls = [self.kv.Hget.future(abi.Hget(table="t", key="k"), timeout=TIMEOUT) for _ in range(2000)]
        self.assertEqual({call.result().values[0].string for call in calls}, {"v"})

    def test_large_values_go_both_ways(self):
        large = "x" * 3_000_000
        for coding in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
            with self.subTest(coding=coding):
                self.put("k", large, compression=coding)
                self.assertEqual(self.get("k", compression=coding).values[0].string, large)

    def test_unknown_methods_are_unimplemented(self):
        for path, told in (("/weft.kv.v1.Kv/Nothing", "kv.proto"), ("/other.Service/Hget", "no such method"),
                           ("/x", "no such method")):
            words = self.assert_fails(grpc.StatusCode.UNIMPLEMENTED, self.channel.unary_unary(path), b"",
                                      timeout=TIMEOUT)
            self.assertIn(told, words)

    def test_message_that_is_none_is_told_by_its_reply(self):
        reply = self.channel.unary_unary("/weft.kv.v1.Kv/Hget")(b"\xff", timeout=TIMEOUT)
        self.assertEqual(abi.CommandResponse.FromString(reply).status, 400)

    def test_many_requests_in_one_call_are_unimplemented(self):
        call = self.channel.stream_unary("/weft.kv.v1.Kv/Hget")
        self.assert_fails(grpc.StatusCode.UNIMPLEMENTED, call, iter([b"", b""]), timeout=TIMEOUT)


def reflect(channel, version="v1", metadata=None, **question):
    method = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection.ServerReflectionResponse.FromString)
    answer, = method(iter([reflection.ServerReflectionRequest(**question)]), timeout=TIMEOUT, metadata=metadata)
    return answer


class HealthAndReflection(Server):
    def test_health_is_told(self):
        stub = grpc_health_pb2_grpc.HealthStub(self.channel)
        for service in ("", "weft.kv.v1.Kv"):
            self.assertEqual(stub.Check(health.HealthCheckRequest(service=service), timeout=TIMEOUT).status, 1)
        self.assert_fails(grpc.StatusCode.NOT_FOUND, stub.Check, health.HealthCheckRequest(service="no"),
                          timeout=TIMEOUT)

    def test_watch_of_health_tells_that_the_server_drains(self):
        watch = grpc_health_pb2_grpc.HealthStub(self.channel).Watch(health.HealthCheckRequest(), timeout=TIMEOUT)
        self.assertEqual(next(watch).status, 1)
        self.assertEqual(self.put("k", "v").status, 200)
        self.server.terminate()
        self.assertEqual(next(watch).status, 2)
        self.assert_fails(grpc.StatusCode.UNAVAILABLE, next, watch)

    def test_reflection_describes_the_service_as_its_file_does(self):
        for version in ("v1", "v1alpha"):
            names = reflect(self.channel, version, list_services="").list_services_response.service
            self.assertEqual([service.name for service in names],
                             ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                              "grpc.reflection.v1alpha.ServerReflection", "weft.kv.v1.Kv"])
            pool = descriptor_pool.DescriptorPool()
            wanted = [{"file_containing_symbol": "weft.kv.v1.Kv"}]
            files = []
            while wanted:
                answer = reflect(self.channel, version, **wanted.pop()).file_descriptor_response
                for made in answer.file_descriptor_proto:
                    files.append(descriptor_pb2.FileDescriptorProto.FromString(made))
                    wanted += [{"file_by_filename": name} for name in files[-1].dependency]
            for file in reversed(files):
                pool.Add(file)
            seen = pool.FindServiceByName("weft.kv.v1.Kv")
            for method in kv_pb2.DESCRIPTOR.services_by_name["Kv"].methods:
                same = seen.FindMethodByName(method.name)
                self.assertEqual(same.input_type.full_name, method.input_type.full_name)
                self.assertEqual([(field.name, field.number) for field in same.input_type.fields],
                                 [(field.name, field.number) for field in method.input_type.fields])
            made = descriptor_pb2.FileDescriptorProto()
            pool.FindFileContainingSymbol("weft.kv.v1.Kv").CopyToProto(made)
            self.assertEqual({method.name for method in made.service[0].method if method.server_streaming},
                             {"Watch", "Subscribe"})


class OverJournal(HealthAndReflection):
    """Over a store that answers later, where a request is kept before it is read."""
    options = ("--threads", "2")

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.options = (*self.options, "--store", f"memory:{folder.name}")
        super().setUp()


class Streams(Server):
    def test_watch_tells_changes_until_it_is_cancelled(self):
        changes = self.kv.Watch(abi.Watch(table="t"))
        self.assertEqual(next(changes).status, 200)
        for i in range(300):
            self.put(f"k{i}", "v")
        seen = []
        while len(seen) < 300:
            seen += [change.key for change in next(changes).changes]
        self.assertEqual(seen, [f"k{i}" for i in range(300)])
        changes.cancel()
        self.assertEqual(self.put("k", "v").status, 200)

    def test_stream_has_a_deadline(self):
        changes = self.kv.Watch(abi.Watch(table="t"), timeout=0.5)
        next(changes)
        self.assert_fails(grpc.StatusCode.DEADLINE_EXCEEDED, next, changes)
        self.assertEqual(self.put("k", "v").status, 200)

    def test_subscription_gets_messages(self):
        messages = self.kv.Subscribe(abi.Subscribe(topic="news"))
        self.assertEqual(next(messages).status, 200)
        self.kv.Publish(abi.Publish(topic="news", data=[abi.Value(string="hello")]), timeout=TIMEOUT)
        self.assertEqual(next(messages).values[0].string, "hello")
        messages.cancel()

    def test_slow_stream_holds_up_no_other(self):
        slow = [self.kv.Watch(abi.Watch(table="t")) for _ in range(3)]
        for stream in slow:
            next(stream)
        for i in range(200):
            self.put(f"k{i}", "x" * 10_000)
        self.assertEqual(self.get("k7").values[0].string, "x" * 10_000)
        for stream in slow:
            stream.cancel()


class Ends(Server):
    def test_drain_answers_what_is_under_way(self):
        changes = self.kv.Watch(abi.Watch(table="t"))
        next(changes)
        self.server.send_signal(signal.SIGTERM)
        with self.assertRaises((grpc.RpcError, StopIteration)):
            while True:
                next(changes)
        self.assertEqual(self.server.wait(TIMEOUT), 0)

    def test_calls_survive_a_server_that_stops(self):
        """Each call is answered, or told that it was not heard."""
        self.put("k", "v")
        results = []

        def ask():
            for _ in range(200):
                try:
                    results.append(self.get("k").values[0].string)
                except grpc.RpcError as error:
                    results.append(error.code())
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        self.server.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        self.assertLessEqual(set(results), {"v", grpc.StatusCode.UNAVAILABLE})


class Limits(Server):
    options = ("--max-frame", "100KiB", "--max-message", "200KiB")

    def test_messages_over_the_limits_are_refused(self):
        words = self.assert_fails(grpc.StatusCode.RESOURCE_EXHAUSTED, self.put, "k", "x" * 200_000)
        self.assertIn("max-frame is 102400", words)
        words = self.assert_fails(grpc.StatusCode.RESOURCE_EXHAUSTED, self.put, "k", "x" * 300_000,
                                  compression=grpc.Compression.Gzip)
        self.assertIn("max-message is 204800", words)
        self.assertEqual(self.put("k", "x" * 1000).status, 200)

    def test_header_fields_over_the_limit_are_refused(self):
        metadata = [(f"name-{i}", "x" * 1000) for i in range(30)]
        code = grpc.StatusCode.RESOURCE_EXHAUSTED
        self.assert_fails(code, self.get, "k", metadata=metadata)
        self.assertEqual(self.get("k").status, 404)


def who(text):
    return [("authorization", "Basic " + base64.b64encode(text.encode()).decode())]


class Users(Server):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        users = pathlib.Path(folder.name, "users")
        made = subprocess.run([KVS, "--hash-password"], input="secret\n", text=True, check=True,
                              stdout=subprocess.PIPE).stdout.strip()
        users.write_text(f"ann {made} read:t\n")
        users.chmod(0o600)
        self.options = ("--users", str(users))
        super().setUp()

    def test_health_is_open_and_reflection_is_for_who_is_known(self):
        stub = grpc_health_pb2_grpc.HealthStub(self.channel)
        self.assertEqual(stub.Check(health.HealthCheckRequest(), timeout=TIMEOUT).status, 1)
        with self.assertRaises(grpc.RpcError) as caught:
            reflect(self.channel, list_services="")
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAUTHENTICATED)
        answer = reflect(self.channel, metadata=who("ann:secret"), list_services="")
        self.assertEqual(len(answer.list_services_response.service), 4)

    def test_authorization_says_who_calls(self):
        self.assert_fails(grpc.StatusCode.UNAUTHENTICATED, self.get, "k")
        self.assert_fails(grpc.StatusCode.UNAUTHENTICATED, self.get, "k", metadata=who("ann:wrong"))
        self.assertEqual(self.get("k", metadata=who("ann:secret")).status, 404)
        self.assert_fails(grpc.StatusCode.UNAUTHENTICATED, self.get, "k")
        large = self.get("k" * 100_000, metadata=who("ann:secret"), compression=grpc.Compression.Gzip)
        self.assertEqual(large.status, 404)
        self.assert_fails(grpc.StatusCode.PERMISSION_DENIED, self.put, "k", "v", metadata=who("ann:secret"))


class Tools(Server):
    codec = "auto"

    def url(self, method):
        return f"http://127.0.0.1:{self.port}/weft.kv.v1.Kv/{method}"

    def body(self, folder, request):
        message = request.SerializeToString()
        path = pathlib.Path(folder, "request")
        path.write_bytes(struct.pack(">BI", 0, len(message)) + message)
        return str(path)

    def test_one_port_speaks_grpc_and_http_to_curl(self):
        self.put("k", "v")
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.run(
                ["curl", "-sS", "--max-time", "20", "--http2-prior-knowledge", "-H", "TE: trailers", "-H",
                 "Content-Type: application/grpc", "--data-binary",
                 "@" + self.body(folder, abi.Hget(table="t", key="k")), "-D", "-", self.url("Hget")],
                check=True, stdout=subprocess.PIPE).stdout
        self.assertIn(b"HTTP/2 200", run)
        self.assertIn(b"grpc-status: 0", run)
        self.assertIn(b"\x0a\x01v", run)
        plain = subprocess.run(["curl", "-sS", f"http://127.0.0.1:{self.port}/v1/tables/t/keys/k"], check=True,
                               stdout=subprocess.PIPE).stdout
        self.assertEqual(plain, b"v")

    def test_curl_without_a_content_type_is_told(self):
        code = subprocess.run(["curl", "-sS", "--max-time", "20", "--http2-prior-knowledge", "-o", os.devnull, "-w",
                               "%{http_code}", "-d", "x", self.url("Hget")], check=False, text=True,
                              stdout=subprocess.PIPE).stdout  # its status says if it had sent all of its body
        self.assertEqual(code, "415")

    def test_h2load_has_every_call_answered(self):
        self.put("k", "v")
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.run(
                ["h2load", "-n", "3000", "-c", "3", "-m", "50", "-d",
                 self.body(folder, abi.Hget(table="t", key="k")), "-H", "te: trailers", "-H",
                 "content-type: application/grpc", self.url("Hget")], check=True, text=True,
                stdout=subprocess.PIPE).stdout
        self.assertRegex(run, r"3000 succeeded, 0 failed, 0 errored, 0 timeout")


class Node(Server):
    def test_grpc_js_calls_streams_and_cancels(self):
        run = subprocess.run(["node", HERE / "calls.mjs", HERE / "node", ROOT / "proto", str(self.port)], text=True, check=True,
                             stdout=subprocess.PIPE, timeout=120)
        self.assertEqual(run.stdout, "unary 200 v\nlarge true\nmany true\nwatch 100 w99\ndeadline 4\nunknown 12\n")


if __name__ == "__main__":
    KVS = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as made_in:
        STUBS = pathlib.Path(made_in)
        make_stubs(STUBS)
        sys.path.insert(0, made_in)
        import abi_pb2 as abi
        import grpc_health_pb2 as health
        import grpc_health_pb2_grpc
        import grpc_reflection_pb2 as reflection
        import kv_pb2
        import kv_pb2_grpc
        del sys.argv[1]
        unittest.main()
