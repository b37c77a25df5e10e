#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""kvs over TLS against redis over TLS, in one run, each with one thread and the same certificate.

usage: tls.py BUILD [ROUNDS]

Server CPU per HGET of 64 bytes, 16 in flight on each of 50 connections (redis-benchmark), and per new connection
with one PING; medians of the rounds (5), which load the servers in turn, and of the ratios of each round. Then what
1,000 idle connections keep resident, and what 10,000 half handshakes cost kvs and a good client. Fails where a goal
is missed.
"""
import os
import pathlib
import re
import resource
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

import bench
import servers

REQUESTS, NEW, IDLE, HALF, ROUNDS = 500000, 2000, 1000, 10000, 5
GOALS = {"hget": 0.75, "new": 1 / 1.5, "idle": 12.0}


def cpu_seconds(pid):
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def kvs(build, keys):
    port = servers.free_port()
    return servers.Server("kvs", "redis", [
        build / "kvs", "--threads", "1", "--log-level", "error", "--max-connections", "20000", "--frame-timeout", "20",
        "--listen", f"tls://127.0.0.1:{port}?codec=resp&cert={keys}/server.pem&key={keys}/server.key"],
        port, bench.SERVER_CPUS)


def redis(keys):
    port = servers.free_port()
    return servers.Server("redis", "redis", [
        "redis-server", "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly",
        "no", "--io-threads", "1", "--maxclients", "20000", "--tls-cert-file", f"{keys}/server.pem", "--tls-key-file",
        f"{keys}/server.key", "--tls-ca-cert-file", f"{keys}/ca.pem", "--tls-auth-clients", "no"],
        port, bench.SERVER_CPUS)


def load(server, keys, count, *words):
    """Microseconds of the server's CPU for each of the count."""
    before = cpu_seconds(server.pid)
    subprocess.run(["redis-benchmark", "--tls", "--cacert", f"{keys}/ca.pem", "-p", str(server.port), "-n", str(count),
                    "-q", *words], capture_output=True, check=True,
                   preexec_fn=lambda: os.sched_setaffinity(0, bench.CLIENT_CPUS))
    return (cpu_seconds(server.pid) - before) / count * 1e6


def compare(name, goal, ours, theirs):
    ratio = statistics.median(a / b for a, b in zip(ours, theirs))
    print(f"{name:36} {statistics.median(ours):8.3f} us {statistics.median(theirs):8.3f} us {ratio:6.2f}  "
          f"goal <= {goal:.2f}{'' if ratio <= goal else ': MISSED'}", flush=True)
    return ratio <= goal


class Clients:
    def __init__(self, keys, port):
        self.context, self.port, self.peers = ssl.create_default_context(cafile=f"{keys}/ca.pem"), port, []

    def add(self):
        peer = self.context.wrap_socket(socket.create_connection(("127.0.0.1", self.port)), server_hostname="localhost")
        peer.sendall(b"PING\r\n")
        peer.recv(16)
        self.peers.append(peer)

    def close(self):
        for peer in self.peers:
            peer.close()


def idle_kib(server, keys):
    clients = Clients(keys, server.port)
    for _ in range(100):
        clients.add()
    before = server.resident_kib()
    for _ in range(IDLE):
        clients.add()
    after = server.resident_kib()
    clients.close()
    return (after - before) / IDLE


def half_handshakes(server, keys):
    """Returns the KiB that each keeps, and the longest that a new client's first reply took meanwhile, in ms."""
    hello = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    flight, peers, worst = hello.read(), [], 0.0
    good = Clients(keys, server.port)
    good.add()
    before = server.resident_kib()
    for i in range(HALF):
        peer = socket.create_connection(("127.0.0.1", server.port))
        peer.sendall(flight[:len(flight) // 2])
        peers.append(peer)
        if i % 100 == 0:
            began = time.monotonic()
            good.add()
            worst = max(worst, time.monotonic() - began)
    kib = (server.resident_kib() - before) / HALF
    for peer in peers:
        peer.close()
    good.close()
    return kib, worst * 1e3


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    version = re.search(r"OpenSSL \S+", ssl.OPENSSL_VERSION)
    with tempfile.TemporaryDirectory() as keys:
        subprocess.run([build / "kvs", "--make-certificate", keys], check=True, capture_output=True)
        print(f"{version[0]}, P-256; server CPU, medians of {rounds}")
        print(f"{'':36} {'kvs':>11} {'redis':>11} {'ratio':>6}")
        with kvs(build, keys) as ours, redis(keys) as theirs:
            for server in (ours, theirs):
                load(server, keys, 1, "HSET", "t", "k", "x" * 64)
            loads = {"hget": (REQUESTS, "-c", "50", "-P", "16", "HGET", "t", "k"),
                     "new": (NEW, "-c", "20", "-k", "0", "PING")}
            names = {"hget": "HGET, 16 in flight", "new": "a new connection and a PING"}
            kept = True
            for kind, words in loads.items():
                pairs = [[load(server, keys, *words) for server in (ours, theirs)] for _ in range(rounds)]
                kept &= compare(names[kind], GOALS[kind], *zip(*pairs))
        with kvs(build, keys) as ours, redis(keys) as theirs:
            one, other = idle_kib(ours, keys), idle_kib(theirs, keys)
            print(f"{'idle, resident':36} {one:7.1f} KiB {other:7.1f} KiB {'':6}  goal <= {GOALS['idle']:.1f} KiB"
                  f"{'' if one <= GOALS['idle'] else ': MISSED'}", flush=True)
            kept &= one <= GOALS["idle"]
        with kvs(build, keys) as ours:
            kib, worst = half_handshakes(ours, keys)
            print(f"{HALF} half handshakes: {kib:.1f} KiB each; a new client's first reply after {worst:.1f} ms at most")
    sys.exit(0 if kept else 1)


main()
