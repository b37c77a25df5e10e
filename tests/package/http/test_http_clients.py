# SPDX-License-Identifier: MIT
"""kvs over HTTP, with clients that nobody here has written: curl runs what docs/http.md shows, http.client
keeps its connections and pipelines by hand, and Node fetches as a browser does. Run from the root of the
tree: test_http_clients.py KVS KVC [TEST...]."""
import http.client
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import unittest

import yaml

PAGE = pathlib.Path("docs/http.md")
VECTORS = pathlib.Path("tests/vectors/http.jsonl")
OPENAPI = pathlib.Path("docs/openapi.yaml")
SHOWN = "127.0.0.1:8080"
KEY = "/v1/tables/t/keys/k"


class Server(unittest.TestCase):
    options = ""

    def setUp(self):
        self.server = subprocess.Popen(
            [KVS, "--log-level", "warn", "--listen", f"tcp://127.0.0.1:0?codec=http{self.options}"],
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.server.communicate)
        self.addCleanup(self.server.terminate)
        self.port = int(re.search(r":(\d+)", self.server.stdout.readline())[1])

    def curl(self, *words):
        return subprocess.run(["curl", "-sS", "--max-time", "20", *words], text=True, check=True,
                              stdout=subprocess.PIPE).stdout

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"


class Page(Server):
    def test_curl_prints_what_the_page_shows(self):
        found = re.findall(r"^    \$ ((?:curl|printf) .*)\n((?:    (?!\$).*\n)*)", PAGE.read_text(), re.M)
        self.assertGreater(len(found), 5)
        for command, shown in found:
            with self.subTest(command=command):
                run = subprocess.run(command.replace(SHOWN, f"127.0.0.1:{self.port}"), shell=True,
                                     text=True, check=True, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL)
                self.assertEqual(run.stdout.replace("\r", "").rstrip("\n"),
                                 re.sub(r"(?m)^    ", "", shown).rstrip("\n"))


