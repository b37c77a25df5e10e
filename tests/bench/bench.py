#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Measures kvs against redis, memcached (where they are installed) and the echo floor, with one
client (load/blast.c) for all, and its parts alone (micro.c). In a round every server has its turn,
one after the other, A B A B; a figure is the median of three rounds, and only the ratios within one
run mean something. The server's CPU is the kernel's account of its process. One server is loaded at
a time; servers with one thread are kept on the first CPU, the client on the others.

usage: bench.py BUILD-FOLDER [quick]       quick: about 3 minutes instead of 9

Prints tables, the goals at the end, and writes all of it to BUILD-FOLDER/bench/bench.json.
"""

import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

import resident
import servers

ROUNDS = 3
CONNECTIONS = 50
CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPUS = CPUS[:1]
CLIENT_CPUS = CPUS[1:] or CPUS

# (value length, depth) of the loads that all servers get.
LOADS = [(64, 1), (64, 16), (64, 64), (1024, 16), (1024, 64)]


def start_blast(folder, server, op, depth, seconds, size, cpus, proto=None):
    words = [proto or server.proto, op, server.port, server.pid, CONNECTIONS, depth, seconds, size]
    return subprocess.Popen(
        [folder / "bench/blast", *map(str, words)],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cpus),
    )


def finish_blast(process):
    line = process.communicate()[0]
    if process.returncode != 0:
        raise SystemExit("bench: blast failed")
    words = dict(word.split("=") for word in line.split())
    return {
        "cpu_us": float(words["server_us_per_req"]),
        "krps": float(words["rps"]) / 1000,
        "p50_us": float(words["batch_p50_us"]),
        "p99_us": float(words["p99"]),
        "p999_us": float(words["p999"]),
    }


def median(rounds):
    return {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}


def load(folder, server, op, depth, seconds, size, proto=None):
    return finish_blast(
        start_blast(folder, server, op, depth, seconds, size, CLIENT_CPUS, proto)
    )


def load_twice(folder, server, op, depth, seconds, size, proto):
    """Two clients at once, free to run anywhere: the server's CPU over the sum of their requests."""
    both = [
        start_blast(folder, server, op, depth, seconds, size, CPUS, proto) for _ in range(2)
    ]
    one, other = (finish_blast(process) for process in both)
    krps = one["krps"] + other["krps"]
    # Each of them divided the same CPU time by its own requests alone.
    return {"cpu_us": 1 / (1 / one["cpu_us"] + 1 / other["cpu_us"]), "krps": krps}


def measure_loads(folder, peers, seconds):
    rows = []
    print(f"\n{'load':22}" + "".join(f"{server.name:>26}" for server in peers))
    print(f"{'':22}" + f"{'CPU us   kreq/s  p99.9 us':>26}" * len(peers))
    for size, depth in LOADS:
        for op in ("get", "set"):
            rounds = {server.name: [] for server in peers}
            for _ in range(ROUNDS):
                for server in peers:
                    server.revive()
                    rounds[server.name].append(load(folder, server, op, depth, seconds, size))
            figures = {name: median(all_rounds) for name, all_rounds in rounds.items()}
            rows.append({"op": op, "size": size, "depth": depth, "servers": figures})
            cells = [
                f"{f['cpu_us']:10.3f} {f['krps']:8.0f} {f['p999_us']:6.0f}" for f in figures.values()
            ]
            print(f"h{op} {size} B depth {depth:<6}" + "".join(cells), flush=True)
    return rows


