#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What is promised in seconds and bytes, measured on a release build (not under sanitizers, and so
not part of the tests): a gzip bomb of 1 GiB is refused within a second, while the server's resident
memory grows by less than 16 MiB; what large messages needed is gone when they are answered.

usage: goals.py FOLDER-OF-KVS VECTORS-FOLDER
"""

import gzip
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import time

SECONDS = 1.0
KIB = 16 * 1024
COMPRESSED, PLAIN = 20 << 20, 7 << 20
LEFT_KIB = 4 * 1024


def memory(pid, field):
    """VmRSS or VmHWM (its highest) of a process, in KiB; see proc(5)."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE).group(1))


def receive(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise SystemExit("goals: the server closed the connection")
        data += more
    return data


def exchange(connection, frame):
    """Sends a frame; returns the status of the (uncompressed) CommandResponse."""
    connection.sendall(frame)
    (length,) = struct.unpack(">I", receive(connection, 4))
    reply = receive(connection, length)
    assert reply[0] == 0x08, "field 1, a varint"
    return reply[1] & 0x7F | reply[2] << 7


def compressed(message):
    member = gzip.compress(message, mtime=0)
    return struct.pack(">I", 1 << 31 | len(member)) + member


def plain(message):
    return struct.pack(">I", len(message)) + message


def try_bomb(connection, pid, bomb):
    """One frame, against the clock and the memory's peak."""
    before = memory(pid, "VmRSS")
    begin = time.monotonic()
    status = exchange(connection, bomb)
    seconds = time.monotonic() - begin
    grown = memory(pid, "VmHWM") - before
    print(f"gzip bomb: status {status}, {seconds:.3f} s, {grown} KiB")
    return status == 413 and seconds < SECONDS and grown < KIB


def try_large(connection, pid, name, frame):
    """Several, because malloc learns from what is freed. Zeros are no message."""
    before = memory(pid, "VmRSS")
    statuses = {exchange(connection, frame) for _ in range(3)}
    left = memory(pid, "VmRSS") - before
    print(f"large messages, {name}: status {statuses}, {left} KiB left")
    return statuses == {400} and left < LEFT_KIB


def main():
    kvs, vectors = pathlib.Path(sys.argv[1]) / "kvs", pathlib.Path(sys.argv[2])
    bomb = (vectors / "gzip-bomb-1g-zeros.bin").read_bytes()
    hexist = bytes.fromhex("0000000842060a017412016b")

    command = [kvs, "--log-level", "error", "--listen", "tcp://127.0.0.1:0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        port = int(re.search(r":(\d+) ", server.stdout.readline()).group(1))
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.settimeout(60)
            assert exchange(connection, hexist) == 200
            met = try_bomb(connection, server.pid, bomb)
            for name, frame in (
                ("compressed", compressed(bytes(COMPRESSED))),
                ("plain", plain(bytes(PLAIN))),
            ):
                met = try_large(connection, server.pid, name, frame) and met
            assert exchange(connection, hexist) == 200
    finally:
        server.send_signal(signal.SIGTERM)
    drained = server.wait(60)

    print(f"kvs: exit {drained}")
    return 0 if met and drained == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
