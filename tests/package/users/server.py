# SPDX-License-Identifier: MIT
"""A kvs with users, for the tests of this folder, whose programs set KVS and KVC."""
import base64
import gzip
import http.client
import pathlib
import re
import socket
import struct
import subprocess
import tempfile
import unittest

KVS = KVC = None
LOGIN = 40
# The hash of "sesame", of a method that costs little.
HASH = "$5$rounds=1000$salt$rloU6KpfKKm9G.NUT4Kh3.lZ3eQ67D/GrlYTTZlly7."
RULES = {
    "none": [],
    "reader": ["read:t-*"],
    "writer": ["write:t-*"],
    "all-read": ["read"],
    "all-write": ["write"],
    "adm": ["admin"],
    "sub": ["subscribe"],
    "sub-some": ["subscribe:t-*"],
    "root": ["write", "subscribe", "admin"],
}


def field(number, payload):
    if isinstance(payload, str):
        payload = payload.encode()
    head = number << 3 | 2
    out = bytearray()
    for value in (head, len(payload)):
        while value > 127:
            out.append(value & 127 | 128)
            value >>= 7
        out.append(value)
    return bytes(out) + payload


def text(*parts):
    return b"".join(field(i + 1, part) for i, part in enumerate(parts) if part)


class Server(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "users"
        self.write(RULES)

    def write(self, rules, extra=""):
        self.file.write_text("".join(f"{name} {HASH} {' '.join(rest)}\n" for name, rest in rules.items()) + extra)

    def start(self, *options, listen=("tcp://127.0.0.1:0?codec=auto",), users=True):
        self.log = open(self.folder / "log", "w+")
        words = [KVS, "--threads", "2", *options]
        for url in listen:
            words += ["--listen", url]
        if users:
            words += ["--users", str(self.file)]
        self.server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.addCleanup(self.stop)
        line = self.server.stdout.readline()
        self.assertTrue(line, self.read_log())
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        self.port = int(found[1]) if found else None

    def stop(self):
        if self.server.poll() is None:
            self.server.terminate()
        if not self.server.stdout.closed:
            self.server.stdout.read()
            self.server.stdout.close()
            self.log.close()
        return self.server.wait(30)

    def read_log(self):
        return (self.folder / "log").read_text()

    def wait_for(self, pattern):
        """The log is read until the server has written it; nothing is timed."""
        while not re.search(pattern, self.read_log()):
            self.assertIsNone(self.server.poll(), self.read_log())

    def connect(self, where=None):
        if where:
            peer = socket.socket(socket.AF_UNIX)
            peer.connect(str(where))
        else:
            peer = socket.create_connection(("127.0.0.1", self.port))
        self.addCleanup(peer.close)
        peer.settimeout(60)
        return peer

    def exchange(self, peer, payload):
        peer.sendall(struct.pack(">I", len(payload)) + payload)
        head = struct.unpack(">I", self.take(peer, 4))[0]
        reply = self.take(peer, head & 0x7FFFFFFF)
        if head >> 31:
            reply = gzip.decompress(reply)
        status, shift, at = 0, 0, 1
        self.assertEqual(reply[0], 8)
        while True:
            status |= (reply[at] & 127) << shift
            if reply[at] < 128:
                return status
            shift, at = shift + 7, at + 1

    @staticmethod
    def take(peer, size):
        taken = b""
        while len(taken) < size:
            more = peer.recv(size - len(taken))
            if not more:
                raise EOFError
            taken += more
        return taken

    def login(self, peer, user, password="sesame"):
        return self.exchange(peer, field(LOGIN, text(user, password)))

    def request(self, method, path, headers, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer


def basic(user, password="sesame"):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
