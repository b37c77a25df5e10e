# SPDX-License-Identifier: MIT
"""cluster.py KVS ROUNDS: kvs over a Redis Cluster of three masters with a replica each, under 50 writers, while its
nodes fail and its slots move.

A round kills each master, freezes one for ten seconds, and moves 4,096 slots there and back. Each writer reads a key
back before it overwrites it, and all keys are read back after each failure: a write that was acknowledged and is not
there shows, and so does one that was refused and is there. Then two kvs count in the same keys, and redis-benchmark
compares the way through kvs with the straight one. Fails if a write is lost or an answer wrong; figures of time are reported.
"""
import http.client
import itertools
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import redis

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
from servers import free_port  # pylint: disable=wrong-import-position

MASTERS, WRITERS, KEYS, TABLE = 3, 50, 64, "scenario"
NODE_TIMEOUT_MS, FROZEN_SECONDS, MOVED_SLOTS = 2000, 10, 4096
PATIENCE = 120
COUNTS, REQUESTS, MEASURED = 1000000, 50000, 3


def wait_until(holds, what):
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"cluster: after {PATIENCE} s still not: {what}")
        time.sleep(0.02)


def cli(*words):
    done = subprocess.run(["redis-cli", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"cluster: redis-cli {' '.join(words)}: {done.stdout[-500:]}{done.stderr}")
    return done.stdout


class Node:
    """A redis-server of the cluster, which finds its place again when it restarts."""

    def __init__(self, folder, number):
        self.folder = os.path.join(folder, f"node{number}")
        os.mkdir(self.folder)
        self.port, self.bus = free_port(), free_port()
        self.start()
        self.id = self.ask().execute_command("CLUSTER MYID").decode()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder, "--save", "",
             "--appendonly", "no", "--cluster-enabled", "yes", "--cluster-port", str(self.bus),
             "--cluster-node-timeout", str(NODE_TIMEOUT_MS), "--cluster-require-full-coverage", "no",
             "--repl-diskless-sync-delay", "0", "--logfile", "log"])
        wait_until(self.answers, f"node {self.port} answers")

    def ask(self):
        return redis.Redis(port=self.port, socket_timeout=5)

    def answers(self):
        try:
            return self.ask().ping()
        except (redis.RedisError, OSError):
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def describe(self):
        """What the node knows of the cluster, and of its replication."""
        try:
            return self.ask().execute_command("CLUSTER INFO"), self.ask().info("replication")
        except (redis.RedisError, OSError):
            return None, None

    def is_master(self):
        _, replication = self.describe()
        return bool(replication) and replication["role"] == "master"


class Cluster:
    def __init__(self, folder):
        self.nodes = [Node(folder, number) for number in range(2 * MASTERS)]
        cli("--cluster", "create", *(f"127.0.0.1:{node.port}" for node in self.nodes), "--cluster-replicas", "1",
            "--cluster-yes")
        wait_until(self.is_whole, "all nodes have joined")

    def url(self, options):
        return "redis-cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes) + options

    def is_whole(self):
        """Three masters serve all slots, and each has a replica that has caught up."""
        masters = 0
        for node in self.nodes:
            told, replication = node.describe()
            if not told or told["cluster_state"] != "ok":
                return False
            if replication["role"] == "master":
                masters += 1
                if replication["connected_slaves"] < 1 or replication["slave0"]["state"] != "online":
                    return False
            elif replication["master_link_status"] != "up":
                return False
        return masters == MASTERS

    def masters(self):
        """In the order of their first slots."""
        slots = self.nodes[0].ask().execute_command("CLUSTER SLOTS")
        ports = [part[2][1] for part in sorted(slots, key=lambda part: part[0])]
        order = [int(port) for port in dict.fromkeys(ports)]
        return [next(node for node in self.nodes if node.port == port) for port in order]

    def move(self, count, source, target):
        cli("--cluster", "reshard", f"127.0.0.1:{source.port}", "--cluster-from", source.id, "--cluster-to", target.id,
            "--cluster-slots", str(count), "--cluster-yes")

    def stop(self):
        for node in self.nodes:
            node.process.send_signal(signal.SIGCONT)
            node.kill()


