# SPDX-License-Identifier: MIT
"""The stores of kvs against each other and against the bare libraries, with the goals: A B A B, medians.

usage: stores.py BUILD [ROUNDS]

All that is written is on disk before it is answered, in a folder of BUILD, so the figures are those of
that disk. A row is one line in ROWS; fails where a goal is missed.
"""
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

CLIENTS, PIPELINE = 50, 16
BARE_SECONDS = 1
READS, WRITES = 1000000, 150000


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Result:
    """Requests per second, and microseconds of CPU per request."""

    def __init__(self, rate, cpu):
        self.rate, self.cpu = rate, cpu


def kvs(store, command, requests):
    """Loads a kvs of one thread with one command. %s in the store's name is a folder."""
    def run(build, folder):
        name = store.replace("%s", f"{folder}/store")
        words = [f"{build}/kvs", "--threads", "1", "--log-level", "warn", "--store", name, "--listen",
                 "tcp://127.0.0.1:0"]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as server:
            try:
                url = server.stdout.readline().split()[1].decode()
                before = cpu_seconds(server.pid)
                load = subprocess.run(
                    [f"{build}/kvc", "--server", url, "bench", "--clients", str(CLIENTS), "--pipeline",
                     str(PIPELINE), "--warmup", "0", "--requests", str(requests), "--mix", f"{command}=100"],
                    capture_output=True, text=True, check=True)
                cpu = cpu_seconds(server.pid) - before
            finally:
                server.terminate()
        seconds = float(re.search(r"requests in ([\d.]+) s", load.stdout).group(1))
        return Result(requests / seconds, cpu / requests * 1e6)
    return run


def bare(library):
    """Commits batches of as many writes as are in flight above."""
    def run(build, folder):
        os.mkdir(f"{folder}/bare")
        out = subprocess.run([f"{build}/bench/bare", library, f"{folder}/bare", str(CLIENTS * PIPELINE),
                              str(BARE_SECONDS)], capture_output=True, text=True, check=True).stdout
        rate, cpu = re.match(r"(\d+) writes/s ([\d.]+) us", out).groups()
        return Result(float(rate), float(cpu))
    return run


# What it says, what is measured, against what, of which the ratio is taken, and its goal.
AT_MOST, AT_LEAST = "<=", ">="
ROWS = [
    ("hget, lmdb / memory", kvs("lmdb:%s", "hget", READS), kvs("memory", "hget", READS),
     "cpu", AT_MOST, 1.6),
    ("hget, rocksdb / memory", kvs("rocksdb:%s", "hget", READS), kvs("memory", "hget", READS),
     "cpu", AT_MOST, None),
    ("hset, lmdb / bare LMDB", kvs("lmdb:%s", "hset", WRITES), bare("lmdb"), "rate", AT_LEAST, 0.8),
    ("hset, rocksdb / bare RocksDB", kvs("rocksdb:%s", "hset", WRITES), bare("rocksdb"),
     "rate", AT_LEAST, 0.8),
]


def measure(run, build):
    folder = tempfile.mkdtemp(dir=build)
    try:
        return run(build, folder)
    finally:
        shutil.rmtree(folder)


def value(result, what):
    return result.cpu if what == "cpu" else result.rate


def words(number, what):
    return f"{number:.2f} us" if what == "cpu" else f"{number:,.0f}/s"


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    missed = 0
    print(f"{CLIENTS} clients, {PIPELINE} in flight each, 64 B values, sync=always; medians of {rounds}")
    for name, ours, theirs, what, sense, goal in ROWS:
        pairs = [(measure(ours, build), measure(theirs, build)) for _ in range(rounds)]
        a = statistics.median(value(pair[0], what) for pair in pairs)
        b = statistics.median(value(pair[1], what) for pair in pairs)
        ratio = a / b
        good = goal is None or (ratio <= goal if sense == AT_MOST else ratio >= goal)
        missed += not good
        told = "" if goal is None else f"goal {sense} {goal}" + ("" if good else ": MISSED")
        print(f"{name:32} {words(a, what):>14} {words(b, what):>14}  {ratio:5.2f}  {told}", flush=True)
    sys.exit(1 if missed else 0)


main()
