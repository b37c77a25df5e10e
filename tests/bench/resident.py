# SPDX-License-Identifier: MIT
"""Resident memory: of a million entries, and of idle connections."""

import itertools
import multiprocessing
import resource
import socket
import time

SETTLE = 10  # seconds, so that what a server frees a little later is not counted
BATCH = 1000
VALUE = b"v" * 64


def field(number, data):
    """A length-delimited protobuf field of under 128 bytes."""
    return bytes([number << 3 | 2, len(data)]) + data


def kv_frame(command):
    return len(command).to_bytes(4, "big") + command


def kv_hset(key, value):
    pair = field(1, key) + field(2, field(1, value))
    return kv_frame(field(4, field(1, b"table1") + field(2, pair)))


def kv_hget(key):
    return kv_frame(field(1, field(1, b"table1") + field(2, key)))


def resp(*words):
    parts = [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
    return b"*%d\r\n" % len(words) + b"".join(parts)


REQUESTS = {
    "kv": (kv_hset, kv_hget),
    "redis": (
        lambda key, value: resp(b"HSET", b"table1", key, value),
        lambda key: resp(b"HGET", b"table1", key),
    ),
    "memcached": (
        lambda key, value: b"set %s 0 0 %d\r\n%s\r\n" % (key, len(value), value),
        lambda key: b"get %s\r\n" % key,
    ),
}


def receive(connection, size):
    while size > 0:
        data = connection.recv(min(size, 1 << 20))
        if not data:
            raise SystemExit("bench: the server closed the connection")
        size -= len(data)


def reply_size(connection, request):
    """Of a reply that comes in one piece."""
    connection.sendall(request)
    return len(connection.recv(4096))


def fill(server, entries, values=itertools.repeat(VALUE)):
    """Sets key:0000000000 and on. The replies to new keys all have the first one's size."""
    hset = REQUESTS[server.proto][0]
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        size = reply_size(connection, hset(b"key:%010d" % 0, next(values)))
        for first in range(1, entries, BATCH):
            numbers = range(first, min(first + BATCH, entries))
            connection.sendall(b"".join(hset(b"key:%010d" % number, next(values)) for number in numbers))
            receive(connection, size * len(numbers))


def megabytes_of_entries(server, entries):
    fill(server, entries)
    time.sleep(SETTLE)
    return server.resident_kib() * 1024 / 1e6


def hold_connections(port, proto, count, orders, answers):
    """In a process of its own, so that its sockets are not the measuring process's."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    connections = []
    hget = REQUESTS[proto][1](b"key:%010d" % 0)
    size = 0
    for order in iter(orders.get, "close"):
        if order == "hget":
            for connection in connections:
                size = size or reply_size(connection, hget)
                connection.sendall(hget)
                receive(connection, size)
        else:
            connections += [socket.create_connection(("127.0.0.1", port)) for _ in range(order)]
        answers.put("done")
    for connection in connections:
        connection.close()


def kib_a_connection(server, count, warm=100):
    """Before a byte was sent, and some time after one hget on each."""
    fill(server, 1)
    orders, answers = multiprocessing.Queue(), multiprocessing.Queue()
    arguments = (server.port, server.proto, count, orders, answers)
    holder = multiprocessing.Process(target=hold_connections, args=arguments)
    holder.start()

    def order(what, settle):
        orders.put(what)
        answers.get(timeout=120)
        time.sleep(settle)
        return server.resident_kib()

    try:
        before = order(warm, 1)
        idle = order(count, 2)
        used = order("hget", SETTLE)
    finally:
        orders.put("close")
        holder.join(60)
    return (idle - before) / count, (used - before) / count