def measure_http(folder, seconds):
    """GET of 64 bytes: kvs, and nginx with a static file of as many bytes for each key."""
    if not servers.installed("nginx"):
        return None
    figures, peers = {}, []
    try:
        peers.append(servers.kvs_http(folder, SERVER_CPUS))
        for cached in (False, True):
            peers.append(servers.Nginx(cached, SERVER_CPUS))
        for depth in (1, 16):
            rounds = {server.name: [] for server in peers}
            for _ in range(ROUNDS):
                for server in peers:
                    rounds[server.name].append(load(folder, server, "get", depth, seconds, 64))
            figures[str(depth)] = {name: median(all_rounds) for name, all_rounds in rounds.items()}
            cells = [f"{name} {f['cpu_us']:.3f} us CPU" for name, f in figures[str(depth)].items()]
            print(f"HTTP GET 64 B depth {depth}: " + ", ".join(cells), flush=True)
    finally:
        for server in peers:
            server.stop()
    return figures


def measure_gzip(folder, seconds):
    figures = {}
    with servers.kvs(folder, cpus=SERVER_CPUS) as server:
        for op in ("get", "set"):
            rounds = [load(folder, server, op, 16, seconds, 16384, "kvz") for _ in range(ROUNDS)]
            figures[op] = median(rounds)
            print(f"h{op} 16 KiB gzip: {figures[op]['cpu_us']:.1f} us CPU", flush=True)
    return figures


def measure_threads(folder, seconds):
    """One thread and two, in turn."""
    figures = {}
    with servers.kvs(folder, 1, name="one") as one, servers.kvs(folder, 2, name="two") as two:
        for what, op, proto, size in (("hget", "get", "kv", 64), ("gzip-hset", "set", "kvz", 16384)):
            rounds = {"one": [], "two": []}
            for _ in range(ROUNDS):
                for server in (one, two):
                    rounds[server.name].append(
                        load_twice(folder, server, op, 16, seconds, size, proto)
                    )
            figures[what] = {name: median(all_rounds) for name, all_rounds in rounds.items()}
            for name, f in figures[what].items():
                print(f"{what}, {name} thread(s): {f['cpu_us']:.3f} us CPU, {f['krps']:.0f} kreq/s")
    return figures


def peer_starters(quick):
    found = []
    if servers.installed("redis-server"):
        found.append(servers.redis)
    if servers.installed("memcached") and not quick:
        found.append(servers.memcached)
    return found


def measure_resident(folder, quick):
    entries = 1000000
    starters = [lambda: servers.kvs(folder)] + peer_starters(quick)
    figures = {}
    for start in starters:
        with start() as server:
            figures[server.name] = {"entries_mb": resident.megabytes_of_entries(server, entries)}
        with start() as server:
            before, after = resident.kib_a_connection(server, 9000)
            figures[server.name].update(idle_kib=before, used_kib=after)
        f = figures[server.name]
        print(
            f"{server.name}: 1,000,000 entries {f['entries_mb']:.1f} MB; a connection"
            f" {f['idle_kib']:.2f} KiB before a byte, {f['used_kib']:.2f} KiB after one hget",
            flush=True,
        )
    return figures


