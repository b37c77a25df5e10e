# SPDX-License-Identifier: MIT
"""cluster_rates.py KVS: what kvs over a Redis Cluster does while nothing fails: two of them count in the same
keys, and redis-benchmark compares the way through kvs with the straight one. Fails if a sum is wrong."""
import re
import statistics
import subprocess
import sys
import tempfile
import time

from cluster_nodes import MASTERS, Cluster, Here, Kvs

COUNTS, REQUESTS, MEASURED = 1000000, 50000, 3


def benchmark(port, *words):
    command = ["redis-benchmark", "-p", str(port), "-c", "50", "-P", "16", "-q", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def count_by_two(program, cluster):
    """Both of two kvs count in the same keys: in a single one so many at a time would get 503 now and then."""
    store = cluster.url("?ack=replica")
    with Kvs(program, store) as one, Kvs(program, store) as other:
        begin = time.monotonic()
        words = ["-n", str(COUNTS // 2), "-r", "10000", "HINCRBY", "sums", "sum:__rand_int__", "1"]
        for run in [benchmark(kvs.port, *words) for kvs in (one, other)]:
            out, _ = run.communicate()
            if run.returncode != 0 or "Error" in out:
                print(f"redis-benchmark says: {out[-200:]}")
        seconds = time.monotonic() - begin
        sums = [sum(map(int, kvs.connect().hvals("sums"))) for kvs in (one, other)]
    print(f"two kvs: {COUNTS} hincr by both in {seconds:.0f} s, each reads {sums[0]} and {sums[1]}", flush=True)
    return sums == [COUNTS, COUNTS]


def rate(port, *words):
    """Thousands a second, and the median of the latency in ms."""
    out, _ = benchmark(port, "-n", str(REQUESTS), "-r", "100000", *words).communicate()
    found = re.findall(r"([\d.]+) requests per second, p50=([\d.]+)", out)
    if not found:
        raise SystemExit(f"cluster: redis-benchmark says: {out}")
    return float(found[-1][0]) / 1000, float(found[-1][1])


def compare(program, cluster):
    """hset and hget of 64 bytes, 50 connections with 16 in flight."""
    key, value = "key:__rand_int__", "x" * 64
    for ack in ("master", "replica"):
        with Kvs(program, cluster.url(f"?ack={ack}")) as kvs:
            for name, words in (("HSET", (key, value)), ("HGET", (key,))):
                pairs = [(rate(kvs.port, name, "hash", *words),
                          rate(cluster.nodes[0].port, "--cluster", name, "hash:{tag}", *words))
                         for _ in range(MEASURED)]
                show(f"{name}, ack={ack}", pairs)


def show(name, pairs):
    ours, straight = ([statistics.median(column) for column in zip(*side)] for side in zip(*pairs))
    ratio = statistics.median(a[0] / b[0] for a, b in pairs)
    print(f"{name}: kvs {ours[0]:.1f} kreq/s, p50 {ours[1]:.2f} ms; straight {straight[0]:.1f} kreq/s, "
          f"p50 {straight[1]:.2f} ms; ratio {ratio:.2f}", flush=True)


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="weft-cluster-") as folder:
        cluster = Cluster(folder, [Here()] * 2 * MASTERS)
        try:
            held = count_by_two(program, cluster)
            compare(program, cluster)
        finally:
            cluster.stop()
    if not held:
        raise SystemExit("cluster: a sum is wrong")


main()
