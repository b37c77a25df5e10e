#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Sends the commands of a file to redis and to kvs, and compares the answers. Where they differ, the file says so and
docs/redis.md says why; where they are said to differ, they must.

    differences.py COMMANDS PAGE REDIS-SOCKET KVS-SOCKET
"""

import codecs
import re
import socket
import sys
import time

DEADLINE = 120  # seconds; it decides no comparison that passes

# The order of these answers is the server's own affair.
UNORDERED = {b"HGETALL": 2, b"HKEYS": 1, b"HVALS": 1, b"KEYS": 1}


class Closed(Exception):
    """The server closed the connection."""


class Connection:
    def __init__(self, path):
        self.path = path
        self.open()

    def open(self):
        deadline = time.monotonic() + DEADLINE
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(DEADLINE)
            try:
                self.socket.connect(self.path)
                break
            except OSError:
                self.socket.close()
                if time.monotonic() > deadline:
                    raise
        self.input = self.socket.makefile("rb")

    def reopen(self, protocol):
        self.socket.close()
        self.open()
        if protocol == 3:
            self.call([b"HELLO", b"3"])

    def reply(self):
        line = self.input.readline()
        if not line.endswith(b"\r\n"):
            raise Closed
        kind, rest = line[:1], line[1:-2]
        if kind in (b"$", b"="):
            size = int(rest)
            return None if size < 0 else (kind, self.input.read(size + 2)[:-2])
        if kind in (b"*", b"~", b"%", b">"):
            size = int(rest)
            count = 2 * size if kind == b"%" else size
            return kind if size < 0 else (kind, [self.reply() for _ in range(count)])
        return kind, rest

    def call(self, words):
        self.socket.sendall(
            b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)
        )
        return self.reply()

    def send_all(self, data):
        """All that is answered to data, until the end of both directions."""
        replies = []
        try:
            self.socket.sendall(data)
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        try:
            while True:
                replies.append(self.reply())
        except (Closed, ConnectionError):
            return replies


def unescape(text):
    return codecs.escape_decode(text.encode())[0]


def words_of(line):
    words = []
    for quoted, bare in re.findall(r'"((?:\\.|[^"\\])*)"|(\S+)', line):
        words.append(unescape(bare or quoted) if not bare else unescape(bare))
    return words


def in_order(words, reply):
    name = words[0].upper() if words else b""
    if name == b"SCAN" and isinstance(reply, tuple) and reply[0] == b"*":
        cursor, (kind, names) = reply[1]
        return reply[0], [cursor, (kind, sorted(names))]
    group = UNORDERED.get(name)
    if not group or not isinstance(reply, tuple) or not isinstance(reply[1], list):
        return reply
    items = reply[1]
    return reply[0], sorted(items[i : i + group] for i in range(0, len(items), group))


def same(words, redis, kvs):
    """A time to live may differ by what passes between the two servers, which is more on a busy machine."""
    scale = {b"TTL": 1, b"PTTL": 1000}.get(words[0].upper()) if words else None
    if scale and redis[0] == kvs[0] == b":" and int(redis[1]) > 0 and int(kvs[1]) > 0:
        return abs(int(redis[1]) - int(kvs[1])) <= 15 * scale
    return redis == kvs


def answers(connections, line, protocol):
    if line.startswith("!"):
        found = []
        for connection in connections:
            connection.reopen(2)
            found.append(connection.send_all(unescape(line[1:])))
            connection.reopen(protocol)
        return found
    words = words_of(line)
    return [in_order(words, connection.call(words)) for connection in connections]


def reasons_of(page):
    """The names in the first column of the table of differences."""
    with open(page, encoding="utf-8") as file:
        text = file.read().split("\n## What differs\n", 1)[1].split("\n## ", 1)[0]
    return set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE))


def main():
    commands, page, *paths = sys.argv[1:]
    connections = [Connection(path) for path in paths]
    reasons, used, protocol = reasons_of(page), set(), 2
    count, faults = 0, []
    with open(commands, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file]
    for number, line in enumerate(lines, 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("@"):
            protocol = int(line[1:])
            for connection in connections:
                connection.reopen(protocol)
            continue
        reason, command = None, line
        if line.startswith("~"):
            reason, command = line[1:].split(" ", 1)
            used.add(reason)
        count += 1
        redis, kvs = answers(connections, command, protocol)
        words = [] if command.startswith("!") else words_of(command)
        if same(words, redis, kvs) != (reason is None):
            faults.append(f"{number}: {line}\n    redis {redis!r}\n    kvs   {kvs!r}")
    faults += [f"no reason in {page}: {name}" for name in sorted(used - reasons)]
    faults += [f"no command shows: {name}" for name in sorted(reasons - used)]
    if count < 500:
        faults.append(f"{count} commands are fewer than 500")
    print("\n".join(faults) if faults else f"{count} commands, {len(used)} reasons")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