class Kvs:
    def __init__(self, program, store, threads=1):
        words = [program, "--listen", "tcp://127.0.0.1:0?codec=resp", "--listen", "tcp://127.0.0.1:0?codec=http",
                 "--threads", str(threads), "--log-level", "error", "--store", store]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        urls = [self.process.stdout.readline().split()[1] for _ in range(2)]
        self.port, self.http_port = (int(url.rpartition(":")[2]) for url in urls)

    def memory(self):
        """Its memory now and at most, in MiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return [int(re.search(name + r":\s+(\d+) kB", status).group(1)) / 1024 for name in ("VmRSS", "VmHWM")]

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        self.process.terminate()
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        assert failure or code == 0, f"kvs: exit {code}"


def connect(port):
    return redis.Redis(port=port, socket_timeout=60, retry_on_timeout=False)


class Writer(threading.Thread):
    """Writes growing numbers to keys of one master, each in turn. At most `sent` and at least `kept` may be there."""

    def __init__(self, keys, port):
        super().__init__(daemon=True)
        self.keys, self.peer = keys, http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.kept, self.sent = dict.fromkeys(keys, 0), dict.fromkeys(keys, 0)
        self.done, self.go = False, threading.Event()
        self.idle = threading.Event()
        self.number = self.acknowledged = self.refused = self.unknown = 0
        self.wrong, self.words = [], {}
        self.last, self.longest = time.monotonic(), 0.0
        self.go.set()

    def run(self):
        for key in itertools.cycle(self.keys):
            if not self.go.is_set():
                self.idle.set()
                self.go.wait()
                self.last = time.monotonic()
            if self.done:
                return
            self.check(key, self.read(key))
            self.write(key)

    def ask(self, method, key, body=None):
        """By HTTP: for RESP kvs asks as well if a string has the table's name, maybe of another node."""
        self.peer.request(method, f"/v1/tables/{TABLE}/keys/{key}", body)
        reply = self.peer.getresponse()
        return reply.status, reply.read()

    def read(self, key):
        while True:
            status, body = self.ask("GET", key)
            if status == 200:
                return int(body)
            if status == 404:
                return 0
            time.sleep(0.005)

    def check(self, key, value):
        if not self.kept[key] <= value <= self.sent[key]:
            self.wrong.append((key, self.kept[key], value, self.sent[key]))
        self.kept[key] = max(value, self.kept[key])

    def write(self, key):
        self.number += 1
        status, body = self.ask("PUT", key, str(self.number))
        if status not in (201, 204):
            self.note(key, status, body)
            time.sleep(0.005)
            return
        self.kept[key] = self.sent[key] = self.number
        self.acknowledged += 1
        now = time.monotonic()
        self.longest, self.last = max(self.longest, now - self.last), now

    def note(self, key, status, body):
        """503 promises that nothing took effect."""
        words = f"{status} {body.decode().strip()}"
        self.words[words] = self.words.get(words, 0) + 1
        if status == 503:
            self.refused += 1
        else:
            self.unknown += 1
            self.sent[key] = self.number

    def check_all(self):
        for key in self.keys:
            self.check(key, self.read(key))


def place_keys(cluster, kvs, count):
    """Writes candidates, and returns those that lie on each master."""
    peer = connect(kvs.port)
    peer.hset(TABLE, mapping={f"key{i}": 0 for i in range(count)})
    places = []
    for node in cluster.masters():
        asked = node.ask()
        places.append(sorted(key.decode() for bucket in asked.keys("{t:%s:*}" % TABLE) for key in asked.hkeys(bucket)))
    assert sum(len(keys) for keys in places) == count, "some keys lie nowhere"
    return places


