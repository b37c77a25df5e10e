# SPDX-License-Identifier: MIT
"""What `buf curl`, which knows no .proto file of ours, makes of reflection: of kvs, of the greeter, of a sample that has
every kind of method, and of .proto files as others write them; and the sessions with it on the pages. Run from the root
of the tree: test_buf_curl.py BUF KVS GREETER SAMPLE SHOP."""
import base64
import http.client
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

# The hash of "sesame", of a method that costs little.
HASH = "$5$rounds=1000$salt$rloU6KpfKKm9G.NUT4Kh3.lZ3eQ67D/GrlYTTZlly7."
TIMEOUT = 60
TOOLS = ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"]


class Server(unittest.TestCase):
    def start(self, *words):
        server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.communicate)
        self.addCleanup(server.terminate)
        self.address = re.search(r"127\.0\.0\.1:\d+", server.stdout.readline())[0]

    def buf(self, *words):
        with tempfile.TemporaryDirectory() as home:
            environment = {"PATH": os.environ["PATH"], "HOME": home}
            return subprocess.run([BUF, *words], capture_output=True, text=True, timeout=TIMEOUT, env=environment)

    def curl(self, path, *words, data=()):
        """Returns the answers, as JSON; or the error, with the code of gRPC as its `exit`."""
        inputs = [word for message in data for word in ("-d", json.dumps(message))] if len(data) < 2 else [
            "-d", "".join(map(json.dumps, data))]
        run = self.buf("curl", "--protocol", "grpc", *words, *inputs, f"http://{self.address}/{path}")
        if run.returncode:
            self.assertEqual(run.stdout, "")
            return {**json.loads(run.stderr), "exit": run.returncode >> 3}
        self.assertEqual(run.stderr, "")
        answers, rest = [], run.stdout.strip()
        while rest:
            answer, end = json.JSONDecoder().raw_decode(rest)
            answers.append(answer)
            rest = rest[end:].lstrip()
        return answers

    def names(self, what, *words):
        run = self.buf("curl", "--protocol", "grpc", what, *words, f"http://{self.address}")
        self.assertEqual(run.stderr, "")
        return run.stdout.split()

    def check_session(self, page, shown):
        """Each command of the page's sessions prints what stands below it."""
        text = pathlib.Path(page).read_text()
        blocks = re.findall(r"^    \$ (buf curl .*)\n((?:    (?!\$).*\n)*)", text, re.M)
        self.assertTrue(blocks)
        for command, below in blocks:
            with self.subTest(command=command):
                run = self.buf(*shlex.split(command.replace(shown, self.address))[1:])
                self.assertEqual(run.stdout + run.stderr, re.sub("^    ", "", below, flags=re.M))


class Greeter(Server):
    def test_session_of_the_page_prints_what_it_shows(self):
        self.start(GREETER, "tcp://127.0.0.1:0?codec=auto")
        self.check_session("docs/rpc.md", "127.0.0.1:9600")


class Kvs(Server):
    def test_session_of_the_page_prints_what_it_shows(self):
        self.start(KVS, "--log-level", "warn", "--listen", "tcp://127.0.0.1:0?codec=grpc")
        self.check_session("docs/grpc.md", "127.0.0.1:50051")

    def test_methods_are_those_of_the_proto_file(self):
        self.start(KVS, "--log-level", "warn", "--listen", "tcp://127.0.0.1:0?codec=auto")
        self.assertEqual(self.names("--list-services"), [*TOOLS, "weft.kv.v1.Kv"])
        methods = re.findall(r"^  rpc (\w+)", pathlib.Path("proto/kv.proto").read_text(), re.M)
        self.assertEqual([name for name in self.names("--list-methods") if name.startswith("weft.")],
                         sorted(f"weft.kv.v1.Kv/{method}" for method in methods))

    def test_users_see_what_their_rules_allow(self):
        with tempfile.TemporaryDirectory() as folder:
            users = pathlib.Path(folder, "users")
            users.touch(mode=0o600)
            users.write_text(f"ann {HASH} read\n")
            self.start(KVS, "--log-level", "warn", "--users", str(users), "--listen", "tcp://127.0.0.1:0?codec=grpc")
            ann = ("--user", "ann:sesame")
            self.assertEqual(self.names("--list-services", *ann), [*TOOLS, "weft.kv.v1.Kv"])
            answer, = self.curl("weft.kv.v1.Kv/Count", *ann, data=[{"table": "t"}])
            self.assertEqual(answer["status"], 200)
            self.assertEqual(self.curl("weft.kv.v1.Kv/Drop", *ann, data=[{"table": "t"}])["code"], "permission_denied")
            self.assertIn("not authenticated", self.buf("curl", "--protocol", "grpc", "--list-services",
                                                        f"http://{self.address}").stderr)


