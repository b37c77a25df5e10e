#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What floods over yamux do to the other clients of a server, and to its memory.

usage: yamux_floods.py BUILD [ROUNDS]

A client asks one hget after the other over tcp, and is measured without and with a flood in turn. A flood is a process that
begins a session, floods it until the server ends it, and begins the next one at once. The server has one thread. A figure is the
median of the rounds (5); the CPU is the server's for one session of the flood, from its first byte to its end. Fails where a session is not ended, the client's p99 is more than twice what it is without the flood, or
the memory grows by more than 8 MiB.
"""
import json
import multiprocessing
import os
import pathlib
import re
import socket
import statistics
import struct
import subprocess
import sys

import bench

ROUNDS, REQUESTS = 5, 20000
GOAL, GROWN_MIB = 2.0, 8
DATA, UPDATE, PING = 0, 1, 2
SYN, RST = 1, 8
PIECES = 4000


def frame(kind, flags, stream, length):
    return struct.pack(">xBHII", kind, flags, stream, length)


OPEN = frame(UPDATE, SYN, 1, 0)
# name: what begins a session, and then the flood, again and again
FLOODS = {
    "SYN without end": (b"", b"".join(frame(UPDATE, SYN, 1 + 2 * i, 0) for i in range(PIECES))),
    "SYN and RST by turns": (b"", b"".join(frame(UPDATE, SYN, 1 + 2 * i, 0) + frame(UPDATE, RST, 1 + 2 * i, 0)
                                            for i in range(PIECES))),
    "pings": (b"", frame(PING, SYN, 0, 7) * PIECES),
    "updates of a window": (OPEN, frame(UPDATE, 0, 1, 1) * PIECES),
    "data of a stream that has ended": (OPEN + frame(UPDATE, RST, 1, 0), (frame(DATA, 0, 1, 1) + b"x") * PIECES),
    "data of a stream that never was": (b"", (frame(DATA, 0, 9, 1) + b"x") * PIECES),
    "a length of 4 GiB": (OPEN, frame(DATA, 0, 1, 0xffffffff) + bytes(65536)),
}


def attack(address, begin, flood, sessions):
    """Counts the sessions that the server has ended."""
    os.sched_setaffinity(0, bench.CLIENT_CPUS)
    os.nice(19)
    while True:
        with socket.create_connection(address, timeout=60) as sock:
            try:
                sock.sendall(begin)
                while True:
                    sock.sendall(flood)
            except (ConnectionError, socket.timeout) as end:
                if isinstance(end, ConnectionError):
                    with sessions.get_lock():
                        sessions.value += 1


def cpu_seconds(pid):
    """User and system time of a process, to the nanosecond."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def memory(pid):
    """MiB of a process."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def start(build):
    words = [build / "kvs", "--threads", "1", "--log-level", "error", "--listen", "tcp://127.0.0.1:0", "--listen",
             "yamux://127.0.0.1:0"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              preexec_fn=lambda: os.sched_setaffinity(0, bench.SERVER_CPUS))
    return server, [server.stdout.readline().split()[1] for _ in range(2)]


def p99(build, url):
    """Of a client that asks one hget after the other, in microseconds."""
    out = subprocess.run(
        [build / "kvc", "--server", url, "--json", "bench", "--clients", "1", "--mix", "hget=100", "--requests", str(REQUESTS),
         "--warmup", "0", "--keys", "1000"], capture_output=True, text=True, check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, bench.CLIENT_CPUS)).stdout
    return json.loads(out)["latency_ms"]["p99"] * 1000


def attacked(build, pid, url, address, flood):
    """Returns the client's p99 beside a flood, the server's CPU meanwhile, and how many sessions of the flood it ended."""
    sessions = multiprocessing.Value("q", 0)
    attacker = multiprocessing.Process(target=attack, args=(address, *flood, sessions))
    attacker.start()
    try:
        while sessions.value == 0 and attacker.is_alive():
            pass
        before, cpu = sessions.value, cpu_seconds(pid)
        latency = p99(build, url)
        return latency, cpu_seconds(pid) - cpu, sessions.value - before
    finally:
        attacker.kill()
        attacker.join()


def judge(build, server, urls, name, rounds):
    """Prints a row. True if its goals are kept."""
    host, port = urls[1].split("//")[1].split(":")
    before = memory(server.pid)
    quiet, loud, ended, costs = [], [], 0, []
    for _ in range(rounds):
        own = cpu_seconds(server.pid)
        quiet.append(p99(build, urls[0]))
        own = cpu_seconds(server.pid) - own
        latency, cpu, sessions = attacked(build, server.pid, urls[0], (host, int(port)), FLOODS[name])
        loud.append(latency)
        costs.append((cpu - own) / max(sessions, 1) * 1e3)
        ended += sessions
    grown = memory(server.pid) - before
    ratio = statistics.median(b / a for a, b in zip(quiet, loud))
    kept = ended > 0 and ratio <= GOAL and grown <= GROWN_MIB
    print(f"{name:34} {statistics.median(quiet):7.0f} us {statistics.median(loud):7.0f} us {ratio:6.2f} {ended:9} "
          f"{statistics.median(costs):9.3f} ms {grown:7.1f} MiB"
          + ("" if kept else "  MISSED"), flush=True)
    return kept


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    print(f"p99 of one client over tcp without and with a flood over yamux, one thread; medians of {rounds}; goals: <= {GOAL:.0f} "
          f"times, <= {GROWN_MIB} MiB")
    print(f"{'flood':34} {'without':>10} {'with':>10} {'ratio':>6} {'ended':>9} {'CPU':>12} {'grown':>11}")
    server, urls = start(build)
    kept = True
    try:
        p99(build, urls[0])
        for name in FLOODS:
            kept &= judge(build, server, urls, name, rounds)
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()
    sys.exit(0 if kept else 1)


main()