class Scenario:
    def __init__(self, cluster, kvs):
        self.cluster, self.kvs = cluster, kvs
        places = place_keys(cluster, kvs, WRITERS * KEYS * 2)
        self.writers = []
        for i in range(WRITERS):
            keys = places[i % MASTERS]
            self.writers.append(Writer([keys.pop() for _ in range(KEYS)], kvs.http_port))
        self.figures, self.takeover = {}, 0.0
        for writer in self.writers:
            writer.start()
        self.wait_for_progress()

    def wait_for_progress(self):
        before = [writer.acknowledged for writer in self.writers]
        wait_until(lambda: all(writer.acknowledged > count + 20 for writer, count in zip(self.writers, before)),
                   "each writer goes on")

    def read_back(self):
        """Holds the writers, and reads all that they wrote."""
        for writer in self.writers:
            writer.idle.clear()
            writer.go.clear()
        for writer in self.writers:
            assert writer.idle.wait(PATIENCE), "a writer waits"
        for writer in self.writers:
            writer.check_all()

    def resume(self):
        for writer in self.writers:
            writer.longest = 0.0
            writer.go.set()
        self.wait_for_progress()

    def during(self, name, shards, fail):
        """Fails something that the writers of the masters `shards` notice, and reports what they and the others saw."""
        before = self.counts()
        for writer in self.writers:
            writer.longest = 0.0
        self.takeover = 0.0
        fail()
        wait_until(self.cluster.is_whole, "the cluster is whole again")
        self.wait_for_progress()
        self.read_back()
        counts = [now - count for now, count in zip(self.counts(), before)]
        hit = max(writer.longest for i, writer in enumerate(self.writers) if i % MASTERS in shards) * 1000
        others = max(writer.longest for i, writer in enumerate(self.writers) if i % MASTERS not in shards) * 1000
        now, most = self.kvs.memory()
        print(f"{name:20} {self.takeover * 1000:8.0f} ms {hit:8.0f} ms {others:8.0f} ms "
              f"{counts[0]:9} {counts[1]:7} {counts[2]:7} {self.wrong():6} "
              f"{now:7.1f} {most:7.1f} MiB", flush=True)
        self.figures.setdefault(name.split()[0], []).append((self.takeover * 1000, hit, others))
        self.resume()

    def counts(self):
        return [sum(getattr(writer, what) for writer in self.writers)
                for what in ("acknowledged", "refused", "unknown")]

    def wrong(self):
        return sum(len(writer.wrong) for writer in self.writers)

    def kill(self, shard):
        node = self.cluster.masters()[shard]
        node.kill()
        self.wait_for_takeover(node)
        node.start()

    def wait_for_takeover(self, node):
        """What clients see cannot be shorter than what the engine needs, so that is told beside it."""
        begin = time.monotonic()
        others = [one for one in self.cluster.nodes if one is not node]
        wait_until(lambda: sum(one.is_master() for one in others) == MASTERS, "a replica has taken over")
        self.takeover = time.monotonic() - begin

    def freeze(self, shard):
        node = self.cluster.masters()[shard]
        node.process.send_signal(signal.SIGSTOP)
        begin = time.monotonic()
        self.wait_for_takeover(node)
        time.sleep(max(0, begin + FROZEN_SECONDS - time.monotonic()))
        node.process.send_signal(signal.SIGCONT)

    def move(self):
        first, second, _ = self.cluster.masters()
        self.cluster.move(MOVED_SLOTS, first, second)
        self.cluster.move(MOVED_SLOTS, second, first)

    def round(self, number):
        for shard in range(MASTERS):
            self.during(f"kill master {shard}", {shard}, lambda shard=shard: self.kill(shard))
        shard = number % MASTERS
        self.during(f"freeze master {shard}", {shard}, lambda: self.freeze(shard))
        self.during("move slots", {0}, self.move)

    def end(self):
        for writer in self.writers:
            writer.done = True
        for writer in self.writers:
            writer.join(PATIENCE)


def report(scenario):
    for name, pairs in scenario.figures.items():
        for who, gaps in zip(("takeover", "gap of its keys", "gap of other keys"), zip(*pairs)):
            print(f"{name}, {who}: {len(gaps)} times, median {statistics.median(gaps):.0f} ms, "
                  f"most {max(gaps):.0f} ms")
    words = {}
    for writer in scenario.writers:
        for text, count in writer.words.items():
            words[text] = words.get(text, 0) + count
    for text, count in sorted(words.items()):
        print(f"  {count} times: {text}")
    for writer in scenario.writers:
        for key, kept, value, sent in writer.wrong:
            print(f"WRONG: {key} is {value}, acknowledged {kept}, sent {sent}")


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
        sums = [sum(map(int, connect(kvs.port).hvals("sums"))) for kvs in (one, other)]
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


def fail_and_check(program, cluster, rounds):
    with Kvs(program, cluster.url("?ack=replica"), threads=2) as kvs:
        scenario = Scenario(cluster, kvs)
        print(f"{WRITERS} writers, cluster-node-timeout {NODE_TIMEOUT_MS} ms\n"
              f"{'':20} {'takeover':>11} {'its keys':>11} {'other keys':>11} "
              f"{'acked':>9} {'refused':>7} {'unknown':>7} {'wrong':>6} "
              f"{'memory':>7} {'at most':>11}")
        for number in range(rounds):
            scenario.round(number)
        report(scenario)
        scenario.end()
    return scenario.wrong() == 0


def main():
    program, rounds = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="weft-cluster-") as folder:
        cluster = Cluster(folder)
        try:
            held = fail_and_check(program, cluster, rounds)
            held &= count_by_two(program, cluster)
            compare(program, cluster)
        finally:
            cluster.stop()
    if not held:
        raise SystemExit("cluster: an acknowledged write is lost, or an answer was wrong")


main()
