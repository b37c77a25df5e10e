#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Publish and subscribe: server CPU per message delivered, beside redis and a bare loop of epoll and write.

usage: feeds.py BUILD [ROUNDS]

Each case runs in turn on each server, ROUNDS times (3); a figure is the median. The CPU is the kernel's account of the
server's process, one thread each. Then what many subscribers cost: memory while nothing comes, and the time in which
others are answered while some never read.
"""
import contextlib
import json
import multiprocessing
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time

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
    with servers.Server("kvs", "", [str(build / "kvs"), "--threads", "1", "--log-level", "warn",
                                    "--max-connections", "12000", "--listen",
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


def deflated(admin):
    """The messages that a server has deflated since it began, and the seconds in which it did."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(admin)
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        text = b"".join(iter(lambda: connection.recv(1 << 16), b"")).decode()
    return [
        sum(float(value) for value in re.findall(rf"^weft_{name}_total(?:{{.*}})? (\S+)$", text, re.MULTILINE))
        for name in ("deflated_messages", "deflate_seconds")
    ]


def compare_deflating(build, tool, times, large):
    """A message that many get is deflated once: the time of that by the server's own counters, beside a server that
    keeps no frames. And what is left, the CPU in all but for writing as many bytes: each subscriber looks for the
    frame."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        admins = {name: f"{folder}/{name}" for name in ("once", "each")}
        options = {"once": [], "each": ["--frame-cache", "0"]}
        runners = {
            name: (stack.enter_context(kvs(build, "", "--admin", f"unix:{admins[name]}", *options[name])), Frames())
            for name in admins
        }
        raw = stack.enter_context(kvs(build, "?codec=raw"))
        found = compare(tool, times, "16 KiB of JSON through gzip to 1,000", 1000, 100, [large], runners)
        counts = {name: deflated(admin) for name, admin in admins.items()}
        for name, (count, seconds) in counts.items():
            print(f"    {name}: {count:.0f} messages deflated in {seconds:.3f} s")
        kept = [ratio("time of deflating: once / each", counts["once"][1] / counts["each"][1], 1 / 50)]
        # What is written is the compressed message, so that much is no part of compressing it.
        packed = os.urandom(4096).hex().encode()[: message_size(runners["once"][0].port, Frames(), [large]) - 20]
        write = compare(tool, times, "as many bytes as they are", 1000, 100, [packed], {"write": (raw, Frames())})
        extra = {name: value - write["write"] for name, value in found.items()}
        print(f"    CPU behind the bare bytes: once {extra['once']:.2f} us, each {extra['each']:.2f} us, "
              f"{extra['once'] / extra['each']:.3f}", flush=True)
        return kept


@contextlib.contextmanager
def subscribers(tool, server, count, stalled=0):
    words = [str(tool), "hold", str(server.port), str(count), str(stalled), Frames.subscribe.hex()]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        yield
        process.stdin.close()
        process.wait(20)


def measure_idle(build, tool):
    """Resident bytes of a connection with one subscription, and of a bare one."""
    count, warm = 10000, 100
    with kvs(build, "?codec=raw") as server, subscribers(tool, server, warm):
        time.sleep(1)
        before = server.resident_kib()
        with subscribers(tool, server, count):
            time.sleep(2)
            return (server.resident_kib() - before) * 1024 / count


def ping(port, seconds, answers):
    """Sends the 99th percentile of the times to a reply, in milliseconds."""
    request, times = frame(field(8, field(1, b"t") + field(2, b"k"))), []
    end = time.monotonic() + seconds
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (began := time.monotonic()) < end:
            connection.sendall(request)
            connection.recv(4096)
            times.append(time.monotonic() - began)
            time.sleep(0.001)
    answers.put(1000 * statistics.quantiles(times, n=100)[98])


def ping_beside(build, tool, count, stalled, seconds=10, rate=200):
    """Returns the p99 of another client's pings, and the server's resident MiB afterwards."""
    answers = multiprocessing.Queue()
    with kvs(build, "?codec=raw") as server, subscribers(tool, server, count, stalled):
        pinger = multiprocessing.Process(target=ping, args=(server.port, seconds, answers))
        pinger.start()
        with socket.create_connection(("127.0.0.1", server.port)) as publisher:
            began, sent = time.monotonic(), 0
            while (passed := time.monotonic() - began) < seconds:
                if sent / rate > passed:
                    time.sleep(sent / rate - passed)
                publisher.sendall(Frames().publish([SMALL]))
                publisher.recv(4096)
                sent += 1
        p99 = answers.get(timeout=60)
        pinger.join()
        print(f"    {count} subscribers, {stalled} never read: ping p99 {p99:.1f} ms, {sent / seconds:.0f} messages/s, "
              f"resident {server.resident_kib() / 1024:.1f} MiB", flush=True)
        return p99, server.resident_kib() / 1024


def compare_stalled(build, tool, times):
    """Pairs of runs, so that both see the same machine."""
    pairs = [(ping_beside(build, tool, 10000, 0), ping_beside(build, tool, 10000, 1000)) for _ in range(times)]
    ratios = [stalled[0] / reading[0] for reading, stalled in pairs]
    return [
        ratio("10,000 subscribers, 1,000 never read: ping p99 / all read", statistics.median(ratios), 2),
        ratio("    resident, MiB", max(stalled[1] for _, stalled in pairs), 64),
    ]


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
    kept += compare_deflating(build, tool, times, large)
    kept.append(ratio("idle subscriber, resident bytes", measure_idle(build, tool), 1024))
    kept += compare_stalled(build, tool, times)
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
