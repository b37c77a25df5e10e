#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Metrics and the slow log against a kvs without: CPU of the server per request, loaded by `kvc bench` in turn, A B C C B A.

usage: metrics.py BUILD [ROUNDS]

hget and hset of 64 bytes, 64 in flight on each of 50 connections. Two servers wait while the third is loaded for a tenth
of a second, and each is loaded twice in a round, so that what else the machine does meets all alike. Every tenth round has
new ones, so that no figure depends on where a process happens to lie in memory. A ratio is the median over the rounds (50)
of the ratio to the plain server in the same round; the quartiles and the load average stand beside it. The CPU is the
kernel's account of the server's process. Fails where the goal of metrics is missed.
"""
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import bench

ROUNDS, ROUNDS_OF_SERVERS, CONNECTIONS, DEPTH, KEYS, REQUESTS = 50, 10, 50, 64, 10000, 150000
GOAL = 1.03
KINDS = {
    "plain": [],
    "metrics": ["--admin", "unix:{folder}/metrics"],
    "slowlog": ["--admin", "unix:{folder}/slowlog", "--slowlog", "1"],
}


def cpu_seconds(pid):
    """User and system time of a process, in seconds, to the nanosecond."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def start(build, folder, kind):
    words = [build / "kvs", "--threads", "1", "--listen", "tcp://127.0.0.1:0"]
    words += [word.format(folder=folder) for word in KINDS[kind]]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              preexec_fn=lambda: os.sched_setaffinity(0, bench.SERVER_CPUS))
    return server, server.stdout.readline().split()[1]


def stop(server):
    server.terminate()
    server.wait()
    server.stdout.close()


def load(build, server, url, command):
    """Microseconds of the server's CPU per request."""
    before = cpu_seconds(server.pid)
    subprocess.run(
        [build / "kvc", "--server", url, "bench", "--clients", str(CONNECTIONS), "--pipeline", str(DEPTH), "--mix",
         f"{command}=100", "--keys", str(KEYS), "--requests", str(REQUESTS), "--warmup", "0"],
        stdout=subprocess.DEVNULL, check=True, preexec_fn=lambda: os.sched_setaffinity(0, bench.CLIENT_CPUS))
    return (cpu_seconds(server.pid) - before) / REQUESTS * 1e6


def measure(build, folder, rounds):
    """Returns the rounds by command: of each, the microseconds by kind."""
    taken = {"hget": [], "hset": []}
    for first in range(0, rounds, ROUNDS_OF_SERVERS):
        servers = {kind: start(build, folder, kind) for kind in KINDS}
        try:
            for i in range(first, min(first + ROUNDS_OF_SERVERS, rounds)):
                for command, results in taken.items():
                    order = list(KINDS) if i % 2 == 0 else list(reversed(KINDS))
                    one, other = [{kind: load(build, *servers[kind], command) for kind in kinds}
                                  for kinds in (order, reversed(order))]
                    results.append({kind: (one[kind] + other[kind]) / 2 for kind in KINDS})
        finally:
            for server, _ in servers.values():
                stop(server)
    return taken


def show(command, kind, results):
    """Prints a row, and returns its ratio."""
    ratios = [result[kind] / result["plain"] for result in results]
    ratio = statistics.median(ratios)
    low, _, high = statistics.quantiles(ratios, n=4)
    own, plain = (statistics.median(result[of] for result in results) for of in (kind, "plain"))
    goal = "" if kind != "metrics" else f"  goal <= {GOAL}" + ("" if ratio <= GOAL else ": MISSED")
    print(f"{command:6} {kind:8} {own:8.3f} us, plain {plain:.3f} us, ratio {ratio:.3f} ({low:.3f} to {high:.3f}){goal}")
    return ratio


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    print(f"{CONNECTIONS} connections, {DEPTH} in flight, values of 64 bytes, one thread; CPU of the server per request, "
          f"medians of {rounds} rounds")
    with tempfile.TemporaryDirectory() as folder:
        taken = measure(build, folder, rounds)
    missed = 0
    for command, results in taken.items():
        missed += show(command, "metrics", results) > GOAL
        show(command, "slowlog", results)
    print(f"load average {os.getloadavg()[0]:.1f}, {os.getloadavg()[1]:.1f}")
    sys.exit(1 if missed else 0)


main()
