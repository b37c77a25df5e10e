# SPDX-License-Identifier: MIT
"""The stores of kvs against each other, redis and the bare libraries, with the goals: A B A B, medians.

usage: stores.py BUILD [ROUNDS [WORD]]      WORD: only the rows that have it in their names

All files lie in a folder of BUILD, so the figures are those of that disk. Every server is loaded by blast with
the same keys, and the bare loops write those keys too. A row is one line in ROWS; fails where a goal is missed.
"""
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import restart
import servers

CLIENTS, PIPELINE, VALUE, KEYS = 50, 16, 64, 10000
SECONDS = 1


def load(server, op):
    """Requests per second, and microseconds of the server's CPU per request."""
    words = [server.proto, op, server.port, server.pid, CLIENTS, PIPELINE, SECONDS, VALUE, KEYS]
    out = subprocess.run([f"{server.build}/bench/blast", *map(str, words)], stdout=subprocess.PIPE,
                         text=True, check=True).stdout
    found = dict(word.split("=") for word in out.split())
    return {"rate": float(found["rps"]), "cpu": float(found["server_us_per_req"])}


def loaded(start, op):
    def run(build, folder):
        with start(build, folder) as server:
            server.build = build
            return load(server, op)
    return run


def kvs(store, op):
    """Loads a kvs of one thread. %s in the store's name is a folder."""
    return loaded(lambda build, folder: servers.kvs_store(build, store.replace("%s", f"{folder}/store")), op)


def redis(sync, op):
    return loaded(lambda _, folder: servers.redis_on_disk(folder, sync), op)


def bare(library):
    """Commits batches of as many writes as are in flight above."""
    def run(build, folder):
        os.mkdir(f"{folder}/bare")
        out = subprocess.run([f"{build}/bench/bare", library, f"{folder}/bare", str(CLIENTS), str(PIPELINE),
                              str(SECONDS)], capture_output=True, text=True, check=True).stdout
        rate, cpu = re.match(r"(\d+) writes/s ([\d.]+) us", out).groups()
        return {"rate": float(rate), "cpu": float(cpu)}
    return run


# What it says, what is measured, against what, of which the ratio is taken, and its goal.
AT_MOST, AT_LEAST = "<=", ">="
ROWS = [
    ("hset, journal always / redis", kvs("memory:%s?sync=always", "set"), redis("always", "set"),
     [("cpu", AT_MOST, 0.60), ("rate", AT_LEAST, 1.2)]),
    ("hset, journal sync=1 / redis", kvs("memory:%s?sync=1", "set"), redis("everysec", "set"),
     [("cpu", AT_MOST, 0.55)]),
    ("hget, journal / memory", kvs("memory:%s?sync=always", "get"), kvs("memory", "get"),
     [("cpu", AT_MOST, 1.01)]),
    ("hget, lmdb / memory", kvs("lmdb:%s", "get"), kvs("memory", "get"), [("cpu", AT_MOST, 1.6)]),
    ("hget, rocksdb / memory", kvs("rocksdb:%s", "get"), kvs("memory", "get"), [("cpu", AT_MOST, None)]),
    ("hset, lmdb / bare LMDB", kvs("lmdb:%s", "set"), bare("lmdb"), [("rate", AT_LEAST, 0.8)]),
    ("hset, rocksdb / bare RocksDB", kvs("rocksdb:%s", "set"), bare("rocksdb"), [("rate", AT_LEAST, 0.8)]),
    ("start, journal / redis", restart.kvs, restart.redis,
     [("start", AT_MOST, 0.5), ("size", AT_MOST, 1.0)]),
]
FORMS = {"cpu": "{:.2f} us", "rate": "{:,.0f}/s", "start": "{:.2f} s CPU", "size": "{:.1f} MB"}


def measure(run, build):
    folder = tempfile.mkdtemp(dir=build)
    try:
        return run(build, folder)
    finally:
        shutil.rmtree(folder)


def judge(name, pairs, what, sense, goal):
    """Prints a line, and says whether the goal is kept."""
    a, b = (statistics.median(one[what] for one in side) for side in zip(*pairs))
    ratio = a / b
    good = goal is None or (ratio <= goal if sense == AT_MOST else ratio >= goal)
    told = "" if goal is None else f"goal {sense} {goal}" + ("" if good else ": MISSED")
    form = FORMS[what]
    print(f"{name:30} {what:5} {form.format(a):>14} {form.format(b):>14}  {ratio:5.2f}  {told}", flush=True)
    return good


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    word = sys.argv[3] if len(sys.argv) > 3 else ""
    print(f"{CLIENTS} clients, {PIPELINE} in flight each, {VALUE} B values, {KEYS} keys; sync=always where not"
          f" said; medians of {rounds}")
    missed = 0
    for name, ours, theirs, figures in ROWS:
        if word not in name or ("redis" in name and not servers.installed("redis-server")):
            continue
        pairs = [(measure(ours, build), measure(theirs, build)) for _ in range(rounds)]
        missed += sum(not judge(name, pairs, *figure) for figure in figures)
    sys.exit(1 if missed else 0)


main()