class Sample(Server):
    def setUp(self):
        self.start(SAMPLE, "tcp://127.0.0.1:0?codec=auto")

    def test_both_versions_of_reflection_are_understood(self):
        for version in "grpc-v1", "grpc-v1alpha":
            with self.subTest(version=version):
                answers = self.curl("sample.Sample/Say", "--reflect-protocol", version, data=[{"text": "x", "count": 1}])
                self.assertEqual(answers, [{"text": "x", "count": 2}])

    def test_fields_of_every_kind_come_back(self):
        message = {"int64": "-5", "double": 1.5, "bool": True, "colour": "DARK_BLUE", "bytes": "AP8=",
                   "inside": {"text": "in"}, "numbers": [1, -2], "moreInside": [{"uint32": 7}],
                   "byText": {"a": "1"}, "byBool": {"true": {"text": "yes"}}, "left": "x", "colours": ["GREEN", "RED"]}
        self.assertEqual(self.curl("sample.Sample/Echo", data=[message]), [message])

    def test_streams_go_either_way_and_both(self):
        self.assertEqual(self.curl("sample.Sample/Stream", data=[{"text": "x", "count": 3}]),
                         [{"text": "x"}, {"text": "x", "count": 1}, {"text": "x", "count": 2}])
        counts = [{"count": count} for count in (1, 2, 39)]
        self.assertEqual(self.curl("sample.Sample/Sum", data=counts), [{"count": 42}])
        self.assertEqual(self.curl("sample.Sample/Chat", data=counts), counts)

    def test_errors_have_codes_words_and_details(self):
        error = self.curl("sample.Sample/Say", "--timeout", "60s", "-H", "x-colour: green", "-H", "x-raw-bin: AP8",
                          data=[{"text": "beside", "count": 9}])
        self.assertEqual((error["exit"], error["code"], error["message"]), (9, "failed_precondition", "as you wish"))
        detail, = error["details"]
        self.assertEqual((detail["type"], base64.b64decode(detail["value"] + "==")), ("sample.Text", b"\n\x06beside"))
        error = self.curl("sample.Sample/Missing", data=[{}])
        self.assertEqual((error["code"], error["message"]), ("unimplemented", "The method has no function"))

    def test_deadline_is_kept(self):
        self.assertEqual(self.curl("sample.Sample/Say", "--timeout", "1s", data=[{"text": "wait"}])["code"],
                         "deadline_exceeded")


class Shop(Server):
    """.proto files as others write them."""

    def setUp(self):
        self.start(SHOP, "tcp://127.0.0.1:0?codec=auto")

    def test_services_of_one_package_are_listed(self):
        self.assertEqual(self.names("--list-methods")[-3:],
                         ["shop.orders.v1.Cleaner/Clear", "shop.orders.v1.Orders/Place",
                          "shop.orders.v1.Orders/getHTTPStatus"])

    def test_types_of_other_files_and_well_known_ones_come_back(self):
        line = {"article": "pen", "price": {"currency": "EUR", "units": "-5"}}
        order = {"state": "OPEN", "lines": [line], "byNumber": {"7": line}, "cash": {"units": "3"},
                 "placed": "2023-01-01T00:00:00.500Z", "parts": [{"card": "1234"}]}
        self.assertEqual(self.curl("shop.orders.v1.Orders/Place", data=[order]), [order])

    def test_json_over_http_is_that_of_the_tool(self):
        order = {"lines": [{"price": {"units": "-5"}}], "placed": "2023-01-01T00:00:00.500Z"}
        connection = http.client.HTTPConnection(self.address, timeout=TIMEOUT)
        self.addCleanup(connection.close)
        connection.request("POST", "/shop.orders.v1.Orders/Place", json.dumps(order),
                           {"Content-Type": "application/json"})
        self.assertEqual(json.load(connection.getresponse()), order)
        self.assertEqual(self.curl("shop.orders.v1.Orders/Place", data=[order]), [order])

    def test_empty_messages_come_back(self):
        self.assertEqual(self.curl("shop.orders.v1.Orders/getHTTPStatus", data=[{}]), [{}])
        self.assertEqual(self.curl("shop.orders.v1.Cleaner/Clear", data=[{}]), [{}])


if __name__ == "__main__":
    BUF, KVS, GREETER, SAMPLE, SHOP = (pathlib.Path(sys.argv.pop(1)).resolve() for _ in range(5))
    unittest.main()
