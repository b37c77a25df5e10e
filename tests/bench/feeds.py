#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Publish and subscribe: server CPU per message delivered, beside redis and a bare loop of epoll and write.

usage: feeds.py BUILD [ROUNDS]

Each case runs in turn on each server, ROUNDS times (3); a figure is the median. The CPU is the kernel's account of the
server's process, one thread each.
"""
import contextlib
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys

import servers

TOPIC, SMALL = b"feed", b"x" * 64


def varint(number):
    out = b""
    while number >= 0x80:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def frame(payload):
    return len(payload).to_bytes(4, "big") + payload


def command(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


class Frames:
    """abi.proto in frames of 4 bytes of length."""

    reply = 0  # a frame
    subscribe = frame(field(10, field(1, TOPIC)))

    def publish(self, texts):
        return frame(field(12, field(1, TOPIC) + b"".join(field(2, field(1, t)) for t in texts)))

    def published(self, subscribers, texts):
        return 4 + 3 + 2 + 1 + len(varint(subscribers))


class Resp:
    subscribe = command(b"SUBSCRIBE", TOPIC)
    reply = len(b"*3\r\n$9\r\nsubscribe\r\n$4\r\nfeed\r\n:1\r\n")

    def publish(self, texts):
        return b"".join(command(b"PUBLISH", TOPIC, text) for text in texts)

    def published(self, subscribers, texts):
        return len(b":%d\r\n" % subscribers) * len(texts)


def message_size(port, protocol, texts):
    """The bytes that a subscriber gets for these texts."""
    with socket.create_connection(("127.0.0.1", port)) as subscriber, socket.create_connection(
        ("127.0.0.1", port)
    ) as publisher:
        subscriber.sendall(protocol.subscribe)
        subscriber.recv(4096)
        publisher.sendall(protocol.publish(texts))
        subscriber.settimeout(1)
        size = 0
        with contextlib.suppress(TimeoutError):
            while True:
                size += len(subscriber.recv(1 << 20))
        return size


def measure(tool, server, protocol, subscribers, rounds, texts, size):
    words = [server.port if server else 0, subscribers, rounds, len(texts), protocol.subscribe.hex(),
             protocol.reply, protocol.publish(texts).hex(), protocol.published(subscribers, texts), size,
             server.pid if server else 0]
    out = subprocess.run([str(tool), *map(str, words)], capture_output=True, text=True, check=True).stdout
    return float(out.split()[0])


@contextlib.contextmanager
def kvs(build, *options):
    port = servers.free_port()
    with servers.Server("kvs", "", [str(build / "kvs"), "--threads", "1", "--log-level", "warn", "--listen",
                                    f"tcp://127.0.0.1:{port}{options[0]}", *options[1:]], port) as server:
        yield server


@contextlib.contextmanager
def redis():
    port = servers.free_port()
    with servers.Server("redis", "", ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no",
                                      "--maxclients", "15000"], port) as server:
        yield server


def compare(tool, times, title, subscribers, rounds, texts, runners):
    """runners: name -> (server, protocol), or None for the bare loop, which sends as much as the first."""
    sizes = {name: message_size(found[0].port, found[1], texts) for name, found in runners.items() if found}
    first = next(iter(runners.values()))
    found = {name: [] for name in runners}
    for _ in range(times):
        for name, runner in runners.items():
            server, protocol = runner or (None, first[1])
            size = sizes.get(name, next(iter(sizes.values())))
            found[name].append(measure(tool, server, protocol, subscribers, rounds, texts, size))
    medians = {name: statistics.median(values) for name, values in found.items()}
    print(title + ": " + ", ".join(f"{name} {value:.3f} us" for name, value in medians.items()), flush=True)
    return medians


def ratio(title, value, goal):
    kept = value <= goal
    print(f"    {title} {value:.3f}, goal {goal}{'' if kept else '  MISSED'}", flush=True)
    return kept


def main():
    build = pathlib.Path(sys.argv[1])
    times = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    tool = build / "bench" / "feeds"
    rows = json.dumps([{"name": f"user-{i}", "score": i * 37 % 101, "city": "Paris"} for i in range(400)])
    large = rows[: 16 << 10].encode()
    kept = []
    with kvs(build, "?codec=raw") as frames, kvs(build, "?codec=resp") as resp, redis() as other:
        runners = {"frames": (frames, Frames()), "resp": (resp, Resp()), "redis": (other, Resp()), "bare": None}
        found = compare(tool, times, "1 message to 9,000", 9000, 30, [SMALL], runners)
        kept.append(ratio("frames / bare", found["frames"] / found["bare"], 1.1))
        kept.append(ratio("resp / redis", found["resp"] / found["redis"], 0.95))
        del runners["bare"]
        found = compare(tool, times, "64 messages to 1,000", 1000, 100, [SMALL] * 64, runners)
        kept.append(ratio("frames / redis", found["frames"] / found["redis"], 0.5))
        kept.append(ratio("resp / redis", found["resp"] / found["redis"], 0.5))
    with kvs(build, "") as once, kvs(build, "", "--frame-cache", "0") as each, kvs(build, "?codec=raw") as raw:
        found = compare(tool, times, "16 KiB of JSON through gzip to 1,000", 1000, 100, [large],
                        {"once": (once, Frames()), "each": (each, Frames())})
        # What is written is the compressed message, so that much is no part of compressing it.
        packed = os.urandom(4096).hex().encode()[: message_size(once.port, Frames(), [large]) - 20]
        write = compare(tool, times, "as many bytes as they are", 1000, 100, [packed],
                        {"write": (raw, Frames())})["write"]
        kept.append(ratio("compressing: once / each", (found["once"] - write) / (found["each"] - write), 1 / 50))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
