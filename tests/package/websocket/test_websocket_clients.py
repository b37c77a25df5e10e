# SPDX-License-Identifier: MIT
"""kvs over WebSocket, with clients that nobody here has written: Debian's websockets, curl, and bytes by hand.
Run from the root of the tree: test_websocket_clients.py KVS KVC [TEST...]."""
import asyncio
import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

import websockets

VECTORS = pathlib.Path("tests/vectors")
HELLO = (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")


class Server(unittest.TestCase):
    url = "ws://127.0.0.1:0/?codec=raw&service=echo"
    options = []
    variants = []

    def setUp(self):
        urls = [word for url in [self.url, *self.variants] for word in ("--listen", url)]
        self.server = subprocess.Popen([KVS, "--log-level", "warn", *self.options, *urls],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.server.communicate)
        self.addCleanup(self.server.terminate)
        self.address = self.server.stdout.readline().split()[1]
        self.port = int(re.search(r":(\d+)", self.address)[1])

    def connect(self):
        peer = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        self.addCleanup(peer.close)
        return peer

    def upgraded(self):
        peer = self.connect()
        peer.sendall(HELLO)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += peer.recv(1)
        self.assertTrue(head.startswith(b"HTTP/1.1 101 "))
        return peer

    def to_end(self, peer):
        data = b""
        while True:
            more = peer.recv(65536)
            if not more:
                return data
            data += more


def frame(payload):
    return struct.pack(">I", len(payload)) + payload


class Python(Server):
    def run_with(self, body, **options):
        async def run():
            async with websockets.connect(self.address, max_size=None, **options) as peer:
                await body(peer)
        asyncio.run(run())

    def test_messages_carry_frames_and_parts_of_frames(self):
        async def body(peer):
            large = os.urandom(5_000_000)
            await peer.send(frame(b"one") + frame(b"two"))
            await peer.send([frame(b"three")[:3], frame(b"three")[3:]])
            await peer.send(frame(large))
            want = frame(b"one") + frame(b"two") + frame(b"three") + frame(large)
            got = b""
            while len(got) < len(want):
                got += await peer.recv()
            self.assertEqual(got, want)
        self.run_with(body, subprotocols=["weft.raw"])

    def test_pings_come_back_and_compression_is_not_agreed_on(self):
        async def body(peer):
            await asyncio.wait_for(await peer.ping(b"x" * 125), 20)
            self.assertEqual(peer.extensions, [])
        self.run_with(body, compression="deflate")

    def test_text_is_closed_with_1003(self):
        async def body(peer):
            await peer.send("text")
            with self.assertRaises(websockets.ConnectionClosedError) as closed:
                await peer.recv()
            self.assertEqual(closed.exception.rcvd.code, 1003)
        self.run_with(body)

    def test_close_is_answered_with_its_code(self):
        async def body(peer):
            await peer.send(frame(b"last"))
            self.assertEqual(await peer.recv(), frame(b"last"))
            await peer.close(4001, "mine")
            self.assertEqual(peer.close_code, 4001)
        self.run_with(body)

    def test_drain_says_1001(self):
        async def body(peer):
            self.server.terminate()
            with self.assertRaises(websockets.ConnectionClosed) as closed:
                await peer.recv()
            self.assertEqual(closed.exception.rcvd.code, 1001)
        self.run_with(body)

    def test_other_origins_are_refused_with_403(self):
        async def run():
            with self.assertRaises(websockets.InvalidStatusCode) as refused:
                async with websockets.connect(self.address, origin="https://evil.example"):
                    pass
            self.assertEqual(refused.exception.status_code, 403)
        asyncio.run(run())


class Sharing(Server):
    url = "ws://127.0.0.1:0/?codec=raw"
    variants = ["?codec=line", "?codec=resp"]

    def test_subprotocol_chooses_among_the_codecs_of_the_address(self):
        async def ask(message, *offered):
            async with websockets.connect(self.address, subprotocols=offered or None) as peer:
                await peer.send(message)
                return peer.subprotocol, await peer.recv()

        hexist = frame(b"\x42\x00")
        self.assertEqual(asyncio.run(ask(hexist))[0], None)
        self.assertEqual(asyncio.run(ask(b"ping\n", "weft.line")), ("weft.line", b"200\n"))
        self.assertEqual(asyncio.run(ask(b"PING\r\n", "other", "weft.resp")), ("weft.resp", b"+PONG\r\n"))
        # What the bytes look like does not count then.
        self.assertEqual(asyncio.run(ask(hexist, "weft.raw"))[1][4:6], b"\x08\xc8")
        self.assertEqual(asyncio.run(ask(hexist + b"\n", "weft.line"))[1][:4], b"501\t")
        with self.assertRaises(websockets.InvalidStatusCode):
            asyncio.run(ask(b"", "weft.varint"))


class Sessions(Server):
    url = "ws://127.0.0.1:0/?codec=raw"

    def test_sessions_of_the_wire_are_the_same_over_websocket(self):
        for name in ("session.jsonl", "requests.jsonl", "changes.jsonl"):
            with self.subTest(name=name):
                self.tearDown_server()
                self.setUp()
                asyncio.run(self.session(name))

    def tearDown_server(self):
        self.server.terminate()
        self.server.communicate()

    def bytes_of(self, row, name):
        if f"{name}_hex" in row:
            return bytes.fromhex(row[f"{name}_hex"])
        return (VECTORS / row[f"{name}_file"]).read_bytes()

    async def session(self, name):
        rows = [json.loads(line) for line in (VECTORS / name).read_text().splitlines()]
        compared = 0
        async with websockets.connect(self.address, max_size=None) as peer:
            got = b""
            for row in rows:
                await peer.send(frame(self.bytes_of(row, "request_payload")))
                while len(got) < 4 or len(got) < 4 + struct.unpack(">I", got[:4])[0]:
                    got += await peer.recv()
                size = struct.unpack(">I", got[:4])[0]
                reply, got = got[4:4 + size], got[4 + size:]
                if any(name in row for name in ("response_payload_hex", "response_payload_file")):
                    want = self.bytes_of(row, "response_payload")
                    same = sorted if row.get("pairs_unordered") else bytes
                    self.assertEqual(same(reply), same(want), row)
                    compared += 1
        self.assertGreater(compared, 20)


class Kvc(Server):
    url = "ws://127.0.0.1:0/kv"

    def kvc(self, url, *words, **more):
        run = subprocess.run([KVC, "--server", url, *words], text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, timeout=60, **more)
        return run.stdout if run.returncode == 0 else run.stderr

    def test_kvc_speaks_websocket(self):
        self.assertEqual(self.kvc(self.address, "hset", "t", "k", "v"), "\n")
        self.assertEqual(self.kvc(self.address, "hget", "t", "k"), "v\n")
        self.assertIn("requests in", self.kvc(
            self.address, "bench", "--requests", "2000", "--pipeline", "16", "--clients", "4"))

    def test_refusals_say_what_the_server_said(self):
        self.assertIn("404 there is no WebSocket at this path", self.kvc(self.address + "x", "hget", "t", "k"))
        self.assertIn("400 the endpoint speaks none of the offered subprotocols",
                      self.kvc(self.address + "?codec=raw", "hget", "t", "k"))
        self.assertIn("403 ", self.kvc(self.address + "?origin=https://evil.example", "hget", "t", "k"))
        self.assertIn("has no use for the path",
                      self.kvc(self.address.replace("ws:", "tcp:"), "hget", "t", "k"))

    def test_websocket_goes_over_a_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            url = f"ws+unix:{folder}/socket"
            server = subprocess.Popen([KVS, "--log-level", "warn", "--listen", url], stdout=subprocess.PIPE,
                                      text=True)
            self.assertTrue(server.stdout.readline().startswith(f"listening {url} "))
            self.assertEqual(self.kvc(url, "hset", "t", "k", "v"), "\n")
            self.assertEqual(self.kvc(url, "hget", "t", "k"), "v\n")
            server.terminate()
            server.communicate()


class Attacks(Server):
    options = ["--frame-timeout", "0.3", "--write-timeout", "1"]

    def resident(self):
        status = pathlib.Path(f"/proc/{self.server.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    def test_promises_of_4_gib_cost_no_memory(self):
        before = self.resident()
        header = b"\x82\xff" + struct.pack(">Q", 1 << 32) + bytes(4)
        peers = [self.upgraded() for _ in range(100)]
        for peer in peers:
            peer.sendall(header + frame(b"x" * 100))
        for peer in peers:
            self.assertEqual(peer.recv(4, socket.MSG_WAITALL)[:2], b"\x82\x68")
        self.assertLess(self.resident() - before, 20_000)

    def test_fragments_without_end_are_a_stream(self):
        peer = self.upgraded()
        peer.sendall(b"\x02\x80\0\0\0\0" + b"\x00\x81\0\0\0\0\0" * 4000)
        # Every four bytes are the header of an empty message, which is echoed.
        want, got = 4 * 1000, 0
        while got < want:
            head = peer.recv(2, socket.MSG_WAITALL)
            size = head[1] if head[1] < 126 else struct.unpack(">H", peer.recv(2, socket.MSG_WAITALL))[0]
            got += len(peer.recv(size, socket.MSG_WAITALL))
        self.assertEqual(got, want)

    def test_control_frame_over_125_bytes_is_closed_with_1002(self):
        peer = self.upgraded()
        peer.sendall(b"\x89\xfe\x00\x7e" + bytes(130))
        self.assertEqual(self.to_end(peer), b"\x88\x02\x03\xea")

    def test_slow_upgrade_is_cut_off(self):
        peer = self.connect()
        peer.sendall(HELLO[:20])
        self.assertEqual(self.to_end(peer), b"")

    def test_peer_without_a_byte_is_cut_off(self):
        self.assertEqual(self.to_end(self.connect()), b"")

    def test_open_websocket_without_a_request_is_left_alone(self):
        peer = self.upgraded()
        peer.settimeout(1.5)
        with self.assertRaises(TimeoutError):
            peer.recv(1)

    def test_flood_of_fields_is_refused(self):
        peer = self.connect()
        peer.sendall(HELLO[:-2] + b"A: b\r\n" * 100 + b"\r\n")
        self.assertIn(b"400 Bad Request", self.to_end(peer))
        peer = self.connect()
        peer.sendall(HELLO[:-2] + b"A" * 9000)
        self.assertIn(b"431 Request Header", self.to_end(peer))

    def test_flood_of_pings_that_nobody_reads_is_held_up(self):
        before = self.resident()
        peer = self.upgraded()
        peer.settimeout(1)
        ping = (b"\x89\xfd" + bytes(4) + bytes(125)) * 500
        sent = 0
        try:
            while sent < 64 << 20:
                sent += peer.send(ping)
        except (TimeoutError, OSError):
            pass
        self.assertLess(self.resident() - before, 8_000)


class Pages(Server):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.page = pathlib.Path(self.folder.name) / "large.html"
        self.page.write_bytes(b"<p>" + os.urandom(500_000).hex().encode())
        self.url = f"ws://127.0.0.1:0/kv?page={self.page}"
        super().setUp()

    def curl(self, *words):
        return subprocess.run(["curl", "-sS", "--max-time", "30", *words], check=True, stdout=subprocess.PIPE).stdout

    def test_page_comes_whole_however_slowly_it_is_read(self):
        url = f"http://127.0.0.1:{self.port}/"
        self.assertEqual(self.curl(url), self.page.read_bytes())
        self.assertEqual(self.curl("--limit-rate", "300k", url), self.page.read_bytes())
        self.assertIn(b"Content-Security-Policy: default-src 'none'", self.curl("-I", url))

    def test_requests_that_are_none_get_their_status(self):
        for words, status in ((["-X", "POST", "-d", "x" * 100000], 405), (["/none"], 404), (["/kv"], 404)):
            path = words.pop() if words[-1].startswith("/") else "/"
            code = self.curl("-o", "/dev/null", "-w", "%{http_code}", *words, f"http://127.0.0.1:{self.port}{path}")
            self.assertEqual(code.decode(), str(status))


if __name__ == "__main__":
    KVS, KVC = os.path.abspath(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
    unittest.main()
