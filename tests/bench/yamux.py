#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""yamux against TCP: CPU of one server per request, loaded by `kvc bench` over both in turn, A B A B.

usage: yamux.py BUILD [ROUNDS]

hget and hset of 64 bytes, 1 and 16 in flight on each of 50 connections, and on each of 50 streams: of 50 sessions, and of 5, where
ten requests come in one read and ten replies leave in one write. A figure is the median of the rounds (5), and
of the ratios of each round. The CPU is the kernel's account of the server's process. Fails where a goal is missed.
"""
import os
import pathlib
import re
import statistics
import subprocess
import sys

import bench

ROUNDS, CONNECTIONS, KEYS = 5, 50, 10000
STREAMS = (1, 10)  # of a session
REQUESTS = {1: 50000, 16: 500000}
GOALS = {1: 1.30, 16: 1.30}


def cpu_seconds(pid):
    """User and system time of a process, in seconds, to the nanosecond."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def start(build):
    words = [build / "kvs", "--threads", "1", "--listen", "tcp://127.0.0.1:0", "--listen", "yamux://127.0.0.1:0"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              preexec_fn=lambda: os.sched_setaffinity(0, bench.SERVER_CPUS))
    return server, [server.stdout.readline().split()[1] for _ in range(2)]


def load(build, pid, url, streams, command, depth):
    """Microseconds of the server's CPU per request, and thousands of requests per second."""
    before = cpu_seconds(pid)
    out = subprocess.run(
        [build / "kvc", "--server", url, "bench", "--clients", str(CONNECTIONS), "--streams", str(streams), "--pipeline",
         str(depth), "--mix", f"{command}=100", "--keys", str(KEYS), "--requests", str(REQUESTS[depth]), "--warmup", "0"],
        capture_output=True, text=True, check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, bench.CLIENT_CPUS),
    ).stdout
    cpu = (cpu_seconds(pid) - before) / REQUESTS[depth] * 1e6
    return cpu, int(re.search(rf"^{command} +(\d+)", out, re.MULTILINE)[1]) / 1000


def show(name, yamux, tcp, goal):
    """Prints a row. True if its goal is kept."""
    ratio = statistics.median(a[0] / b[0] for a, b in zip(yamux, tcp))
    a, b = ([statistics.median(column) for column in zip(*side)] for side in (yamux, tcp))
    print(f"{name:34} {a[0]:8.3f} us {a[1]:7.0f} {b[0]:8.3f} us {b[1]:7.0f} {ratio:7.2f}  goal <= {goal:.2f}"
          + ("" if ratio <= goal else ": MISSED"), flush=True)
    return ratio <= goal


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    print(f"{CONNECTIONS} connections, or as many streams, values of 64 bytes, one thread; CPU per request and kreq/s; medians of "
          f"{rounds}")
    print(f"{'':34} {'yamux':>19} {'tcp':>19} {'ratio':>7}")
    server, (tcp, yamux) = start(build)
    kept = True
    try:
        for streams in STREAMS:
            for depth in REQUESTS:
                for command in ("hget", "hset"):
                    pairs = [[load(build, server.pid, yamux, streams, command, depth), load(build, server.pid, tcp, 1, command, depth)]
                             for _ in range(rounds)]
                    name = f"{command}, {depth} in flight, {streams} a session"
                    kept &= show(name, *zip(*pairs), GOALS[depth])
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()
    sys.exit(0 if kept else 1)


main()
