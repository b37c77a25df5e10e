#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""kvs in front of a Redis Cluster against the straight way to it, in one run.

usage: cluster.py BUILD [ROUNDS] [MASTERS...]     MASTERS: 1, 2, 3

HSET and HGET of 64 bytes by redis-benchmark, 50 connections with 16 commands in flight, through kvs with one loop by
RESP and straight with --cluster. The two take turns; a figure is the median of the rounds (3), and of the ratios of
each round. Beside the rate and the latency stand the microseconds of CPU that a request takes from the client, from
kvs and from all masters: where the machine has no more of them, more masters bring nothing. Fails where the goal is
missed with the most masters.
"""
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import servers

CONNECTIONS, PIPELINE, KEYS, REQUESTS = 50, 16, 100000, 200000
ROUNDS, GOAL, SLOTS = 3, 0.5, 16384
FIELD, VALUE = "key:__rand_int__", "x" * 64


def ask(port, *words):
    return subprocess.run(["redis-cli", "-p", str(port), *words], capture_output=True, text=True, check=True).stdout


class Cluster:
    """Masters without replicas, which share the slots equally."""

    def __init__(self, folder, masters):
        self.nodes = []
        for _ in range(masters):
            port, bus = servers.free_port(), servers.free_port()
            place = pathlib.Path(folder, str(port))
            place.mkdir()
            command = ["redis-server", "--port", str(port), "--cluster-port", str(bus), "--bind", "127.0.0.1", "--dir",
                       str(place), "--save", "", "--appendonly", "no", "--cluster-enabled", "yes"]
            self.nodes.append(servers.Server("redis", "redis", command, port))
            self.nodes[-1].bus = bus
        for i, node in enumerate(self.nodes):
            ask(node.port, "CLUSTER", "ADDSLOTSRANGE", str(SLOTS * i // masters), str(SLOTS * (i + 1) // masters - 1))
            ask(self.nodes[0].port, "CLUSTER", "MEET", "127.0.0.1", str(node.port), str(node.bus))
        while not all(self.is_whole(node) for node in self.nodes):
            time.sleep(0.1)

    def is_whole(self, node):
        told = ask(node.port, "CLUSTER", "INFO")
        return "cluster_state:ok" in told and f"cluster_size:{len(self.nodes)}" in told

    def url(self):
        return "redis-cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes) + "?ack=master"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            node.stop()


def cpu_seconds(pid):
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def client_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def load(port, pids, *words):
    """Thousands of requests a second, the median of the latency in ms, and microseconds of the client and each pid."""
    before = [client_seconds()] + [cpu_seconds(pid) for pid in pids]
    command = ["redis-benchmark", "-p", str(port), "-c", str(CONNECTIONS), "-P", str(PIPELINE), "-n", str(REQUESTS),
               "-r", str(KEYS), "-q", *words]
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
    after = [client_seconds()] + [cpu_seconds(pid) for pid in pids]
    found = re.findall(r"([\d.]+) requests per second, p50=([\d.]+)", out)
    if not found or "rror" in out:
        raise SystemExit(f"cluster: redis-benchmark says: {out}")
    spent = [(b - a) / REQUESTS * 1e6 for a, b in zip(before, after)]
    return [float(found[-1][0]) / 1000, float(found[-1][1]), *spent]


def show(masters, name, pairs):
    ours, straight = ([statistics.median(column) for column in zip(*side)] for side in zip(*pairs))
    ratio = statistics.median(a[0] / b[0] for a, b in pairs)
    print(f"{masters} {name:5} {ours[0]:6.1f} {ours[1]:6.2f} {ours[2]:6.2f} {ours[3]:6.2f} {sum(ours[4:]):7.2f} |"
          f" {straight[0]:6.1f} {straight[1]:6.2f} {straight[2]:6.2f} {sum(straight[3:]):7.2f} | {ratio:5.2f}", flush=True)
    return ratio >= GOAL


def measure(build, rounds, masters):
    kept = True
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as folder, Cluster(folder, masters) as cluster:
        port = servers.free_port()
        command = [build / "kvs", "--threads", "1", "--log-level", "warn", "--store", cluster.url(), "--listen",
                   f"tcp://127.0.0.1:{port}?codec=resp"]
        pids = [node.pid for node in cluster.nodes]
        with servers.Server("kvs", "redis", command, port) as kvs:
            for name, words in (("HSET", (FIELD, VALUE)), ("HGET", (FIELD,))):
                # redis-benchmark takes one node for no cluster.
                straight = ["--cluster", name, "hash:{tag}"] if masters > 1 else [name, "hash"]
                pairs = [(load(port, [kvs.pid, *pids], name, "hash", *words),
                          load(cluster.nodes[0].port, pids, *straight, *words))
                         for _ in range(rounds)]
                kept &= show(masters, name, pairs)
    return kept


def main():
    build = pathlib.Path(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    counts = [int(word) for word in sys.argv[3:]] or [1, 2, 3]
    print("M       kreq/s p50 ms client    kvs masters | kreq/s p50 ms client masters | ratio", flush=True)
    kept = [measure(build, rounds, masters) for masters in counts]
    if not kept[-1]:
        raise SystemExit(f"cluster: a ratio is below the goal of {GOAL}")


if __name__ == "__main__":
    main()