def measure_pauses(folder, quick):
    """The longest turns of the store, in milliseconds, by what was done meanwhile."""
    entries = 1000000 if quick else 10000000
    command = [folder / "bench/store_pauses", "weft", str(entries), "2"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    print()
    begin = max(i for i, line in enumerate(lines) if not line.startswith(" "))
    print("\n".join(lines[begin:]), flush=True)
    rows = (line.strip().removesuffix(" ms").rsplit(": ", 1) for line in lines[begin + 1 :])
    return {"entries": entries, "longest_ms": {what: float(ms) for what, ms in rows}}


def micro(folder):
    lines = subprocess.run([folder / "bench/micro"], check=True, capture_output=True, text=True)
    figures = {name: float(ns) for name, ns in (line.split() for line in lines.stdout.splitlines())}
    for name, ns in figures.items():
        print(f"{name:36} {ns:12.1f} ns")
    return figures


def judge(result):
    """(goal, measured, limit, whether it is kept): all of it ratios or absolutes of this run."""
    goals = []

    def at_most(what, measured, limit):
        goals.append((what, measured, f"<= {limit}", measured <= limit))

    def at_least(what, measured, limit):
        goals.append((what, measured, f">= {limit}", measured >= limit))

    def against(op, size, depth, other, limit, key="cpu_us"):
        for row in result["loads"]:
            if (row["op"], row["size"], row["depth"]) == (op, size, depth) and other in row["servers"]:
                ratio = row["servers"]["kvs"][key] / row["servers"][other][key]
                what = "CPU" if key == "cpu_us" else "p99.9"
                at_most(f"h{op} {size} B depth {depth}: {what} / {other}'s", ratio, limit)

    for op in ("get", "set"):
        against(op, 64, 1, "echo", 1.05)
        against(op, 64, 16, "redis", 0.60)
        against(op, 64, 64, "redis", 0.35 if op == "get" else 0.45)
        against(op, 1024, 16, "redis", 0.75)
        against(op, 1024, 64, "redis", 0.75)
        against(op, 64, 1, "redis", 1.0, "p999_us")
    for depth, limit in (("1", 0.97), ("16", 0.5)) if result["http"] else ():
        row = result["http"][depth]
        for other in [name for name in row if name != "kvs"]:
            at_most(f"HTTP GET 64 B depth {depth}: CPU / {other}", row["kvs"]["cpu_us"] / row[other]["cpu_us"], limit)
    hget, gzip = result["threads"]["hget"], result["threads"]["gzip-hset"]
    at_most("two threads / one, hget: CPU", hget["two"]["cpu_us"] / hget["one"]["cpu_us"], 1.15)
    at_least("two threads / one, hget: throughput", hget["two"]["krps"] / hget["one"]["krps"], 1.0)
    at_least("two threads / one, gzip hset: throughput", gzip["two"]["krps"] / gzip["one"]["krps"], 1.4)
    at_most("hget 16 KiB gzip: CPU us", result["gzip"]["get"]["cpu_us"], 15)
    at_most("hset 16 KiB gzip: CPU us", result["gzip"]["set"]["cpu_us"], 120)
    own = result["resident"]["kvs"]
    at_most("1,000,000 entries: MB resident", own["entries_mb"], 115)
    at_most("a connection before a byte: KiB", own["idle_kib"], 0.6)
    at_most("a connection 10 s after one hget: KiB", own["used_kib"], 1.0)
    pauses = result["pauses"]
    what = f"the store's longest turn, {pauses['entries']:,} entries: ms"
    at_most(what, max(pauses["longest_ms"].values()), 5)
    return goals


def main():
    folder, quick = pathlib.Path(sys.argv[1]).resolve(), "quick" in sys.argv[2:]
    seconds = 0.5 if quick else 2
    begin = time.monotonic()
    print("machine is shared: only ratios within this run mean something")
    result = {"machine": platform.processor() or platform.machine(), "cpus": len(CPUS), "quick": quick}
    result["micro"] = micro(folder)
    starters = [lambda cpus: servers.kvs(folder, cpus=cpus)]
    starters += peer_starters(quick) + [lambda cpus: servers.echo(folder, cpus)]
    peers = []
    try:
        for start in starters:
            peers.append(start(SERVER_CPUS))
        result["loads"] = measure_loads(folder, peers, seconds)
    finally:
        for server in peers:
            server.stop()
    result["http"] = measure_http(folder, seconds)
    result["gzip"] = measure_gzip(folder, seconds)
    result["threads"] = measure_threads(folder, seconds)
    result["resident"] = measure_resident(folder, quick)
    result["pauses"] = measure_pauses(folder, quick)
    goals = judge(result)
    print()
    for what, measured, limit, kept in goals:
        print(f"{what:53} {measured:9.3f}  {limit:8} {'kept' if kept else 'MISSED'}")
    result["goals"] = [
        {"goal": what, "measured": measured, "limit": limit, "kept": kept}
        for what, measured, limit, kept in goals
    ]
    out = folder / "bench/bench.json"
    out.write_text(json.dumps(result, indent=2) + "\n")
    print(f"\n{sum(kept for *_, kept in goals)} of {len(goals)} goals kept; {out};"
          f" {time.monotonic() - begin:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
