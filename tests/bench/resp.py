#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The RESP face of kvs against redis, and its HTTP face against nginx: server CPU per request in one run.

usage: resp.py BUILD [ROUNDS] [COMMAND...]       COMMAND: set, get, hset, hget, http

A round loads the servers in turn, A B A B, with the same client: redis-benchmark with 50 connections, 16
commands in flight on each and values of 64 bytes on 100,000 keys, or blast for HTTP. A figure is the median of
the rounds (5), and of the ratios of each round. The CPU is the kernel's account of the server's process. Fails
where a goal is missed. Without nginx its rows are left out.
"""
import os
import pathlib
import re
import statistics
import subprocess
import sys

import bench
import servers

CONNECTIONS, PIPELINE, KEYS, REQUESTS = 50, 16, 100000, 1000000
ROUNDS, SECONDS = 5, 2

COMMANDS = {
    "set": ["SET", "key:__rand_int__", "x" * 64],
    "get": ["GET", "key:__rand_int__"],
    "hset": ["HSET", "hash", "key:__rand_int__", "x" * 64],
    "hget": ["HGET", "hash", "key:__rand_int__"],
}
GOAL = 0.70
HTTP_GOALS = {1: 0.97, 16: 0.5}


def cpu_seconds(pid):
    """User and system time of a process, in seconds, to the nanosecond."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def load(server, words):
    """Microseconds of the server's CPU per request, and thousands of requests per second."""
    before = cpu_seconds(server.pid)
    out = subprocess.run(
        ["redis-benchmark", "-p", str(server.port), "-c", str(CONNECTIONS), "-P", str(PIPELINE),
         "-n", str(REQUESTS), "-r", str(KEYS), "-q", *words],
        capture_output=True, text=True, check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, bench.CLIENT_CPUS),
    ).stdout
    cpu = (cpu_seconds(server.pid) - before) / REQUESTS * 1e6
    rates = re.findall(r"([\d.]+) requests per second", out)
    if not rates:
        raise SystemExit(f"resp: redis-benchmark says: {out}")
    return cpu, float(rates[-1]) / 1000


def show(name, ours, theirs, goal):
    """Prints a row. True if its goal is kept."""
    ratio = statistics.median(a[0] / b[0] for a, b in zip(ours, theirs))
    a, b = ([statistics.median(column) for column in zip(*side)] for side in (ours, theirs))
    kept = ratio <= goal
    print(f"{name:28} {a[0]:8.3f} us {a[1]:7.0f} {b[0]:8.3f} us {b[1]:7.0f} {ratio:7.2f}  goal <= {goal:.2f}"
          + ("" if kept else ": MISSED"), flush=True)
    return kept


def measure_resp(build, rounds, commands):
    kept = True
    with servers.kvs_resp(build, bench.SERVER_CPUS) as ours, servers.redis(bench.SERVER_CPUS) as theirs:
        for server in (ours, theirs):
            for fill in ("set", "hset"):
                load(server, COMMANDS[fill])
        for name in commands:
            pairs = [(load(ours, COMMANDS[name]), load(theirs, COMMANDS[name])) for _ in range(rounds)]
            kept &= show(f"{name.upper()}, 16 in flight / redis", *zip(*pairs), GOAL)
    return kept


def measure_http(build, rounds):
    if not servers.installed("nginx"):
        print("HTTP: nginx is not installed")
        return True
    kept = True
    with servers.kvs_http(build, bench.SERVER_CPUS) as ours, \
            servers.Nginx(False, bench.SERVER_CPUS) as theirs:
        for depth, goal in HTTP_GOALS.items():
            pairs = [[bench.load(build, server, "get", depth, SECONDS, 64) for server in (ours, theirs)]
                     for _ in range(rounds)]
            sides = [[(one["cpu_us"], one["krps"]) for one in side] for side in zip(*pairs)]
            kept &= show(f"HTTP GET, depth {depth} / nginx", *sides, goal)
    return kept


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    words = sys.argv[2:]
    rounds = int(words.pop(0)) if words and words[0].isdigit() else ROUNDS
    known = [*COMMANDS, "http"]
    wanted = words or known
    for word in wanted:
        if word not in known:
            raise SystemExit(f"resp: '{word}' is none of: {', '.join(known)}")
    print(f"{CONNECTIONS} connections, values of 64 bytes, one thread; CPU per request and kreq/s; medians of {rounds}")
    print(f"{'':28} {'kvs':>19} {'the other':>19} {'ratio':>7}")
    commands = [word for word in COMMANDS if word in wanted]
    kept = measure_resp(build, rounds, commands) if commands else True
    if "http" in wanted:
        kept &= measure_http(build, rounds)
    sys.exit(0 if kept else 1)


main()
