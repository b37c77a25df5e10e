#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Does the same to keys of redis and of kvs, and compares the keyspace events that each tells.

    events.py REDIS-SOCKET KVS-SOCKET
"""

import sys

import redis

DEADLINE = 120  # seconds; it decides no comparison that passes

COMMANDS = """
SET a 1
SET a 2 EX 100
SET a 3 KEEPTTL
EXPIRE a 50
PERSIST a
EXPIRE nosuch 50
SETNX a 4
SETNX b 4
GETEX b EX 100
DEL a nosuch
EXPIRE b -1
MSET m 1
HSET h f 1 g 2 i 3
HSET h f 2
HDEL h f nosuch
HDEL h nosuch
HDEL h g f
DEL h
SET c x
GETDEL c
SET short x PX 20
"""


def events(path, flags, patterns, last):
    """All messages up to the one with the event `last`, which the expiry of a key makes."""
    client = redis.Redis(unix_socket_path=path, socket_timeout=DEADLINE)
    client.flushall()
    client.config_set("notify-keyspace-events", flags)
    listener = client.pubsub()
    listener.psubscribe(*patterns)
    found, confirmed = [], 0
    while confirmed < len(patterns):
        confirmed += listener.get_message(timeout=DEADLINE)["type"] == "psubscribe"
    for line in COMMANDS.split("\n"):
        if line:
            client.execute_command(*line.split())
    while not found or found[-1][1:] != last:
        message = listener.get_message(timeout=DEADLINE)
        if message is None:
            raise SystemExit(f"{path}: no message {last} after {found}")
        found.append((message["pattern"], message["channel"], message["data"]))
    listener.close()
    client.config_set("notify-keyspace-events", "")
    return found


def compare(paths, flags, patterns, last):
    told = [events(path, flags, patterns, last) for path in paths]
    if told[0] != told[1]:
        lines = "\n".join(f"{redis!s:70} {kvs}" for redis, kvs in zip(*told))
        raise SystemExit(f"{flags}: redis tells {len(told[0])}, kvs {len(told[1])}\n{lines}")
    return len(told[0])


def main():
    paths = sys.argv[1:]
    by_event = (b"__keyevent@0__:expired", b"short")
    by_key = (b"__keyspace@0__:short", b"expired")
    counts = [
        compare(paths, "KEA", ["__keyspace@0__:*", "__keyevent@0__:*"], by_event),
        compare(paths, "KEA", ["__key*__:*"], by_event),
        compare(paths, "KA", ["__key*__:*"], by_key),
        compare(paths, "Exh", ["__key*__:*"], by_event),
        compare(paths, "Ex$", ["__keyevent@0__:*"], by_event),
        compare(paths, "gxE", ["__keyevent@0__:expire*"], by_event),
    ]
    if counts[0] < 30 or counts[4] > 20:
        raise SystemExit(f"so many events are not plausible: {counts}")


if __name__ == "__main__":
    main()