class Curl(Server):
    def test_files_come_back(self):
        with tempfile.NamedTemporaryFile() as large:
            large.write(os.urandom(3_000_000))
            large.flush()
            for way in ([], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect:"], ["--http1.0"]):
                with self.subTest(way=way):
                    self.curl("-T", large.name, *way, self.url(KEY))
                    back = subprocess.run(["curl", "-sS", *way[:0], self.url(KEY)], check=True,
                                          stdout=subprocess.PIPE).stdout
                    self.assertEqual(back, pathlib.Path(large.name).read_bytes())

    def test_one_connection_serves_many_requests(self):
        out = self.curl("-o", "/dev/null", "-w", "%{num_connects} %{http_code}\n", self.url("/healthz"),
                        "-o", "/dev/null", self.url("/healthz"), "-o", "/dev/null", self.url(KEY))
        self.assertEqual(out.splitlines(), ["1 200", "0 200", "0 404"])

    def test_head_is_answered_without_a_body(self):
        self.curl("-X", "PUT", "--data-binary", "x", self.url(KEY))
        self.assertIn("Content-Length: 1", self.curl("-I", self.url(KEY)))

    def test_curl_that_would_speak_http_2_comes_back_to_http_1(self):
        version = ["-o", "/dev/null", "-w", "%{http_version} %{http_code}"]
        for way in ("--http2", "--http2-prior-knowledge"):
            with self.subTest(way=way):
                self.curl("-X", "PUT", "--data-binary", way, way, self.url(KEY))
                self.assertEqual(self.curl(way, self.url(KEY)), way)
                self.assertEqual(self.curl(way, *version, self.url("/healthz")), "1.1 200")

    def test_body_over_the_limit_is_refused(self):
        code = self.curl("-o", "/dev/null", "-w", "%{http_code}", "-X", "PUT", "-H", "Content-Length: 9000000000",
                         "-d", "x", self.url(KEY))
        self.assertEqual(code, "413")


class Compressed(Server):
    LARGE = "".join(f"line {i} of a large value\n" for i in range(2000))

    def put(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("PUT", KEY, body=self.LARGE)
        self.assertEqual(connection.getresponse().read(), b"")
        connection.close()

    def test_curl_takes_large_values_compressed(self):
        self.put()
        head = self.curl("--compressed", "-I", self.url(KEY))
        for way in (["--compressed"], ["--compressed", "--http1.0"], []):
            with self.subTest(way=way):
                self.assertEqual(self.curl(*way, self.url(KEY)), self.LARGE)
                size = int(self.curl(*way, "-o", "/dev/null", "-w", "%{size_download}", self.url(KEY)))
                if way:
                    self.assertLess(size, len(self.LARGE) / 3)
                    self.assertIn(f"Content-Length: {size}\r\n", head.replace("\n", "\r\n").replace("\r\r", "\r"))
                else:
                    self.assertEqual(size, len(self.LARGE))

    def test_pages_and_answers_of_batches_are_compressed(self):
        self.put()
        page = self.curl("--compressed", self.url("/v1/tables/t"))
        self.assertEqual(json.loads(page)["pairs"][0]["value"], self.LARGE)
        for path, more in (("/v1/tables/t", []),
                           ("/v1/batch", ["-H", "Content-Type: application/x-ndjson", "-d", '["hget","t","k"]'])):
            head = self.curl("--compressed", "-D", "-", "-o", "/dev/null", *more, self.url(path))
            self.assertIn("Content-Encoding: gzip", head)

    def test_tag_of_a_compressed_value_serves_as_a_condition(self):
        self.put()
        tag = re.search(r"ETag: (\S+)", self.curl("--compressed", "-I", self.url(KEY)))[1]
        self.assertTrue(tag.endswith('-gzip"'))
        code = ["-o", "/dev/null", "-w", "%{http_code}"]
        self.assertEqual(self.curl("--compressed", "-H", f"If-None-Match: {tag}", *code, self.url(KEY)), "304")
        self.assertEqual(self.curl("-X", "PUT", "-d", "x", "-H", f"If-Match: {tag}", *code, self.url(KEY)), "204")
        self.assertEqual(self.curl("-X", "PUT", "-d", "y", "-H", f"If-Match: {tag}", *code, self.url(KEY)), "412")


class Library(Server):
    def test_connection_of_http_client_lives_on(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        for i in range(20):
            connection.request("PUT", f"/v1/tables/t/keys/{i}", body=iter([b"part ", b"%d" % i]),
                               encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
            reply = connection.getresponse()
            self.assertEqual((reply.status, reply.read()), (201, b""))
            connection.request("GET", f"/v1/tables/t/keys/{i}")
            reply = connection.getresponse()
            self.assertEqual((reply.status, reply.read()), (200, b"part %d" % i))
            connection.request("HEAD", f"/v1/tables/t/keys/{i}")
            reply = connection.getresponse()
            self.assertEqual((reply.status, reply.read()), (200, b""))
        connection.close()

    def test_pipelined_requests_are_answered_in_order(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as raw:
            requests = [b"PUT /v1/tables/t/keys/%d HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n%03d"
                        b"HEAD /v1/tables/t/keys/%d HTTP/1.1\r\nHost: a\r\n\r\n"
                        b"GET /v1/tables/t/keys/%d HTTP/1.1\r\nHost: a\r\n\r\n" % (i, i, i, i)
                        for i in range(200)]
            raw.sendall(b"".join(requests) + b"GET /healthz HTTP/1.0\r\n\r\n")
            received = b""
            while piece := raw.recv(65536):
                received += piece
        self.assertEqual(received.count(b"HTTP/1.1 201 Created"), 200)
        values = re.findall(rb"\r\n\r\n(\d\d\d)HTTP/1.1", received)
        self.assertEqual(values, [b"%03d" % i for i in range(200)])
        self.assertTrue(received.endswith(b"\r\n\r\nok\n"))


class Vectors(Server):
    def talk(self, request):
        """Says all of it, ends this direction, and hears until the server's end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as raw:
            received = b""
            try:
                raw.sendall(request)
                raw.shutdown(socket.SHUT_WR)
            except ConnectionError:
                pass
            while piece := raw.recv(65536):
                received += piece
        return received

    def test_hostile_requests_get_the_statuses_allowed(self):
        for line in VECTORS.read_text().splitlines():
            row = json.loads(line)
            request = bytes.fromhex(row["frame_hex"]) if "frame_hex" in row else row["request"].encode()
            allowed = row["expect"]["statuses"]
            if row["expect"]["then"] == "open":
                request += b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
                allowed = allowed + [[200]]
            with self.subTest(name=row["name"]):
                received = self.talk(request)
                statuses = [int(status) for status in re.findall(rb"^HTTP/1\.1 (\d+) ", received, re.M)]
                self.assertEqual(len(statuses), len(allowed), received)
                for status, those in zip(statuses, allowed):
                    self.assertIn(status, those)


class Batch(Server):
    LINES = ['["hset","t","a",{"float":"nan"}]', '["hmset","t","b","\\u00e4","c",null,"d",true]', '["hget","t","a"]',
             '["hmget","t","d","c","none"]', '["hexist","t","a"]', '["hmexist","t","a","none"]', '',
             '["hset","t","a",{"base64":"AP8="}]', '["hget","t","none"]', '["hset","t","a",9223372036854775807]',
             '["hdel","t","a"]', '["hmdel","t","b","c"]', '["hincr","t","n"]', '["hincr","t","n",41]',
             '["hincr","t","n",{"float":"0.5"}]', '["hincr","t","d"]', '["hset","t","e",1,{"if_absent":true}]',
             '["hset","t","e",2,{"if_absent":true}]', '["hmset","t","f",1,{"if_present":true}]',
             '["hget","t","e",{"state":true}]', '["hmget","t","e","none",{"state":true}]', '["httl","t","e","none"]',
             '["hexpire","t","none",5]', '["hexpire","t","e","never"]', '["hpersist","t","e","none"]',
             '["hset","t","e",3,{"expire_at":4102444800,"if_version":"%s"}]' % ("0" * 32),
             '["hset","t","e",3,{"keep_ttl":true}]', '["hdel","t","e",{"if_version":"%s"}]' % ("0" * 32),
             '["count","t"]', '["drop","t"]', '["ping"]']

    def test_answers_are_those_of_kvc(self):
        text = "\n".join(self.LINES)
        here = self.curl("--data-binary", text, "-H", "Content-Type: application/x-ndjson", self.url("/v1/batch"))
        server = subprocess.Popen([KVS, "--log-level", "warn", "--listen", "tcp://127.0.0.1:0"],
                                  stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.communicate)
        self.addCleanup(server.terminate)
        url = server.stdout.readline().split()[1]
        there = subprocess.run([KVC, "--server", url, "--json", "batch", "--keep-going"], input=text, text=True,
                               stdout=subprocess.PIPE).stdout
        self.assertGreater(len(here), 100)
        self.assertEqual([json.loads(line) for line in here.splitlines()],
                         [json.loads(line) for line in there.splitlines()])


class Events(Server):
    def event(self, stream):
        lines = iter(lambda: stream.readline().decode().rstrip("\n"), "")
        return dict(line.split(": ", 1) for line in lines if not line.startswith(":"))

    def change(self, stream):
        event = self.event(stream)
        while "data" not in event:
            event = self.event(stream)
        return event, json.loads(event["data"])


class Changes(Events):
    def watch(self, path="/v1/tables/t/changes", **fields):
        """A stream of events; the first has no data, and says that the watch has begun."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        self.addCleanup(connection.close)
        connection.request("GET", path, headers=fields)
        reply = connection.getresponse()
        self.assertEqual((reply.status, reply.getheader("Content-Type")), (200, "text/event-stream"))
        self.assertNotIn("data", self.event(reply))
        return reply

    def put(self, key, value, table="t"):
        self.curl("-X", "PUT", "--data-binary", value, self.url(f"/v1/tables/{table}/keys/{key}"))

    def test_curl_prints_events_as_they_come(self):
        curl = subprocess.Popen(["curl", "-sSN", self.url("/v1/tables/t/changes")], stdout=subprocess.PIPE)
        self.addCleanup(curl.communicate)
        self.addCleanup(curl.kill)
        self.assertNotIn("data", self.event(curl.stdout))
        for value in ("one", "two"):
            self.put("k", value)
            event, change = self.change(curl.stdout)
            self.assertEqual(event["id"], str(change["number"]))
            self.assertEqual((change["change"], change["value"]), ("set", value))
        tag = re.search(r'ETag: "(\w+)', self.curl("-I", self.url(KEY)))[1]
        self.assertEqual(change["version"], tag)

    def test_all_watchers_get_the_same(self):
        streams = [self.watch(), self.watch("/v1/changes"), self.watch("/v1/tables/t/changes?prefix=k")]
        for i in range(20):
            self.put(f"k{i}", str(i))
        self.curl("-X", "DELETE", self.url("/v1/tables/t"))
        told = [[self.change(stream)[1] for _ in range(21)] for stream in streams]
        self.assertEqual(told[0], told[1])
        self.assertEqual(told[0], told[2])
        self.assertEqual([change.get("value") for change in told[0][:20]], [str(i) for i in range(20)])
        self.assertEqual(told[0][20]["change"], "drop")

    def test_who_comes_back_misses_nothing(self):
        stream = self.watch()
        self.put("a", "1")
        event, _ = self.change(stream)
        stream.close()
        self.put("b", "2")
        self.put("c", "3", table="other")
        again = self.watch(**{"Last-Event-ID": event["id"]})
        self.assertEqual(self.change(again)[1]["key"], "b")
        again = self.watch(f"/v1/changes?from={event['id']}")
        self.assertEqual([self.change(again)[1]["key"] for _ in range(2)], ["b", "c"])
        reply = self.curl("-i", "-H", "Last-Event-ID: 7", self.url("/v1/changes"))
        self.assertIn("410 Gone", reply)

    def test_old_clients_get_a_stream_without_chunks(self):
        curl = subprocess.Popen(["curl", "-sSN", "--http1.0", self.url("/v1/tables/t/changes")],
                                stdout=subprocess.PIPE)
        self.addCleanup(curl.communicate)
        self.addCleanup(curl.kill)
        self.event(curl.stdout)
        self.put("k", "v")
        self.assertEqual(self.change(curl.stdout)[1]["value"], "v")

    def test_end_is_told_and_kvs_drains_at_once(self):
        streams = [self.watch() for _ in range(50)]
        self.put("k", "last words")
        self.server.terminate()
        self.assertEqual(self.server.wait(20), 0)
        for stream in streams:
            self.assertEqual(self.change(stream)[1]["value"], "last words")
            event, end = self.change(stream)
            self.assertEqual((event["event"], end["status"]), ("end", 503))
            self.assertEqual(stream.read(), b"")

    def test_head_says_what_would_come(self):
        self.assertIn("Content-Type: text/event-stream", self.curl("-I", self.url("/v1/changes")))


class Topics(Events):
    def subscribe(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        self.addCleanup(connection.close)
        connection.request("GET", path)
        return connection.getresponse()

    def publish(self, topic, text):
        reply = json.loads(self.curl("-d", text, self.url(f"/v1/topics/{topic}")))
        return reply["receivers"]

    def test_all_subscribers_get_the_same(self):
        streams = [self.subscribe("/v1/topics/news"), self.subscribe("/v1/topics?match=n*")]
        curl = subprocess.Popen(["curl", "-sSN", "-i", self.url("/v1/topics/news")], stdout=subprocess.PIPE)
        self.addCleanup(curl.communicate)
        self.addCleanup(curl.kill)
        while curl.stdout.readline().strip():
            pass
        texts = [f"message {i}" for i in range(10)]
        for text in texts:
            self.assertEqual(self.publish("news", text), 3)
        for stream in (*streams, curl.stdout):
            told = [self.change(stream)[1] for _ in texts]
            self.assertEqual(told, [{"topic": "news", "value": text} for text in texts])

    def test_end_of_a_subscription_is_told(self):
        stream = self.subscribe("/v1/topics/news")
        self.publish("news", "last words")
        self.server.terminate()
        self.assertEqual(self.server.wait(20), 0)
        self.assertEqual(self.change(stream)[1]["value"], "last words")
        event, end = self.change(stream)
        self.assertEqual((event["event"], end["status"]), ("end", 503))


class Description(Server):
    def test_methods_are_those_of_the_openapi_page(self):
        methods = {"get", "put", "post", "delete"}
        paths = yaml.safe_load(OPENAPI.read_text())["paths"]
        self.assertGreater(len(paths), 3)
        for path, item in paths.items():
            with self.subTest(path=path):
                described = {method.upper() for method in methods & set(item)} | {"OPTIONS"}
                described |= {"HEAD"} if "get" in item else set()
                reply = self.curl("-i", "-X", "OPTIONS", "-g", self.url(path.replace("{", "").replace("}", "")))
                self.assertEqual(set(re.search(r"Allow: (.*)", reply)[1].split(", ")), described)


FETCH = """
const base = process.argv[1], key = base + "/v1/tables/t/keys/" + encodeURIComponent("a/b ä");
const assert = require("node:assert");
(async () => {
    const origin = process.argv[2] ? {Origin: process.argv[2]} : {};
    let reply = await fetch(key, {method: "PUT", body: new Uint8Array([0, 255]), headers: origin});
    assert.equal(reply.status, 201);
    const tag = reply.headers.get("ETag");
    reply = await fetch(key, {headers: origin});
    assert.deepEqual(new Uint8Array(await reply.arrayBuffer()), new Uint8Array([0, 255]));
    assert.equal(reply.headers.get("ETag"), tag);
    reply = await fetch(key, {headers: {Accept: "application/json", ...origin}});
    assert.deepEqual(await reply.json(), {base64: "AP8="});
    reply = await fetch(base + "/v1/tables/t?" + new URLSearchParams({prefix: "a/b ä", limit: 5}), {headers: origin});
    assert.deepEqual((await reply.json()).pairs[0].key, "a/b ä");
    reply = await fetch(base + "/v1/tables/t/keys/none", {headers: origin});
    assert.equal((await reply.json()).status, 404);
    const all = await Promise.all([...Array(50)].map((_, i) =>
        fetch(base + "/v1/tables/t/keys/" + i, {method: "PUT", body: "x".repeat(i), headers: origin})));
    assert(all.every(reply => reply.status === 201));
    console.log("done");
})();
"""


class Browser(Server):
    options = "&cors=https://app.example"

    def fetch(self, *words):
        return subprocess.run(["node", "-e", FETCH, f"http://127.0.0.1:{self.port}", *words], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def test_node_fetches(self):
        self.assertEqual(self.fetch().stdout, "done\n")

    def test_page_of_a_listed_origin_fetches(self):
        self.assertEqual(self.fetch("https://app.example").stdout, "done\n")

    def test_page_of_another_origin_does_not(self):
        self.assertIn("403", self.fetch("https://evil.example").stderr)


if __name__ == "__main__":
    KVS, KVC = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
    unittest.main()
