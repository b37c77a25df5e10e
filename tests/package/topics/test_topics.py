# SPDX-License-Identifier: MIT
"""Topics of a real kvs, with all who speak of them: one test has every client at one topic at once, another counts
how often a message for many is deflated. Run from the root of the tree, with the folder of abi_pb2 and what
subscribers.mjs needs: test_topics.py KVS KVC ABI_PB2 [NODE CLIENTS WEBSOCKET CHROMIUM] [TEST...]."""
import asyncio
import gzip
import itertools
import json
import pathlib
import re
import socket
import struct
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "admin"), sys.argv[3]]
from admin import Served  # noqa: E402
import abi_pb2  # noqa: E402  (made by protoc into the build folder)

DEADLINE = 60  # seconds; it decides no test that passes
GZIP_BIT = 1 << 31


def frame_of(**command):
    payload = abi_pb2.CommandRequest(**command).SerializeToString()
    return struct.pack(">I", len(payload)) + payload


SUBSCRIBE = frame_of(subscribe=abi_pb2.Subscribe(topic="news"))


def publish_of(text):
    return frame_of(publish=abi_pb2.Publish(topic="news", data=[abi_pb2.Value(string=text)]))


class Frames:
    """A connection of length-delimited-gzip."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)

    def receive(self):
        """Returns a message, and whether its frame was compressed."""
        header = struct.unpack(">I", self.socket.recv(4, socket.MSG_WAITALL))[0]
        data = self.socket.recv(header & ~GZIP_BIT, socket.MSG_WAITALL)
        compressed = header & GZIP_BIT != 0
        return abi_pb2.CommandResponse.FromString(gzip.decompress(data) if compressed else data), compressed

    def ask(self, request):
        self.socket.sendall(request)
        reply, _ = self.receive()
        assert reply.status == 200, reply
        return reply.values[0].integer


def port_of(url):
    return int(re.search(r":(\d+)", url)[1])


class Deflates(Served):
    TEXT = json.dumps([{"id": i, "name": f"item {i}", "price": i * 7} for i in range(500)])[:16384]
    SUBSCRIBERS = 200
    options = ["--threads", "1"]
    most = 1

    def test_16_kib_are_deflated_once_for_all_subscribers(self):
        readers = [Frames(port_of(self.urls[0])) for _ in range(self.SUBSCRIBERS + 1)]
        for reader in readers:
            self.addCleanup(reader.socket.close)
        publisher = readers.pop()
        for reader in readers:
            reader.ask(SUBSCRIBE)
        self.assertEqual(len(self.TEXT), 16384)
        self.assertEqual(self.sum("weft_deflated_messages"), 0)
        self.assertEqual(publisher.ask(publish_of(self.TEXT)), self.SUBSCRIBERS)
        for reader in readers:
            message, compressed = reader.receive()
            self.assertTrue(compressed)
            self.assertEqual((message.topic, message.values[0].string), ("news", self.TEXT))
        self.assertIn(self.sum("weft_deflated_messages"), range(1, self.most + 1))


class DeflatesOfThreads(Deflates):
    """Each thread with subscribers makes the bytes for them."""
    options = ["--threads", "4"]
    most = 4


class WebSocket:
    """Frames of the codec raw in messages, by Debian's websockets."""

    def __init__(self, url):
        async def connect():
            return await websockets.connect(url)

        self.loop = asyncio.new_event_loop()
        self.peer = self.wait(connect())
        self.received = b""

    def wait(self, task):
        return self.loop.run_until_complete(asyncio.wait_for(task, DEADLINE))

    def receive(self):
        while len(self.received) < 4 or len(self.received) < 4 + struct.unpack(">I", self.received[:4])[0]:
            self.received += self.wait(self.peer.recv())
        end = 4 + struct.unpack(">I", self.received[:4])[0]
        message, self.received = self.received[4:end], self.received[end:]
        return abi_pb2.CommandResponse.FromString(message)

    def ask(self, request):
        self.wait(self.peer.send(request))
        return self.receive().values[0].integer

    def close(self):
        self.wait(self.peer.close())
        self.loop.close()


class Everyone(Served):
    """All clients at once: redis-cli, ioredis, Python's redis, curl, EventSource of Chromium, kvc and a WebSocket."""
    listen = ["tcp://127.0.0.1:0?codec=auto", "ws://127.0.0.1:0/?codec=raw"]
    options = ["--threads", "1"]  # with more, messages of different publishers have no order
    MESSAGES = 100

    def run_client(self, *words):
        child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(child.stdin.close)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return child

    def ask_node(self, said):
        print(json.dumps(said), file=self.node.stdin, flush=True)
        return json.loads(self.node.stdout.readline())

    def subscribe(self):
        """Starts them at once, and waits until each says that it has subscribed."""
        port = str(self.port)
        self.node = self.run_client(NODE, str(HERE / "subscribers.mjs"), port, *MODULES, CHROMIUM)
        self.cli = self.run_client("redis-cli", "-p", port, "subscribe", "news")
        self.curl_events = self.run_client("curl", "-sSN", "-i", f"http://127.0.0.1:{port}/v1/topics/news")
        self.subscribed_kvc = self.run_client(self.kvc, "--server", self.urls[0], "--json", "subscribe", "news")
        self.redis = redis.Redis(port=self.port, socket_timeout=DEADLINE)
        self.addCleanup(self.redis.close)
        self.pubsub = self.redis.pubsub()
        self.addCleanup(self.pubsub.close)
        self.pubsub.subscribe("news")
        self.websockets = [WebSocket(self.urls[1]) for _ in range(2)]
        for each in self.websockets:
            self.addCleanup(each.close)
        self.assertGreater(self.websockets[0].ask(SUBSCRIBE), 0)
        self.assertEqual(self.pubsub.get_message(timeout=DEADLINE)["type"], "subscribe")
        self.assertEqual([self.cli.stdout.readline() for _ in range(3)], ["subscribe\n", "news\n", "1\n"])
        self.assertEqual(self.subscribed_kvc.stdout.readline(), '{"subscribed": 1}\n')
        while self.curl_events.stdout.readline().strip():
            pass
        self.assertEqual(self.node.stdout.readline(), "ready\n")

    def heard(self):
        """Returns {client: [(topic, text)]} of all messages."""
        def pairs(objects):
            return [(each["topic"], each["value"]) for each in objects]

        def events():
            while True:
                line = self.curl_events.stdout.readline()
                if line.startswith("data: "):
                    yield json.loads(line[6:])

        def python():
            while True:
                message = self.pubsub.get_message(timeout=DEADLINE)
                yield {"topic": message["channel"].decode(), "value": message["data"].decode()}

        def frames():
            while True:
                message = self.websockets[0].receive()
                for value in message.values:
                    yield {"topic": message.topic, "value": value.string}

        def cli():
            while True:
                word, topic, text = (self.cli.stdout.readline().rstrip("\n") for _ in range(3))
                yield {"topic": topic, "value": text} if word == "message" else {}

        def kvc():
            while True:
                yield json.loads(self.subscribed_kvc.stdout.readline())

        here = {maker.__name__: maker() for maker in (events, python, frames, cli, kvc)}
        found = {name: pairs(itertools.islice(stream, self.MESSAGES)) for name, stream in here.items()}
        there = self.ask_node(self.MESSAGES)
        return found | {name: pairs(objects) for name, objects in there.items()}

    def test_all_get_the_same_messages_of_all_in_one_order(self):
        self.port = port_of(self.urls[0])
        self.subscribe()
        publish = [
            lambda text: int(subprocess.check_output(["redis-cli", "-p", str(self.port), "publish", "news", text])),
            lambda text: self.ask_node({"publish": text}),
            lambda text: self.redis.publish("news", text),
            lambda text: json.loads(subprocess.check_output(
                ["curl", "-sS", "-d", text, f"http://127.0.0.1:{self.port}/v1/topics/news"]))["receivers"],
            lambda text: int(self.run_kvc("publish", "news", text)),
            lambda text: self.websockets[1].ask(publish_of(text)),
        ]
        texts = [f'{i}: "quoted" \\ ünï \U0001f600' for i in range(self.MESSAGES)]
        for i, text in enumerate(texts):
            self.assertEqual(publish[i % len(publish)](text), 7, i % len(publish))
        want = [("news", text) for text in texts]
        heard = self.heard()
        self.assertEqual(len(heard), 7)
        for name, messages in heard.items():
            with self.subTest(name=name):
                self.assertEqual(messages, want)
        self.node.stdin.close()
        self.assertEqual(self.node.wait(DEADLINE), 0)


if __name__ == "__main__":
    Served.kvs, Served.kvc = sys.argv[1:3]
    rest = sys.argv[4:]
    if "Everyone" in rest:
        import redis
        import websockets
        NODE, *MODULES, CHROMIUM = rest[:4]
        rest = rest[4:]
    unittest.main(argv=sys.argv[:1] + rest)
